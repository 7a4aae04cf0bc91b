"""The origin that a browser names of the page that sent a form (RFC 6454, section 7)."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request


def is_from_here(request: Request, *own: str) -> bool:
    """Return whether the sender's origin, where one is named, is one of `own` or that of the request's address.

    With "null" in `own` so is a page without referrer.
    """
    asked = f"{request.scope['scheme']}://{request.headers.get('host', '')}".lower()
    return all(origin.lower() in (asked, *own) for origin in request.headers.getlist("origin"))


def origin_of(address: str) -> str:
    """Return the origin of an address as a browser's Origin header has it: no default port, small letters."""
    parts = urlsplit(address)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = (parts.netloc.rpartition(":")[0] if parts.port == default else parts.netloc).lower()
    return f"{parts.scheme}://{host}"
