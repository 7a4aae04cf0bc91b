"""The built-in sample site, and pages with and without our tag, as a server of their own.

`AUDIT_WIDGET` names the product they point at.
"""

from __future__ import annotations

import os
import re
import socket
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from widget.demo.site import create_site

WIDGET = os.environ.get("AUDIT_WIDGET", "http://127.0.0.1:8000")
TAG = f'<script async src="{WIDGET}/widget.js" data-entry-point="sales"></script>'
BLANK = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<link rel="icon" href="/assets/mark.svg" type="image/svg+xml">{tag}</head>'
    "<body><main><h1>A page</h1><p>With a few words, and nothing else.</p></main></body></html>"
)
app = create_site(WIDGET, simulator_url=WIDGET, mail=socket.create_server(("127.0.0.1", 0)))


async def _blank(request: Request) -> HTMLResponse:
    return HTMLResponse(BLANK.format(tag=TAG if request.url.path.endswith("-with") else ""))


async def _without_tag(_: Request) -> HTMLResponse:
    """Return the sample site's first page as it would be without us."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "headers": []}
    await app({**scope, "root_path": "", "http_version": "1.1", "scheme": "http"}, None, send)  # type: ignore[arg-type]
    text = sent[1]["body"].decode()
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"] if name != b"content-length"}
    return HTMLResponse(re.sub(r"<script[^>]*widget\.js[^>]*></script>", "", text), headers=headers)


app.router.routes += [
    Route("/blank", _blank),
    Route("/blank-with", _blank),
    Route("/without", _without_tag),
]
