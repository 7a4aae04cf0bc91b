"""Deliver to one destination: claim, send, settle. Slots, pace and circuit breaker belong to it alone.

At least once: ECE's survey call takes no idempotency key and a mail server none, so an answer that is lost on the way
makes a second sending possible; a mail then has the same Message-ID, and a webhook's post the same id. Such cases are
counted (`DeliveryCounts.possible_doubles`, and in the row).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta

import structlog

from widget.application.clock import Clock, wait_for
from widget.application.delivery.ports import DeliveryCounts, DeliveryRules, Destination, OutboxQueue
from widget.domain import pace, retry
from widget.domain.breaker import Open
from widget.domain.errors import DeliveryError, OutboxUnavailable
from widget.domain.outbox import Claim, ClaimedMessage, MessageState, Settlement
from widget.domain.pace import Mode, Pace, Take, Wait

POLL_SECONDS = 2.0  # how soon a row that another process accepted, or that is due again, is seen
BUSY_PAUSE = 0.25
SETTLE_PAUSE = 0.5  # between tries to record an outcome while the database is away
FIRST_BACK_OFF = 0.5
LONGEST_BACK_OFF = 4.0  # rows are sent again within five seconds after the database is back
LEASE_MARGIN = 5.0  # seconds; no sending begins when its lease could end before it
LONGEST_RECORDING = 2.0  # seconds, of an outcome whose sending a stop interrupted

log = structlog.get_logger(__name__)


class DestinationLoop:
    """Sends what the outbox holds for one destination, never more than its concurrency at once."""

    def __init__(
        self,
        queue: OutboxQueue,
        destination: Destination,
        *,
        rules: DeliveryRules,
        owner: str,
        clock: Clock,
        counts: DeliveryCounts,
        leap: Callable[[], timedelta],
    ) -> None:
        self.destination = destination
        self._queue = queue
        self._rules = rules
        self._owner = owner
        self._clock = clock
        self._counts = counts
        self._leap = leap
        self._slots = asyncio.Semaphore(destination.concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: set[int] = set()  # ids of the rows that a task has
        self._unsent: dict[int, ClaimedMessage] = {}  # those that are still to be sent; the others are being settled
        self._wake = asyncio.Event()
        self._pace = Pace(refilled_at=clock.monotonic())
        self._stopping = False

    @property
    def mode(self) -> Mode:
        """Return how rows go to the destination now, for the metrics."""
        return self._pace.mode

    def wake(self) -> None:
        """Look at the outbox at once."""
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
                except Exception as error:  # noqa: BLE001 — the outer loop ends by no failure
                    if not isinstance(error, OutboxUnavailable):
                        self._unexpected(error)
                    await asyncio.sleep(back_off * (0.5 + self._clock.chance() / 2))  # also when woken
                    pause, back_off = 0.0, min(back_off * 2, LONGEST_BACK_OFF)
                if pause > 0 and not self._stopping:
                    await wait_for(self._wake, pause)
        finally:
            await self._finish()

    async def _once(self) -> float:
        """Claim what there are slots for and begin to send it; return how long to wait for news at most."""
        now = self._clock.monotonic()
        if pace.may_hasten(self._pace, now):
            self._pace = pace.hastened(self._pace, now)
            await self._queue.hasten(destination=self.destination.name, now=self._clock.now())
        if not self.destination.may_send():
            return POLL_SECONDS
        planned = pace.plan(
            self._pace,
            now,
            slots=self.destination.concurrency,
            held=len(self._unsent),
            tried_before=sum(each.attempts > 0 for each in self._unsent.values()),
        )
        if isinstance(planned, Wait):
            return min(planned.seconds, POLL_SECONDS)
        return await self._claim(planned)

    async def _claim(self, planned: Take) -> float:
        wanted = Claim(
            limit=planned.limit,
            owner=self._owner,
            now=self._clock.now(),
            lease=self.destination.lease,
            destination=self.destination.name,
            pick=planned.pick,
            entry_point=self._pace.last_taken,
            untried=planned.untried,
        )
        taken = await self._queue.claim(wanted)
        for each in taken.set_aside:
            self._counts.unreadable += 1
            log.error("row_set_aside", row=each.id, reason=each.reason)
        # one that is held is on its way already, and a leap of the clock ended its lease
        new = [message for message in taken.messages if message.id not in self._held]
        if new:
            self._pace = pace.claimed(self._pace, planned, self._clock.monotonic())
        for message in new:
            self._begin(message, ahead=self._pace.mode is Mode.FREE)
        more = len(taken.messages) + len(taken.set_aside) == planned.limit
        return 0.0 if (more or taken.set_aside) and not planned.probe else POLL_SECONDS

    def _begin(self, claimed: ClaimedMessage, *, ahead: bool) -> None:
        self._held.add(claimed.id)
        self._unsent[claimed.id] = claimed
        task = asyncio.create_task(self._carry(claimed, since=self._clock.monotonic(), ahead=ahead))
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.remove(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                self._unexpected(error)
            self._wake.set()

        task.add_done_callback(ended)

    async def _carry(self, claimed: ClaimedMessage, *, since: float, ahead: bool) -> None:
        """Bring one message to its destination and its outcome to the outbox.

        Cancelled only when a stop's bound is over.
        """
        settlement = released = Settlement(claimed, MessageState.PENDING, claimed.attempts)
        try:
            async with self._slots:
                # claimed ahead of its turn: others may have to go before it by now
                if not self._may_still_send(since) or (ahead and self._pace.mode is Mode.IN_DOUBT):
                    self._pace = pace.not_sent(self._pace, self._clock.monotonic())
                else:
                    settlement = self._failed(claimed, DeliveryError("interrupted by a stop", maybe_received=True))
                    settlement = await self._send(claimed) or released
            del self._unsent[claimed.id]
            self._wake.set()
            await self._settle_at_last(settlement)
        except asyncio.CancelledError:
            with contextlib.suppress(OutboxUnavailable, TimeoutError):
                async with asyncio.timeout(LONGEST_RECORDING):
                    await self._settle(settlement)
            raise
        finally:
            # not by a callback of the task: a claim that follows the settling may bring this row again before that
            self._held.discard(claimed.id)
            self._unsent.pop(claimed.id, None)

    def _may_still_send(self, since: float) -> bool:
        held = self._clock.monotonic() - since
        return (
            held < (self.destination.lease - self.destination.send_limit).total_seconds() - LEASE_MARGIN
            and not isinstance(self._pace.breaker, Open)
            and not self._stopping
            and self.destination.may_send()
        )

    async def _send(self, claimed: ClaimedMessage) -> Settlement | None:
        """Send once; return what is to be recorded, or None when the destination was not asked."""
        error: DeliveryError | None = None
        try:
            await self.destination.sink.submit(claimed.message)
        except DeliveryError as known:
            error = known
        except Exception as unknown:  # noqa: BLE001 — one message that breaks its sender must not stop the others
            self._unexpected(unknown)
            error = DeliveryError(maybe_received=True)
        now = self._clock.monotonic()
        if error is None:
            self._pace = pace.taken(self._pace, claimed.message.entry_point, now)
            self._counts.delivered_of[claimed.message.kind, claimed.message.entry_point] += 1
            return Settlement(claimed, MessageState.DELIVERED, claimed.attempts + 1, settled_at=self._clock.now())
        if not retry.used_an_attempt(error):
            self._pace = pace.not_sent(self._pace, now)
            await asyncio.sleep(BUSY_PAUSE)
            return None
        if not error.retryable:
            self._pace = pace.refused(self._pace, now)
        else:
            self._pace = pace.failed(self._pace, error, now, chance=self._clock.chance())
            if pace.serves_nobody(error):
                self._counts.failed_whatever_the_row += 1
            else:
                self._counts.failed_over_row += 1
        self._counts.possible_doubles += error.maybe_received
        return self._failed(claimed, error)

    def _failed(self, claimed: ClaimedMessage, error: DeliveryError) -> Settlement:
        now, attempts, doubtful = self._clock.now(), claimed.attempts + 1, error.maybe_received
        decided = retry.after_failure(
            error,
            attempts=attempts,
            waiting_since=claimed.waiting_since,
            now=now,
            max_age=self._rules.max_age + self._leap(),
            chance=self._clock.chance(),
            possible_doubles=claimed.possible_doubles,
        )
        if isinstance(decided, retry.GiveUp):
            return Settlement(
                claimed,
                MessageState.DEAD,
                attempts,
                settled_at=now,
                reason=decided.reason,
                possible_double=doubtful,
            )
        return Settlement(
            claimed,
            MessageState.PENDING,
            attempts,
            next_attempt_at=decided.at,
            reason=retry.described(error),
            waits_for_destination=decided.waits_for_destination,
            possible_double=doubtful,
        )

    async def _settle_at_last(self, settlement: Settlement) -> None:
        """Tell the outbox until it has taken it: a delivered survey that is forgotten would be sent again."""
        while True:
            try:
                return await self._settle(settlement)
            except OutboxUnavailable:
                await asyncio.sleep(SETTLE_PAUSE)

    async def _settle(self, settlement: Settlement) -> None:
        """Tell the outbox once, and count and log what has become of the row by that."""
        claimed = settlement.claimed
        if not await self._queue.settle(settlement):
            self._counts.lost_leases += 1
            log.warning("lease_lost")
        elif settlement.state is MessageState.DEAD:
            self._counts.dead += 1
            log.error(
                "row_given_up",
                row=claimed.id,
                kind=claimed.message.kind.value,
                entry_point=claimed.message.entry_point,
                reason=settlement.reason,
            )
        elif settlement.next_attempt_at is not None:
            self._counts.retried += 1

    async def _finish(self) -> None:
        tasks = list(self._tasks)
        if tasks:
            limit = self.destination.send_limit.total_seconds() + LONGEST_RECORDING
            _, late = await asyncio.wait(tasks, timeout=limit)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _unexpected(self, error: BaseException) -> None:
        log.error("delivery_failed", kind=type(error).__name__)
