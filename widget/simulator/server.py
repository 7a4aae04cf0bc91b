"""Run a simulator or a sample site on a socket, with connections that can be reset on purpose."""

from __future__ import annotations

import errno
import socket
import struct

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from widget.simulator.faults import ABORT


class PortTaken(Exception):
    """Another program listens on this port; the text is one line for the operator."""

    def __init__(self, host: str, port: int, option: str) -> None:
        super().__init__(f"Port {port} on {host} is taken; stop what listens there, or choose another with {option}.")


class ResettableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which also lets the app cut its connection with a TCP reset."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"cut": self._cut}}

    def _cut(self) -> None:
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            # Linger zero: close() discards what is queued and sends RST, not FIN.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.response_started = self.cycle.response_complete = True


def listen(host: str, port: int, *, option: str) -> socket.socket:
    """Take a port before anything is started; raises PortTaken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host, port, option) from None
        raise
    listener.setblocking(False)
    return listener


def make_server(
    app: ASGIApp, *, http: type[HttpToolsProtocol] | str = "auto", log_level: str = "warning"
) -> uvicorn.Server:
    """Make a server that stops within a second, even while a fault keeps connections open."""
    config = uvicorn.Config(
        app, http=http, log_level=log_level, access_log=False, lifespan="auto", timeout_graceful_shutdown=1, ws="none"
    )
    return uvicorn.Server(config)
