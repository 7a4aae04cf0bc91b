"""An application on a socket, in a thread with an event loop of its own."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp

from widget.simulator.server import STOPS_WITHIN, ResettableProtocol, ServerThread, make_server

LOOK_EVERY = 0.01  # seconds


@contextmanager
def serving(app: ASGIApp, *, port: int = 0) -> Iterator[str]:
    """Serve `app` on loopback while the block runs, and yield the origin. Port 0 means any free port."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        thread = ServerThread(make_server(app, http=ResettableProtocol), listener)
        thread.start()
        while thread.is_alive() and not thread.server.started:
            time.sleep(LOOK_EVERY)
        if not thread.is_alive():
            raise RuntimeError("the server ended while it started; its log says why")
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            thread.server.should_exit = True
            thread.join(STOPS_WITHIN)
