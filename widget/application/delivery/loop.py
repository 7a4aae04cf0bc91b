"""Claim, send, settle, wait, stop.

At least once: ECE's survey call takes no idempotency key, so an answer that is lost on the way makes a second sending
possible. Such cases are counted (`DeliveryCounts.possible_doubles`, and in the row).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from widget.application.delivery.pacing import Pacing
from widget.application.delivery.ports import (
    DeliveryCounts,
    DeliveryRules,
    HostGate,
    OutboxQueue,
    Surroundings,
    SurveySink,
)
from widget.domain import retry
from widget.domain.errors import EceError, EceTimeout, OutboxUnavailable
from widget.domain.outbox import ClaimedMessage

POLL_SECONDS = 2.0  # how soon a row that another process accepted, or that is due again, is seen
TIDY_SECONDS = 60.0
HANDS_PER_SLOT = 8
REFILL_PER_SLOT = 4
BUSY_PAUSE = 0.25
SETTLE_PAUSE = 0.5  # between tries to record an outcome while the database is away
FIRST_BACK_OFF = 0.5
LONGEST_BACK_OFF = 4.0  # surveys move again within five seconds after the database is back
LEASE_MARGIN = 5.0  # seconds; no sending begins when its lease could end before it
LAST_WORD_SECONDS = 2.0
SMALLEST_LEAP = timedelta(minutes=1)

log = structlog.get_logger(__name__)


Outcome = Callable[[], Awaitable[bool]]


class Delivery:
    """Sends what the outbox holds, the oldest first, never more than `concurrency` at once."""

    def __init__(
        self, queue: OutboxQueue, sink: SurveySink, gate: HostGate, *, rules: DeliveryRules, around: Surroundings
    ) -> None:
        self._queue = queue
        self._sink = sink
        self._gate = gate
        self._rules = rules
        self._around = around
        self._slots = asyncio.Semaphore(rules.concurrency)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._pacing = Pacing(monotonic=around.monotonic, chance=around.chance)
        self._stopping = False
        self._tidied_at = float("-inf")
        self._started = (around.now(), around.monotonic())
        self.counts = DeliveryCounts()

    def wake(self) -> None:
        """Look at the outbox at once: a message was accepted."""
        self._wake.set()

    def stop(self) -> None:
        """Begin no more; `run` then finishes or releases what it holds, and returns."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Deliver until `stop`. Nothing that fails in here ends the loop."""
        back_off = FIRST_BACK_OFF
        try:
            while not self._stopping:
                self._wake.clear()
                try:
                    pause = await self._once()
                    back_off = FIRST_BACK_OFF
                except Exception as error:  # noqa: BLE001 — the outer loop survives everything
                    if not isinstance(error, OutboxUnavailable):
                        self._unexpected(error)
                    await asyncio.sleep(back_off * (0.5 + self._around.chance() / 2))  # also when woken
                    pause, back_off = 0.0, min(back_off * 2, LONGEST_BACK_OFF)
                await self._sleep(pause)
        finally:
            await self._finish()

    async def _once(self) -> float:
        """Claim what there are hands for and begin to send it; give how long to wait for news at most."""
        await self._tidy()
        pause = self._pacing.pause() if self._gate.may_send() else POLL_SECONDS
        if pause > 0:
            self.counts.deferrals += 1
            return min(pause, POLL_SECONDS)
        probing = self._pacing.probing
        free = self._free_hands(probing=probing)
        if free == 0:
            return POLL_SECONDS
        claimed = await self._queue.claim(
            limit=free,
            owner=self._around.owner,
            now=self._around.now(),
            lease=self._rules.lease,
            least_tried=probing,  # the oldest may be the very one that ECE cannot take
        )
        if claimed and probing:
            self._pacing.probe_claimed()
        for each in claimed:
            if each.id not in self._tasks:  # else: on its way already, and a leap of the clock ended its lease
                self._begin(each)
        return 0.0 if len(claimed) == free and not probing else POLL_SECONDS

    def _free_hands(self, *, probing: bool) -> int:
        """Give how many messages to claim now: more than may be sent at once, so that no slot waits for a commit."""
        held, slots = len(self._tasks), self._rules.concurrency
        if probing:
            return 0 if held else 1
        return HANDS_PER_SLOT * slots - held if held <= REFILL_PER_SLOT * slots else 0

    async def _sleep(self, pause: float) -> None:
        if pause > 0 and not self._stopping:
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                return

    async def _tidy(self) -> None:
        now = self._around.monotonic()
        if self._pacing.hurry():
            await self._queue.hasten(now=self._around.now())
        if now - self._tidied_at >= TIDY_SECONDS:
            self._tidied_at = now
            leap = self._leap()
            await self._queue.tidy(
                now=self._around.now(), max_age=self._rules.max_age + leap, retention=self._rules.retention + leap
            )

    def _leap(self) -> timedelta:
        """Give how far the clock was set ahead since the start: ages must not grow by that."""
        wall, monotonic = self._started
        passed = timedelta(seconds=self._around.monotonic() - monotonic)
        leap = self._around.now() - wall - passed
        return leap if leap > SMALLEST_LEAP else timedelta(0)

    def _begin(self, claimed: ClaimedMessage) -> None:
        task = asyncio.create_task(self._carry(claimed, since=self._around.monotonic()))
        self._tasks[claimed.id] = task

        def ended(task: asyncio.Task[None]) -> None:
            del self._tasks[claimed.id]
            if not task.cancelled() and (error := task.exception()) is not None:
                self._unexpected(error)
            self._wake.set()

        task.add_done_callback(ended)

    async def _carry(self, claimed: ClaimedMessage, *, since: float) -> None:
        """Bring one message to ECE and its outcome to the outbox; cancelled only when a stop's bound is over."""
        outcome: Outcome = functools.partial(self._queue.release, claimed)
        try:
            async with self._slots:
                if not self._may_still_send(since):
                    self._pacing.probe_came_to_nothing()
                else:
                    outcome = self._failed(claimed, EceTimeout("interrupted by a stop", maybe_received=True))
                    outcome = await self._send(claimed)
            await self._record(outcome)
        except asyncio.CancelledError:
            with contextlib.suppress(OutboxUnavailable, TimeoutError):
                async with asyncio.timeout(LAST_WORD_SECONDS):
                    await outcome()
            raise

    def _may_still_send(self, since: float) -> bool:
        held = self._around.monotonic() - since
        return (
            held < (self._rules.lease - self._rules.send_limit).total_seconds() - LEASE_MARGIN
            and not self._pacing.stopped
            and not self._stopping
            and self._gate.may_send()
        )

    async def _send(self, claimed: ClaimedMessage) -> Outcome:
        """Send once; give what is to be recorded."""
        self.counts.in_flight += 1
        error: EceError | None = None
        try:
            await self._sink.submit(claimed.message)
        except EceError as known:
            error = known
        except Exception as unknown:  # noqa: BLE001 — one message that breaks its sender must not stop the others
            self._unexpected(unknown)
            error = EceError(maybe_received=True)
        finally:
            self.counts.in_flight -= 1
        if error is not None and not retry.used_an_attempt(error):
            self._pacing.probe_came_to_nothing()
            await asyncio.sleep(BUSY_PAUSE)
            return functools.partial(self._queue.release, claimed)
        if error is None or retry.is_permanent(error):
            self._pacing.answered()
        else:
            self._pacing.failed(error, attempts=claimed.attempts)
        if error is not None:
            return self._failed(claimed, error, count=True)
        self.counts.delivered += 1
        return functools.partial(self._queue.settle_delivered, claimed, now=self._around.now())

    def _failed(self, claimed: ClaimedMessage, error: EceError, *, count: bool = False) -> Outcome:
        now, doubtful = self._around.now(), error.maybe_received
        decided = retry.after_failure(
            error,
            attempts=claimed.attempts + 1,
            waiting_since=claimed.waiting_since,
            now=now,
            max_age=self._rules.max_age + self._leap(),
            chance=self._around.chance(),
        )
        if count:
            self.counts.possible_doubles += doubtful
            self.counts.retried += isinstance(decided, retry.Again)
            self.counts.dead += isinstance(decided, retry.GiveUp)
        if isinstance(decided, retry.GiveUp):
            log.error("survey_given_up", row=claimed.id, entry_point=claimed.message.entry_point, reason=decided.reason)
            return functools.partial(
                self._queue.settle_dead, claimed, now=now, reason=decided.reason, possible_double=doubtful
            )
        return functools.partial(
            self._queue.settle_retry,
            claimed,
            next_attempt_at=decided.at,
            reason=retry.described(error),
            waits_for_ece=decided.waits_for_ece,
            possible_double=doubtful,
        )

    async def _record(self, outcome: Outcome) -> None:
        """Tell the outbox until it listens: a delivered survey that is forgotten would be sent again."""
        while True:
            try:
                if not await outcome():
                    self.counts.lost_leases += 1
                    log.warning("lease_lost")
                return
            except OutboxUnavailable:
                await asyncio.sleep(SETTLE_PAUSE)

    async def _finish(self) -> None:
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._rules.send_limit.total_seconds() + LAST_WORD_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _unexpected(self, error: BaseException) -> None:
        self.counts.failures_of_the_loop += 1
        log.error("delivery_failed", kind=type(error).__name__)
