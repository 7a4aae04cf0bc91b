"""Answers that fail while they are sent: they hang, drip, stop short or reset the connection.

Only the server of `server.py` can reset a connection; with another one the request fails.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

ABORT = "simulator.abort"  # the server's extension: reset this connection
LONGEST_HANG = 600.0
ENDLESS_BODY = 64 * 1024 * 1024
Sleep = Callable[[float], Awaitable[None]]


def abort(scope: Scope) -> None:
    """Reset the connection if the server can; else end the request as a lost connection does."""
    extension = scope.get("extensions", {}).get(ABORT)
    if extension is None:
        raise ConnectionResetError("the simulator cuts this connection")
    extension["cut"]()


async def _while_connected(receive: Receive, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` until it ends or the client leaves."""
    async with anyio.create_task_group() as group:

        async def leave_with_the_client() -> None:
            await _disconnected(receive)
            group.cancel_scope.cancel()

        group.start_soon(leave_with_the_client)
        await work()
        group.cancel_scope.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def hang(_scope: Scope, receive: Receive, _send: Send) -> None:
    """Send nothing until the client leaves."""
    with anyio.move_on_after(LONGEST_HANG):
        await _disconnected(receive)


async def reset(scope: Scope, _receive: Receive, _send: Send) -> None:
    """Reset the connection before the first byte."""
    abort(scope)


async def endless(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Send XML that is well-formed so far and never ends; stop at a bound, or when the client leaves."""
    headers = [(b"content-type", b"application/xml")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    chunk = b"<availableSlots>" + b" " * 8176
    with anyio.move_on_after(LONGEST_HANG):
        for _ in range(ENDLESS_BODY // len(chunk)):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await anyio.lowlevel.checkpoint()
    await send({"type": "http.response.body", "body": b""})


def slow(right: Response, *, seconds: float, sleep: Sleep) -> ASGIApp:
    """Send the right answer after a pause."""

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        async def answer() -> None:
            await sleep(seconds)
            await right(scope, receive, send)

        await _while_connected(receive, answer)

    return respond


def drip(right: Response, *, pause: float, sleep: Sleep) -> ASGIApp:
    """Send the right answer byte by byte."""

    async def respond(_scope: Scope, receive: Receive, send: Send) -> None:
        async def answer() -> None:
            await send({"type": "http.response.start", "status": right.status_code, "headers": right.raw_headers})
            for byte in bytes(right.body):
                await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
                await sleep(pause)
            await send({"type": "http.response.body", "body": b""})

        await _while_connected(receive, answer)

    return respond


def short(right: Response) -> ASGIApp:
    """Announce the whole length, send half, close."""

    async def respond(scope: Scope, _receive: Receive, send: Send) -> None:
        body = bytes(right.body)
        headers = [pair for pair in right.raw_headers if pair[0] != b"content-length"]
        headers.append((b"content-length", str(max(2, len(body))).encode()))
        await send({"type": "http.response.start", "status": right.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        abort(scope)

    return respond
