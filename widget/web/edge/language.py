"""The language that a request asks for."""

from __future__ import annotations

from starlette.requests import Request

from widget.domain.language import asked_language


def wanted_language(request: Request) -> str | None:
    """Return the tag the reader asked for, not negotiated yet: `?locale=`, else the first of Accept-Language."""
    return asked_language(request.query_params.get("locale"), request.headers.get("accept-language", ""))
