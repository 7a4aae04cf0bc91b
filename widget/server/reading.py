"""What a connection received: given to the parser in portions, and kept unread while requests wait.

One read may bring ten thousand requests, which would hold the event loop for 300 ms and take 10 MB.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from widget.server.flow import PeerFlow

MOST_AT_ONCE = 32  # requests that are read before the event loop turns to other connections, and that may wait
LARGEST_PORTION = 16 * 1024  # bytes, for the same: a read may bring 64,000 header fields, or as many chunks of a body
MOST_WASTED = 2 * 1024 * 1024  # bytes taken from a sender whose answer is out already
HEAD_END = b"\r\n\r\n"


class PortionedReading(HttpToolsProtocol):
    """uvicorn's protocol, of which `_parse` is given portions, and none while requests wait."""

    cycle: Any  # RequestResponseCycle of the last request that was read, or None where the fast exit answered it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unread = b""
        self._reads_on = False  # whether the event loop will call `_read_on`
        self._timed = True  # whether a deadline already stands for the head or body that is under way
        self._discards = False  # what comes in now is thrown away
        self._wasted = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = PeerFlow(transport, self._requests_wait)

    def data_received(self, data: bytes) -> None:
        if self._discards:
            self._waste(data)
            return
        waits = self._unread or self._reads_on or self.pipeline
        if not waits and len(data) <= LARGEST_PORTION and data.count(HEAD_END) <= MOST_AT_ONCE:
            self._parse(data)  # nearly every read: one request, and none before it
            if self.pipeline:
                self.flow.pause_reading()
            return
        self._unread += data
        if not self._reads_on and not self.pipeline:
            self._read_some()

    def _parse(self, data: bytes) -> None:
        """Pass `data` to the parser, and refuse what it cannot take."""
        raise NotImplementedError

    def _read_some(self) -> None:
        """Parse one portion; keep what is behind it and stop reading the socket."""
        data, end = self._unread, 0
        for _ in range(MOST_AT_ONCE):
            if (end := data.find(HEAD_END, end, LARGEST_PORTION) + len(HEAD_END)) < len(HEAD_END):
                end = LARGEST_PORTION
                break
        self._unread = data[end:]
        self._parse(data[:end])
        if self._discards:
            self._unread = b""
        if self._requests_wait():
            self.flow.pause_reading()
        self._read_on_soon()

    def _read_on_soon(self) -> None:
        """Go on with what is unread, once no request waits and the event loop has looked at other connections."""
        if self.pipeline or self._reads_on:
            return
        if self._unread:
            self._reads_on = True
            self.loop.call_soon(self._read_on)
        elif self.cycle is None or len(self.cycle.body) <= HIGH_WATER_LIMIT:  # else once the application took it
            self.flow.resume_reading()

    def _read_on(self) -> None:
        self._reads_on = False
        if self.transport.is_closing():
            self._unread = b""
        elif self._unread and not self.pipeline:
            self._timed = False  # the time in which nothing was read is not the sender's
            self._read_some()

    def _requests_wait(self) -> bool:
        return bool(self.pipeline or self._unread)

    def _waste(self, data: bytes) -> None:
        self._wasted += len(data)
        if self._wasted > MOST_WASTED:
            self.transport.abort()
