"""What the guarded connections of one process share: deadlines, counts, the date, the sweep that closes the late."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

NEVER = float("inf")
SPARE_FILES = 64  # for the database, ECE, logs


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds. `head` runs from the connection or the first byte, `body` from the end of the head."""

    head: float = 5.0
    body: float = 10.0
    write: float = 10.0
    keep_alive: float = 75.0  # longer than a proxy's own (60 is common), so that it never writes into our closing
    keep_alive_crowded: float = 5.0
    stopping: float = 5.0  # for a body or a reader, once the process stops
    first: float = 1.0  # for the first request of a connection, once the process stops
    sweep: float = 0.25


class Guard:
    """What the connections of one process share. `draining` has every answer close its connection."""

    def __init__(
        self,
        *,
        new_id: Callable[[], str],
        deadlines: Deadlines = Deadlines(),
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.deadlines = deadlines
        self.new_id = new_id
        self.most_connections = max(16, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES)
        self.draining = False
        self.closed: dict[str, int] = {}
        self._connections: set[Any] = set()
        self._sweeping = False
        self._wall = wall
        self._second = -1
        self._date = b""

    def date(self) -> bytes:
        """Return the Date of an answer that starts now (RFC 9110, section 6.6.1).

        uvicorn's own is up to a second old and taken when the request came in, so an answer that waited for ECE would
        be dated before its Last-Modified, which RFC 9110 (section 8.8.2.1) forbids.
        """
        second = int(self._wall())
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True).encode()
        return self._date

    def samples(self) -> Iterator[tuple[str, tuple[str, ...], float]]:
        """Yield the samples of the connections' metrics."""
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
