"""An application on a socket, in a thread with an event loop of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp

from tests.waiting import wait_until
from widget.simulator.server import STOPS_WITHIN, ResettableProtocol, ServerThread, make_server


@contextmanager
def serving(app: ASGIApp, *, port: int = 0) -> Iterator[str]:
    """Serve `app` on loopback while the block runs, and yield the origin. Port 0 means any free port."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        thread = ServerThread(make_server(app, http=ResettableProtocol), listener)
        thread.start()
        wait_until(lambda: thread.server.started or not thread.is_alive(), "it serves")
        if not thread.is_alive():
            raise RuntimeError("the server ended while it started; its log says why")
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            thread.server.should_exit = True
            thread.join(STOPS_WITHIN)
