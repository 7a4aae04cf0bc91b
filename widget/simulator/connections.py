"""Responses that fail while they are sent: they hang, drip, stop short or reset the connection.

Only the server of `server.py` can reset a connection; with another one the request fails.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

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


class _OnTheWire(Response):
    """A response that fails while it is sent; with `status_code` 0 it is not counted by status."""

    status_code = 0

    def __init__(self) -> None:
        """Prepare no headers, unlike a plain response."""


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


class Hang(_OnTheWire):
    """Send nothing until the client leaves."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with anyio.move_on_after(LONGEST_HANG):
            await _disconnected(receive)


class Slow(_OnTheWire):
    """Send the right answer after a pause."""

    def __init__(self, right: Response, *, seconds: float, sleep: Sleep) -> None:
        self._right, self._seconds, self._sleep = right, seconds, sleep
        self.status_code = right.status_code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer() -> None:
            await self._sleep(self._seconds)
            await self._right(scope, receive, send)

        await _while_connected(receive, answer)


class Reset(_OnTheWire):
    """Reset the connection before the first byte."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        abort(scope)


class Drip(_OnTheWire):
    """Send the right answer byte by byte."""

    def __init__(self, right: Response, *, pause: float, sleep: Sleep) -> None:
        self._right, self._pause, self._sleep = right, pause, sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer() -> None:
            status, headers = self._right.status_code, self._right.raw_headers
            await send({"type": "http.response.start", "status": status, "headers": headers})
            for byte in bytes(self._right.body):
                await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
                await self._sleep(self._pause)
            await send({"type": "http.response.body", "body": b""})

        await _while_connected(receive, answer)


class Short(_OnTheWire):
    """Announce the whole length, send half, close."""

    def __init__(self, right: Response) -> None:
        self._right = right

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytes(self._right.body)
        headers = [pair for pair in self._right.raw_headers if pair[0] != b"content-length"]
        headers.append((b"content-length", str(max(2, len(body))).encode()))
        await send({"type": "http.response.start", "status": self._right.status_code or 200, "headers": headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        abort(scope)


class Endless(_OnTheWire):
    """Send XML that is well-formed so far and never ends; stop at a bound, or when the client leaves."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/xml")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        chunk = b"<availableSlots>" + b" " * 8176
        with anyio.move_on_after(LONGEST_HANG):
            for _ in range(ENDLESS_BODY // len(chunk)):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await anyio.lowlevel.checkpoint()
        await send({"type": "http.response.body", "body": b""})
