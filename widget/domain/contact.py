"""What visitors type of themselves: an e-mail address, a phone number, a name.

An address is judged by its form alone and nobody is asked whether it exists, so that no answer of ours tells.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_ADDRESS = 254  # characters, RFC 5321, section 4.5.3.1.3 less the two angle brackets
LONGEST_LOCAL_PART = 64
_LOCAL = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\"(),:;<>@\[\\\]]+")
_LABEL = re.compile(r"[^\W_](?:[^\W_]|-){0,62}")
_PHONE = re.compile(r"[\d ()/.+#*x\u00a0\u2010-\u2013-]+")
_FEWEST_DIGITS, _MOST_DIGITS = 3, 20  # E.164 has 15 at most; an extension may follow
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://|www\.|mailto:", re.IGNORECASE)
_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")  # what IDNA takes for a dot (UTS #46)


def is_email(text: str) -> bool:
    """Return whether this has the form of an e-mail address: no quoted local part, no address literal, no control."""
    local, at, domain = text.rpartition("@")
    if not at or len(text) > LONGEST_ADDRESS or not text.isprintable():
        return False
    if len(local) > LONGEST_LOCAL_PART or not _LOCAL.fullmatch(local) or ".." in f".{local}.":
        return False
    labels = domain.split(".")
    return len(labels) > 1 and all(_LABEL.fullmatch(label) and not label.endswith("-") for label in labels)


def in_ascii(address: str) -> str:
    """Return an address with its domain as the name service has it; "" where a server may not know it (RFC 6531)."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}" if local.isascii() else ""
    except UnicodeError:
        return ""


def is_phone(text: str) -> bool:
    """Return whether this may be a phone number: digits, and what people write between them."""
    digits = sum(character.isdigit() for character in text)
    return _PHONE.fullmatch(text) is not None and _FEWEST_DIGITS <= digits <= _MOST_DIGITS


def has_link(text: str) -> bool:
    """Return whether there is a web address in a text that is a name: `https://…`, `www.…`, `casino.example`.

    A last part that does not consist of small letters is no domain's: "J.R.Smith" and "Dr.Smith" are names.
    """
    flat = unicodedata.normalize("NFKC", text).translate(_DOTS)
    names = (word.rstrip(".").rpartition(".") for word in re.split(r"[\s/,;:<>()\[\]]+", flat))
    return _SCHEME.search(flat) is not None or any(
        first and len(last) > 1 and last.isalpha() and last == last.lower() for first, _dot, last in names
    )


def is_one_line(text: str) -> bool:
    """Return whether no program takes this for two lines; a header field made of it stays one."""
    return (text + "x").splitlines() == [text + "x"]
