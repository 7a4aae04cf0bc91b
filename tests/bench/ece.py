"""A stand-in for ECE as a server: answers the guide's shapes at once, slowly, never or with faults, and counts."""

from __future__ import annotations

import asyncio
from typing import Any

_XML = {
    "chatAllowed": b'<?xml version="1.0"?><chatAllowed allowed="true"/>',
    "liveSessionStatus": b'<?xml version="1.0"?><sessionStatus xmlns:n="http://bindings.egain.com/chat">'
    b"<n:waitTime>%d.0</n:waitTime><n:queueDepth>%d</n:queueDepth></sessionStatus>",
}
_state: dict[str, Any] = {"mode": "well", "count": 0}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """GET /count gives the calls so far; GET /mode/NAME changes how calls are answered."""
    if scope["type"] != "http":
        return
    path = scope["path"].split("/")
    if path[1] == "count":
        await _send(send, 200, str(_state["count"]).encode())
    elif path[1] == "mode":
        _state["mode"] = path[2]
        await _send(send, 200, b"ok")
    elif scope["method"] == "POST":
        await receive()
        await _send(send, 204, b"")
    else:
        await _call(path[-2], send)


async def _call(call: str, send: Any) -> None:
    _state["count"] = _state["count"] + 1
    match _state["mode"]:
        case "slow":
            await asyncio.sleep(1.5)
        case "hangs":
            await asyncio.sleep(30)
        case "fails":
            await _send(send, 500, b"")
            return
        case "garbage":
            await _send(send, 200, b"<html>sign in</html>")
            return
        case "drips":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"60")]})
            for _ in range(59):
                await send({"type": "http.response.body", "body": b" ", "more_body": True})
                await asyncio.sleep(0.5)
    if call == "liveSessionStatus":
        # "lively": other numbers at each call, so that nothing of the last snapshot can be used again
        number = _state["count"] if _state["mode"] == "lively" else 0
        await _send(send, 200, _XML[call] % (60 + number % 500, number % 9))
    else:
        await _send(send, 200, _XML[call])


async def _send(send: Any, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/xml"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
