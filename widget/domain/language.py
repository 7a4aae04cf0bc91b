"""Language tags as pages and browsers send them (RFC 5646), and which one a visitor asked for."""

from __future__ import annotations

import re

LONGEST_TAG = 35  # RFC 5646, section 4.4.1
_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,4}")
_FIRST = re.compile(r"\s*([A-Za-z0-9-]+)")


def language_tag(text: str | None) -> str | None:
    """Return the tag with "-" between its parts, or None for a text that is no language tag."""
    if text is None or len(text) > LONGEST_TAG or not _TAG.fullmatch(text):
        return None
    return text.replace("_", "-")


def asked_language(locale: str | None, accept_language: str) -> str | None:
    """Return the tag of the page's `locale` parameter, else the first of an Accept-Language header, else None."""
    if (tag := language_tag(locale)) is not None:
        return tag
    first = _FIRST.match(accept_language)
    return language_tag(first[1]) if first else None
