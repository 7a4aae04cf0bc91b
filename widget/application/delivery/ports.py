"""What the delivery loop needs from outside, and what it tells about itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from widget.domain.outbox import Claim, DeadRow, OutboxMessage, RowKind, Settlement, Taken

SHORTEST_LEASE = timedelta(seconds=60)
LONGEST_LEASE = timedelta(minutes=50)  # the outbox takes one of an hour for the mark of a clock that was set back


class OutboxQueue(Protocol):
    """The outbox as this loop needs it; every method raises only OutboxUnavailable."""

    async def enrol(self, owner: str) -> None: ...

    async def withdraw(self, owner: str) -> None: ...

    async def claim(self, wanted: Claim) -> Taken: ...

    async def settle(self, settlement: Settlement) -> bool: ...

    async def hasten(self, *, destination: str, now: datetime) -> int: ...

    async def tidy(self, *, now: datetime, max_age: timedelta, retention: timedelta) -> list[DeadRow]: ...


class Sink(Protocol):
    """Where rows go. Raises only DeliveryError; returns once the other side said that it took the row."""

    async def submit(self, message: OutboxMessage) -> None: ...


class Destination(NamedTuple):
    """One place that rows go to, named as in their `destination`; it has a pace and slots of its own.

    `concurrency` rows are sent at once at most. `send_limit` bounds one sending and so how long a stop may take.
    `may_send` reads the circuit breaker of ECE's host, which the status calls keep; of a destination that nothing else
    talks to its own breaker is all there is.
    """

    name: str
    sink: Sink
    concurrency: int
    send_limit: timedelta
    may_send: Callable[[], bool] = lambda: True

    @property
    def lease(self) -> timedelta:
        """How long a claimed message is kept from other processes: time to wait for a slot, to send and to settle."""
        return min(max(SHORTEST_LEASE, 2 * self.send_limit + SHORTEST_LEASE), LONGEST_LEASE)


class DeliveryRules(NamedTuple):
    """What the operator wants of every row: when to give it up, and when to forget it."""

    max_age: timedelta
    retention: timedelta


@dataclass(slots=True)
class DeliveryCounts:
    """What happened since the start; the metrics read these."""

    delivered_of: Counter[tuple[RowKind, str]] = field(default_factory=Counter)  # by kind and entry point
    retried: int = 0
    dead: int = 0
    died_of_age: int = 0
    unreadable: int = 0  # set aside without a sending
    possible_doubles: int = 0
    failed_over_row: int = 0  # the destination answered; only this row waits
    failed_whatever_the_row: int = 0  # the destination served nobody; all wait
    lost_leases: int = 0

    @property
    def delivered(self) -> int:
        return self.delivered_of.total()
