"""When a connection is read and written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl


class PeerFlow(FlowControl):
    """uvicorn's flow control, for a peer that may have gone, and that is not read while requests of its own wait.

    uvloop raises when a transport that is closing is told to pause or resume.
    """

    def __init__(self, transport: asyncio.Transport, requests_wait: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._requests_wait = requests_wait

    def pause_reading(self) -> None:
        if not self._transport.is_closing():
            super().pause_reading()

    def resume_reading(self) -> None:
        if self.read_paused and not self._requests_wait() and not self._transport.is_closing():
            super().resume_reading()
