"""Texts that go wrong in careless software, one for each hazard, and characters of every category of Unicode."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator

HAZARDS = {
    # taken for a value of a language
    "the word for nothing": "null",
    "another word for nothing": "undefined",
    "a word for false": "False",
    "a name that every object has": "__proto__",
    "no number": "NaN",
    "a number past every float": "1e309",
    "an integer past 64 bits": "9223372036854775808",
    "a number with leading zeros": "007",
    "a number in hexadecimal": "0x1F",
    "a number with a comma": "1,234.5",
    "an infinity": "-Infinity",
    # white space and line ends
    "spaces at both ends": "  between  ",
    "a no-break space alone in a text": "a\u00a0b",
    "an ideographic space at the end": "終\u3000",
    "a tab": "a\tb",
    "three line ends": "a\nb\n\nc",
    "a line end of Windows": "a\r\nb",
    "a line end of old machines": "a\rb",
    "a line separator": "a\u2028b\u2029c",
    # what XML and HTML would read
    "an element": "<b>bold</b>",
    "an end of the answer's element": "</answer></survey><survey>",
    "a script": "<script>alert(1)</script>",
    "a handler in an attribute": '" autofocus onfocus="alert(1)',
    "a handler without quotes": "' onmouseover=alert(1) x='",
    "an end of the text area": "</textarea><script>alert(1)</script>",
    "a comment that is not closed": "<!-- not closed",
    "an end of CDATA": "]]>",
    "a CDATA section": "<![CDATA[ text ]]>",
    "a processing instruction": '<?xml version="1.0" encoding="utf-16"?>',
    "a document type with an entity": '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
    "a reference to a character": "&#x41; &lt; &amp;amp;",
    "an ampersand alone": "salt & pepper",
    "a reference to a forbidden character": "&#0;",
    # what other languages would read
    "a template's expression": "{{ 7 * 7 }} {% raw %} ${7*7} #{7*7}",
    "a format's place": "{} {0.__class__} %s %n %(name)s",
    "an end of an SQL text": "'; DROP TABLE survey; --",
    "an SQL comment": "1 /* or */ OR 1=1",
    "a wildcard of SQL": "100%_",
    "a formula of a spreadsheet": "=1+1",
    "a formula behind a plus": "+cmd|' /C calc'!A1",
    "a formula behind an at": "@SUM(1+1)",
    "a command of a shell": "$(touch /tmp/x) `id` ; ls | wc && true",
    "a path upwards": "../../../../etc/passwd",
    "a path of Windows": "C:\\CON\\..\\aux.txt",
    "an escape of JavaScript": "\\u003cscript\\u003e \\x3c \\",
    "JSON that ends early": '"}], "sid": "other',
    "a percent code": "%00 %0d%0aSet-Cookie: a=b %c0%ae",
    "a header line": "a\r\nSet-Cookie: a=b",
    "a separator of forms": "a=b&c=d;e=f+g",
    "an address with a script": "javascript:alert(1)",
    "a pattern that is slow to match": "a" * 60 + "!",
    # characters
    "a letter with an accent of its own": "e\u0301 is not \u00e9",
    "many accents on one letter": "a" + "\u0300\u0316\u0334\u0357" * 30,
    "letters that grow as capitals": "ß ŉ ǰ ΐ",
    "an i without a dot": "ı İ",
    "letters wider than others": "ﷺ 𒐫",
    "a fullwidth sign": "＜script＞",
    "a letter that looks like another": "pаypаl",
    "digits of another script": "١٢٣ १२३",
    "Arabic": "كيف كان الحديث؟",
    "Hebrew beside English": "שלום world",
    "Chinese, Japanese and Korean": "社會科學院語學研究所 部落格 사회과학원",
    "a letter past the first plane": "𠜎 𝔘",
    "an emoji": "😀",
    "an emoji of several": "👩\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈",
    "an emoji with a colour": "👍🏽",
    "flags": "🇩🇪🇺🇳",
    "a zero-width space": "a\u200bb",
    "a byte order mark": "\ufeffa",
    "a soft hyphen": "a\u00adb",
    "a mark of direction": "\u200fa\u200e",
    "an isolate that is closed": "\u2067שלום\u2069 fine",
    "an override that is left open": "\u202eevil",
    "a closer that closes nothing": "a\u2069\u202c",
    "the replacement character": "\ufffd",
    "a character of private use": "\ue000",
    "a character that is none": "\ufffe\uffff",
    "a character that is none, past the first plane": "\U0001fffe",
    "a tag character": "\U000e0041",
    "a NUL": "a\x00b",
    "a bell and an escape": "\x07 \x1b[31m",
    "a delete": "\x7f",
    "a next line": "a\x85b",
}
_EACH = 12


def of_every_category() -> Iterator[tuple[str, str]]:
    """Yield each general category of Unicode but Cs with a text of some of its characters, spread over the planes.

    Lone surrogates (Cs) have no UTF-8: no browser sends them.
    """
    found: dict[str, list[str]] = {}
    for point in range(sys.maxunicode + 1):
        found.setdefault(unicodedata.category(chr(point)), []).append(chr(point))
    for category, characters in sorted(found.items()):
        if category != "Cs":
            spread = characters[:: max(1, len(characters) // _EACH)]
            yield category, "a" + "b".join([*spread, characters[-1]]) + "c"
