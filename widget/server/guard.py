"""What the guarded connections of one process share: deadlines, limits, counts, and the sweep that closes the late."""

from __future__ import annotations

import asyncio
import re
import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

NEVER = float("inf")
MOST_HEADERS = 100
LARGEST_HEAD = 16 * 1024  # request line and headers together
LONGEST_TARGET = 8 * 1024
LINGER = 2.0  # seconds for which a refused sender is heard out, so that it sees the answer and not a reset
MOST_WASTED = 2 * 1024 * 1024  # bytes taken from a sender whose answer is out already
METHOD_LINE = re.compile(rb"[A-Za-z][A-Za-z-]{0,31} /[!-~]* HTTP/1\.[01]\r\n")  # well-formed, whatever the method
SPARE_FILES = 64  # for the database, ECE, logs


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds. `head` runs from the connection or the first byte, `body` from the end of the head."""

    head: float = 5.0
    body: float = 10.0
    write: float = 10.0
    keep_alive: float = 75.0  # longer than a proxy's own (60 is common), so that it never writes into our closing
    keep_alive_crowded: float = 5.0
    sweep: float = 0.25


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a request or connection is refused; `code` is also the metric's label."""

    status: int
    code: str
    detail: str
    more: str = ""  # header lines


MALFORMED = Fault(400, "malformed_request", "This is not a well-formed HTTP request.")
METHOD = Fault(405, "method_not_allowed", "This method is not taken here.", "allow: GET, HEAD, OPTIONS, POST\r\n")
HOST = Fault(400, "bad_host", "A request names exactly one host.")
TARGET = Fault(414, "target_too_long", "The address is too long.")
HEAD = Fault(431, "headers_too_large", "The headers are too many or too large.")
BROKEN = Fault(500, "internal_error", "The server could not read this.")
SLOW_HEAD = Fault(408, "slow_headers", "The headers took too long.")
SLOW_BODY = Fault(408, "slow_body", "The body took too long.")
CROWDED = Fault(503, "too_many_connections", "The server has as many connections as it can hold.")


class Guard:
    """What the connections of one process share: deadlines, counts, and the sweep."""

    def __init__(
        self,
        *,
        new_id: Callable[[], str],
        deadlines: Deadlines = Deadlines(),
        most_connections: int | None = None,
    ) -> None:
        self.deadlines = deadlines
        self.new_id = new_id
        self.most_connections = most_connections or max(16, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES)
        self.closed: dict[str, int] = {}
        self._connections: set[Any] = set()
        self._sweeping = False

    def samples(self) -> Iterator[tuple[str, tuple[str, ...], float]]:
        """Be a source of metrics."""
        for reason, count in self.closed.items():
            yield "ece_widget_connections_closed_total", (reason,), count
        yield "ece_widget_open_connections", (), len(self._connections)

    def count(self, reason: str) -> None:
        self.closed[reason] = self.closed.get(reason, 0) + 1

    def watch(self, connections: set[Any], loop: asyncio.AbstractEventLoop) -> None:
        """Sweep as long as there are connections."""
        self._connections = connections
        if not self._sweeping:
            self._sweeping = True
            loop.call_later(self.deadlines.sweep, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        crowded = len(self._connections) > 0.75 * self.most_connections
        early = self.deadlines.keep_alive - self.deadlines.keep_alive_crowded if crowded else 0.0
        for connection in tuple(self._connections):
            late = now >= connection.deadline or now >= connection.write_deadline
            if late or (crowded and now >= connection.deadline - early and connection.idle):
                connection.expire(now)
        self._sweeping = bool(self._connections)
        if self._sweeping:
            loop.call_later(self.deadlines.sweep, self._sweep, loop)


def answer(fault: Fault, request_id: str, *, page: bool = False) -> bytes:
    """Give the whole response, in the shape that every fault has; `page` for a visitor who came to see one."""
    title = HTTPStatus(fault.status).phrase
    if page:
        kind = "text/html; charset=utf-8"
        body = (
            f'<!DOCTYPE html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>{title}'
            f"</title></head><body><h1>{title}</h1><p>{fault.detail}</p><p>{request_id}</p></body></html>"
        )
    else:
        kind = "application/problem+json"
        body = (
            f'{{"type":"about:blank","title":"{title}","status":{fault.status},"detail":"{fault.detail}",'
            f'"code":"{fault.code}","requestId":"{request_id}"}}'
        )
    return (
        f"HTTP/1.1 {fault.status} {title}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{fault.more}"
        "cache-control: no-store\r\nx-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\n"
        f"content-security-policy: default-src 'none'; frame-ancestors 'none'\r\nconnection: close\r\n\r\n{body}"
    ).encode()
