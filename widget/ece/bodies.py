"""What a body is before anybody parses it as XML: a web page, JSON, or bytes that no XML parser may see."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from widget.domain.errors import EceUnreadable
from widget.domain.strict_json import no_name_twice

# What an answer says, by local name: attributes and children of an XML root, or the members of a JSON object.
# None stands for "there, but no single text": an element with elements inside, two that differ, a JSON list.
Fields = Mapping[str, str | None]

_DECLARATIONS = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_XML_HEAD = re.compile(
    rb"""<\?xml\s{1,9}version\s{0,9}=\s{0,9}["']1\.[0-9]["']
         (?:\s{1,9}encoding\s{0,9}=\s{0,9}["'](?:utf-?8|utf-16(?:[lb]e)?|us-ascii|iso-8859-1|windows-1252)["'])?
         (?:\s{1,9}standalone\s{0,9}=\s{0,9}["'](?:yes|no)["'])?\s{0,9}\?>""",
    re.VERBOSE | re.IGNORECASE,
)
_HTML = re.compile(rb"<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)


def is_html(body: bytes) -> bool:
    """Return whether this is a web page, as proxies and login pages put it in the place of an answer."""
    return _HTML.search(body[:1024].replace(b"\0", b"")) is not None


def refuse_declarations(body: bytes) -> None:
    """Refuse any DOCTYPE or entity before a parser sees it: libxml2 would expand some, drop others, and open files.

    Without its NULs, UTF-16 is ASCII here too; charsets in which ASCII could be spelt in another way are refused.
    Raise EceUnreadable.
    """
    without_mark = body.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    ascii_seen = without_mark.replace(b"\0", b"").lstrip(b" \t\r\n")
    if _DECLARATIONS.search(ascii_seen):
        raise EceUnreadable("an HTML page" if is_html(body) else "a DOCTYPE or entity declaration, which is refused")
    declared = ascii_seen.startswith(b"<?xml") and ascii_seen[5:6].isspace()
    if not ascii_seen.startswith(b"<") or (declared and not _XML_HEAD.match(ascii_seen)):
        raise EceUnreadable("not XML, or in a charset that is not read")


def looks_like_json(body: bytes) -> bool:
    """Return whether this begins as JSON's objects and lists do."""
    start = body[:64].replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe \t\r\n")
    return start.startswith((b"{", b"["))


def json_fields(body: bytes) -> Fields:
    """Read a flat JSON object; numbers stay text, so that the same patterns judge them. Raise EceUnreadable."""
    try:
        value = json.loads(
            body, object_pairs_hook=no_name_twice, parse_int=str, parse_float=str, parse_constant=lambda _: None
        )
    except (ValueError, RecursionError):
        raise EceUnreadable("not JSON, or a name twice") from None
    if not isinstance(value, dict):
        raise EceUnreadable("JSON, but no object")
    return {name: _scalar(item) for name, item in value.items() if item is not None}


def _scalar(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None
