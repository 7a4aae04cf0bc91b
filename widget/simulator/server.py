"""Run an app on a socket in a thread with an event loop of its own; connections can be reset on purpose."""

from __future__ import annotations

import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from widget.simulator.connections import ABORT

STOPS_WITHIN = 10.0
_LOOK_EVERY = 0.01


class ResettableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which also lets the app cut its connection with a TCP reset."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"cut": self._cut}}

    def shutdown(self) -> None:
        """Close the connections that a fault keeps open, so that the shutdown does not wait for them."""
        cycle: Any = self.cycle
        unanswered = cycle is not None and not cycle.response_complete
        super().shutdown()
        if unanswered:
            self._cut()

    def _cut(self) -> None:
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            # Linger zero: close() discards what is queued and sends RST, not FIN.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
        if self.cycle is not None:
            # Else uvicorn would answer 500 for an application that sent nothing, on a closed socket.
            self.cycle.disconnected = True
            self.cycle.response_started = self.cycle.response_complete = True


def make_server(app: ASGIApp, *, http: Any = "auto") -> uvicorn.Server:
    """Return a server that stops within a second, even while a fault keeps connections open."""
    config = uvicorn.Config(
        app,
        http=http,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        ws="none",
    )
    return uvicorn.Server(config)


class ServerThread(threading.Thread):
    """One server in its thread, which also ends when the server ends by itself: that is a failure."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket, *, name: str = "server") -> None:
        # A daemon thread: a server that does not stop in time must not keep the process alive.
        super().__init__(target=server.run, args=([listener],), name=name, daemon=True)
        self.server = server


def run_until_stopped(running: list[ServerThread], stop: threading.Event, *, started: Callable[[], None]) -> int:
    """Run all servers until `stop` is set, or until one of them ends by itself, which is a failure."""
    for each in running:
        each.start()
    told = False
    while all(each.is_alive() for each in running) and not stop.wait(_LOOK_EVERY):
        if not told and all(each.server.started for each in running):
            started()
            told = True
    for each in running:
        each.server.should_exit = True
    for each in running:
        each.join(STOPS_WITHIN)
    return 0 if stop.is_set() else 1


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Yield what the first Ctrl-C or SIGTERM sets, so that servers stop gracefully; at the second one end at once."""
    stop = threading.Event()

    def handle(number: int, _frame: object) -> None:
        if stop.is_set():
            sys.exit(128 + number)
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
