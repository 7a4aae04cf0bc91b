"""Deliver what the outbox holds: a loop for each destination, and a regular clean-up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from widget.application.clock import Clock, wait_for
from widget.application.delivery.destination_loop import DestinationLoop
from widget.application.delivery.ports import DeliveryCounts, DeliveryRules, Destination, OutboxQueue
from widget.domain.errors import OutboxUnavailable
from widget.domain.pace import Mode

TIDY_SECONDS = 60.0
TIDY_AGAIN_SECONDS = 2.0  # after the database failed
SMALLEST_LEAP = timedelta(minutes=1)

log = structlog.get_logger(__name__)


class Delivery:
    """Sends rows to their destinations, each at its own pace, and gives up or forgets rows that are too old.

    `owner` names this loop in the outbox and must be new with every start. `forget(now)` deletes what else is too old,
    at the same regular moments; it raises OutboxUnavailable.
    """

    def __init__(
        self,
        queue: OutboxQueue,
        destinations: Sequence[Destination],
        *,
        rules: DeliveryRules,
        owner: str,
        clock: Clock,
        forget: Callable[[datetime], Awaitable[None]] | None = None,
    ) -> None:
        self._queue = queue
        self._forget = forget
        self._rules = rules
        self._owner = owner
        self._clock = clock
        self._stopping = asyncio.Event()
        self._started = (clock.now(), clock.monotonic())
        self.counts = DeliveryCounts()
        self._loops = [
            DestinationLoop(queue, each, rules=rules, owner=owner, clock=clock, counts=self.counts, leap=self._leap)
            for each in destinations
        ]

    def modes(self) -> dict[str, Mode]:
        """Return how rows go to each destination now."""
        return {each.destination.name: each.mode for each in self._loops}

    def wake(self) -> None:
        """Look at the outbox at once: a message was accepted."""
        for each in self._loops:
            each.wake()

    def stop(self) -> None:
        """Begin no more; `run` then finishes or releases what it holds, and returns."""
        self._stopping.set()
        for each in self._loops:
            each.stop()

    async def run(self) -> None:
        """Deliver until `stop`. Nothing that fails in here ends the loop."""
        with contextlib.suppress(OutboxUnavailable):  # the leases of those who are gone are then waited for
            await self._queue.enrol(self._owner)
        try:
            await asyncio.gather(self._tidy_regularly(), *(each.run() for each in self._loops))
        finally:
            await self._queue.withdraw(self._owner)

    async def _tidy_regularly(self) -> None:
        while not self._stopping.is_set():
            pause = TIDY_SECONDS
            try:
                await self._tidy()
            except OutboxUnavailable:
                pause = TIDY_AGAIN_SECONDS
            except Exception as error:  # noqa: BLE001 — a mistake of ours must not end the deliveries
                log.error("tidying_failed", kind=type(error).__name__)
            await wait_for(self._stopping, pause)

    async def _tidy(self) -> None:
        leap = self._leap()
        given_up = await self._queue.tidy(
            now=self._clock.now(), max_age=self._rules.max_age + leap, retention=self._rules.retention + leap
        )
        if self._forget is not None:
            await self._forget(self._clock.now() - leap)
        self.counts.died_of_age += len(given_up)
        for row in given_up:
            log.error("row_given_up", row=row.id, reason=row.reason)

    def _leap(self) -> timedelta:
        """Return how far the clock was set ahead since the start: ages must not grow by that."""
        wall, monotonic = self._started
        passed = timedelta(seconds=self._clock.monotonic() - monotonic)
        leap = self._clock.now() - wall - passed
        return leap if leap > SMALLEST_LEAP else timedelta(0)
