"""What stands in front of the product in production: TLS, and plain HTTP that is sent on to it. `uvicorn` runs it."""

from __future__ import annotations

import json
import os
from typing import Any

import httpx

# host → the plain server behind it, as JSON
UPSTREAM = json.loads(os.environ.get("AUDIT_UPSTREAM", "{}"))
_client = httpx.AsyncClient(cookies=None)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Pass the request on by its Host, or redirect it to https when it came without."""
    if scope["type"] != "http":
        return
    host = dict(scope["headers"]).get(b"host", b"").decode().partition(":")[0]
    path = scope["raw_path"].decode() + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
    if scope["scheme"] == "http":
        await _send(send, 301, [(b"location", f"https://{host}{path}".encode())], b"")
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = [*scope["headers"], (b"x-forwarded-proto", b"https")]
    request = _client.build_request(scope["method"], UPSTREAM[host] + path, headers=headers, content=body)
    answer = await _client.send(request, stream=True)
    raw = b"".join([part async for part in answer.aiter_raw()])
    kept = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in _HOP]
    await _send(send, answer.status_code, kept, raw)
    await answer.aclose()


_HOP = (b"connection", b"transfer-encoding", b"date", b"server")


async def _send(send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
