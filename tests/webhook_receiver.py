"""A real webhook receiver on the loopback interface, which checks what comes by the specification's own library."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver:
    """What came, verified, and what to answer: each of `answers` once, then 204."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.ids: list[str] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.url = ""

    def take(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        self.events.append(Webhook(SECRET).verify(body, headers))  # raises for a signature that does not fit
        self.ids.append(headers["webhook-id"])
        return self.answers.pop(0) if self.answers else (204, {})


@contextmanager
def webhook_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps a connection where the client does

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, headers = receiver.take({name.lower(): value for name, value in self.headers.items()}, body)
            self.answer(status, headers)

        def do_HEAD(self) -> None:
            self.answer(405, {})

        def answer(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
