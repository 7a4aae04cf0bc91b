"""What a scrape of the metrics and the readiness check read of the application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Protocol

import structlog

from widget.application.availability import Availability
from widget.application.breakers import GuardedSource
from widget.application.clock import wait_for
from widget.application.delivery import Delivery
from widget.domain.breaker import Breaker, Closed, HalfOpen, Open
from widget.domain.errors import OutboxUnavailable
from widget.domain.evaluation import State
from widget.domain.outbox import MessageState, OutboxCounts
from widget.telemetry import Sample

LOOK_EVERY = 15.0  # seconds
_BREAKER_STATES: dict[type[Breaker], int] = {Closed: 0, HalfOpen: 1, Open: 2}

log = structlog.get_logger(__name__)


class CountedOutbox(Protocol):
    """What this needs of the outbox."""

    async def counts_of_unsettled(self) -> OutboxCounts: ...


class OutboxWatch:
    """Count what waits in the outbox and what is dead from time to time, so that a scrape waits for no database.

    `counts` is what the last look found; None before it.
    """

    def __init__(self, outbox: CountedOutbox, *, destinations: Collection[str], now: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._destinations = destinations
        self._now = now
        self.counts: OutboxCounts | None = None
        self._undeliverable: Collection[str] = ()
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Look every `LOOK_EVERY` seconds until `stop`; while the database is away the last figures stand."""
        while not self._stopped.is_set():
            with contextlib.suppress(OutboxUnavailable):  # /readyz says so
                await self.look()
            await wait_for(self._stopped, LOOK_EVERY)

    async def look(self) -> None:
        """Count once, and warn of rows whose destination is not in the settings, once until there are none."""
        self.counts = await self._outbox.counts_of_unsettled()
        undeliverable = self.counts.undeliverable(self._destinations)
        for destination, rows in undeliverable.items():
            if destination not in self._undeliverable:
                log.warning("rows_undeliverable", destination=destination, rows=rows)
        self._undeliverable = undeliverable.keys()

    def stop(self) -> None:
        """Let `run` return."""
        self._stopped.set()

    def samples(self) -> Iterable[Sample]:
        """Yield the figures of the last look, for a scrape."""
        if self.counts is None:
            return
        for state, number in self.counts.by_state.items():
            yield "ece_widget_outbox_messages", (state.value,), number
        for destination, number in self.counts.waiting_for.items():
            yield "ece_widget_outbox_waiting", (destination,), number
        oldest = self.counts.oldest_waiting
        age = (self._now() - oldest).total_seconds() if oldest else 0.0
        yield "ece_widget_outbox_oldest_seconds", (MessageState.PENDING.value,), max(0.0, age)


def availability_samples(availability: Availability, source: GuardedSource) -> Iterable[Sample]:
    """Yield what visitors are served now, ECE's numbers behind it, and the states of the breakers, for a scrape.

    What nobody has asked for lately has no state: an expired snapshot says nothing about ECE.
    """
    for name, known in availability.known.items():
        age = availability.age(known)
        if age is not None:
            yield "ece_widget_snapshot_age_seconds", (name,), age
        decision, evaluation = availability.served_now(name)
        yield "ece_widget_within_hours", (name,), float(availability.asks_ece(known))
        if decision is None:
            continue
        yield "ece_widget_shown", (name,), float(decision.show)
        for state in State:
            yield "ece_widget_state", (name, state.value), float(decision.state is state)
        for metric, number in (
            ("ece_widget_wait_seconds", evaluation.wait_time),
            ("ece_widget_queue_depth", evaluation.queue_depth),
            ("ece_widget_capacity", evaluation.capacity),
        ):
            if number is not None:
                yield metric, (name,), float(number)
    yield "ece_widget_breaker_state", ("", ""), _BREAKER_STATES[type(source.host)]
    for (entry_point, call), breaker in source.calls.items():
        yield "ece_widget_breaker_state", (entry_point, str(call)), _BREAKER_STATES[type(breaker)]


def delivery_samples(delivery: Delivery) -> Iterable[Sample]:
    """Return what became of the attempts to deliver, and how rows go to each destination, for a scrape."""
    counts = delivery.counts
    outcomes = {
        "delivered": counts.delivered,
        "retried": counts.retried,
        "dead": counts.dead,
        "possible_double": counts.possible_doubles,
        "lost_lease": counts.lost_leases,
        "failed_over_row": counts.failed_over_row,
        "failed_whatever_the_row": counts.failed_whatever_the_row,
    }
    for outcome, count in outcomes.items():
        yield "ece_widget_deliveries_total", (outcome,), count
    for cause, count in (("refused", counts.dead), ("age", counts.died_of_age), ("unreadable", counts.unreadable)):
        yield "ece_widget_dead_letters_total", (cause,), count
    for destination, mode in delivery.modes().items():
        yield "ece_widget_destination_state", (destination,), mode


def trouble_at_ece(source: GuardedSource) -> str | None:
    """Return what readiness should mention of ECE, without names of hosts; None when all is well."""
    if isinstance(source.host, Open | HalfOpen):
        return "ECE does not answer; buttons follow when_unknown"
    troubled = sorted(
        {entry_point for (entry_point, _), state in source.calls.items() if not isinstance(state, Closed)}
    )
    return f"ECE answers with errors for: {', '.join(troubled)}" if troubled else None
