"""The ceilings: a bare ASGI callable and a bare Starlette route that send the product's bytes and headers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_answer = json.loads(Path(os.environ["BENCH_ANSWER"]).read_text(encoding="utf-8"))
_BODY = _answer["body"].encode()
_HEADERS = [(name.encode(), value.encode()) for name, value in _answer["headers"]]
_START = {"type": "http.response.start", "status": 200, "headers": _HEADERS}
_END = {"type": "http.response.body", "body": _BODY}


async def callable_app(scope: Any, receive: Any, send: Any) -> None:
    """Send the bytes to whoever asks."""
    if scope["type"] == "http":
        await send(_START)
        await send(_END)


async def _route(request: Request) -> Response:
    response = Response(_BODY)
    response.raw_headers = list(_HEADERS)
    return response


starlette_app = Starlette(routes=[Route("/v1/status/{entry_point}", _route)])
