"""Answers that are the same bytes for everybody."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def fixed_route(path: str, body: bytes, media_type: str, headers: Mapping[str, str]) -> Route:
    """Serve the same bytes to everybody."""

    async def answer(_: Request) -> Response:
        return Response(body, headers=headers, media_type=media_type)

    return Route(path, answer, methods=["GET"])
