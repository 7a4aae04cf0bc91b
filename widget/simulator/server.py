"""Run an app on a socket in a thread with an event loop of its own; connections can be reset on purpose."""

from __future__ import annotations

import errno
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from widget.simulator.connections import ABORT

STOPS_WITHIN = 10.0
_LOOK_EVERY = 0.01


class PortTaken(Exception):
    """Raised when a port cannot be used, mostly since another program listens there; the text is for the operator."""


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


def listen(host: str, port: int, *, option: str = "--port") -> socket.socket:
    """Bind a port before anything is started. Raise PortTaken, which names the option for another port."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)
    except (OSError, UnicodeError) as error:  # UnicodeError: not a valid host name
        listener.close()
        raise PortTaken(_why_not(error, host, port, option)) from None
    listener.setblocking(False)
    return listener


def _why_not(error: OSError | UnicodeError, host: str, port: int, option: str) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken; stop what listens there, or choose another with {option}."
    if number in (errno.EACCES, errno.EPERM):
        return f"Port {port} on {host} may not be used without more rights; choose one above 1023 with {option}."
    if isinstance(error, UnicodeError | socket.gaierror) or number in (errno.EADDRNOTAVAIL, errno.EINVAL):
        return f"{host} is no address of this machine; choose another with --host."
    return f"Nothing can listen on {host}, port {port}: {error}; choose another with {option}."


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


def stop_on_signals(stack: ExitStack) -> threading.Event:
    """Stop the servers gracefully at the first Ctrl-C or SIGTERM; at the second one end at once."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, _frame: object) -> None:
        if stop.is_set():
            restore()
            sys.exit(128 + number)
        stop.set()

    for number in before:
        signal.signal(number, handle)
    stack.callback(restore)
    return stop


@contextmanager
def serving(app: ASGIApp, *, http: Any = ResettableProtocol, port: int = 0) -> Iterator[str]:
    """Serve `app` on loopback while the block runs, and yield the origin. Port 0 means any free port."""
    with listen("127.0.0.1", port) as listener:
        thread = ServerThread(make_server(app, http=http), listener)
        thread.start()
        while thread.is_alive() and not thread.server.started:
            time.sleep(_LOOK_EVERY)
        if not thread.is_alive():
            raise RuntimeError("the server ended while it started; its log says why")
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            thread.server.should_exit = True
            thread.join(STOPS_WITHIN)
