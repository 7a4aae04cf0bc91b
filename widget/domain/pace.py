"""How fast rows may go to one destination, as a value: freely, in doubt, or by single probes.

Two kinds of failure are told apart (`serves_nobody`):

- The destination serves nobody (refused, no TLS, 503, 429). A circuit breaker counts these; while it is open nothing
  is sent, then one probe at a time.
- The destination failed over this row (a 500, a connection closed after the row was sent). Anybody can make such rows,
  so they never stop the others: each waits for its own next attempt. Many of them put the destination in doubt: rows
  are then taken as slots become free, the least tried first, in turn the newest, those of the entry point that a row
  was last taken for, and the oldest; rows that failed before have half of the slots. An allowance bounds how many
  failures a destination that fails often meets: a burst, then one each second.

Times are monotonic seconds; `chance` is a number from 0 to 1 drawn by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

from widget.domain import breaker, retry
from widget.domain.breaker import Breaker, Closed, HalfOpen, Open
from widget.domain.errors import DeliveryError, EceTimeout
from widget.domain.outbox import Pick

WINDOW = 16  # outcomes that are remembered
FAILURES_IN_DOUBT = 4  # of these
BURST = 240.0  # failures that a destination may meet at once
PER_SECOND = 1.0
PER_SUCCESS = 4.0
PROBE_AGAIN_SECONDS = 0.25
LOOK_AGAIN_SECONDS = 1.0  # while a probe is out
HASTEN_SECONDS = 5.0
HASTEN_AFTER_DOUBT_SECONDS = 60.0
TOO_MANY_REQUESTS = 429  # RFC 6585, section 4
ROWS_PER_SLOT = 8  # claimed ahead, so that no slot waits for a commit
REFILL_PER_SLOT = 4

_CLOSED = Closed()
_TURNS = (Pick.LEAST_TRIED, Pick.NEWEST, Pick.LIKE_LAST_TAKEN)


class Mode(IntEnum):
    """What the metrics say of a destination."""

    FREE = 0
    IN_DOUBT = 1
    STOPPED = 2


class Wait(NamedTuple):
    """Claim nothing for so many seconds, unless something ends before."""

    seconds: float


class Take(NamedTuple):
    """Claim up to `limit` rows; `probe` says that it is the single one that a half-open breaker allows."""

    limit: int
    pick: Pick
    untried: bool = False
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """What is remembered of a destination."""

    breaker: Breaker = _CLOSED
    failed: tuple[bool, ...] = ()  # of the last outcomes, the newest last
    allowance: float = BURST
    refilled_at: float = 0.0
    turn: int = 0
    last_taken: str = ""  # the entry point of the row that was taken last
    back: bool = False  # rows that wait for the destination may be due at once
    hastened_at: float = float("-inf")

    @property
    def mode(self) -> Mode:
        """Return how rows go to the destination: freely, in doubt, or by single probes."""
        if not isinstance(self.breaker, Closed):
            return Mode.STOPPED
        return Mode.IN_DOUBT if sum(self.failed) >= FAILURES_IN_DOUBT else Mode.FREE


def plan(pace: Pace, now: float, *, slots: int, held: int, tried_before: int) -> Wait | Take:
    """Return what to claim now. `held` rows are claimed and not yet settled, `tried_before` of them failed before."""
    pick = _TURNS[pace.turn % len(_TURNS)]
    if pace.mode is Mode.STOPPED:
        if not breaker.may_ask(pace.breaker, now):
            return Wait(pace.breaker.until - now if isinstance(pace.breaker, Open) else LOOK_AGAIN_SECONDS)
        return Wait(LOOK_AGAIN_SECONDS) if held else Take(1, pick, probe=True)
    if pace.mode is Mode.FREE:
        return Take(ROWS_PER_SLOT * slots - held, Pick.OLDEST) if held <= REFILL_PER_SLOT * slots else Wait(60.0)
    free, allowance = slots - held, _refilled(pace, now) - held  # each of those that are held may fail
    if free <= 0:
        return Wait(60.0)
    if allowance < 1.0:
        return Wait((1.0 - allowance) / PER_SECOND)
    limit = min(max(free // 2, 1), int(allowance))
    return Take(limit, pick, untried=tried_before > 0 and tried_before >= slots // 2)


def claimed(pace: Pace, taken: Take, now: float) -> Pace:
    """Return the pace after a claim: the next one has another turn. A probe is on its way."""
    if taken.pick is Pick.OLDEST:
        return pace
    state = breaker.asking(pace.breaker, now) if taken.probe else pace.breaker
    return replace(pace, turn=pace.turn + 1, breaker=state)


def not_sent(pace: Pace, now: float) -> Pace:
    """Return the pace after a claimed row was not sent after all, which says nothing about the destination."""
    if not isinstance(pace.breaker, HalfOpen):
        return pace
    return replace(pace, breaker=Open(now + PROBE_AGAIN_SECONDS, pace.breaker.period))


def taken(pace: Pace, entry_point: str, now: float) -> Pace:
    """Return the pace after the destination took a row."""
    allowance = min(_refilled(pace, now) + PER_SUCCESS, BURST)
    return replace(_answered(pace, now, failed=False), allowance=allowance, last_taken=entry_point)


def refused(pace: Pace, now: float) -> Pace:
    """Return the pace after the destination refused a row for good: it is there."""
    return _answered(pace, now, failed=False)


def failed(pace: Pace, error: DeliveryError, now: float, *, chance: float) -> Pace:
    """Return the pace after a failure that may pass."""
    if serves_nobody(error):
        return replace(pace, breaker=breaker.failed(pace.breaker, now, jitter=chance))
    allowance = max(_refilled(pace, now) - 1.0, 0.0)
    return replace(_answered(pace, now, failed=True), allowance=allowance)


def serves_nobody(error: DeliveryError) -> bool:
    """Return whether a failure speaks of the destination and not of the row: no row was read, or none is wanted now."""
    never_sent = isinstance(error, EceTimeout) and not error.maybe_received
    return never_sent or error.status == TOO_MANY_REQUESTS or retry.whatever_the_content(error)


def may_hasten(pace: Pace, now: float) -> bool:
    """Return whether rows that wait for the destination should be due now: once per recovery, and not too often."""
    return pace.back and now - pace.hastened_at >= HASTEN_SECONDS


def hastened(pace: Pace, now: float) -> Pace:
    """Return the pace once they were made due."""
    return replace(pace, back=False, hastened_at=now)


def _answered(pace: Pace, now: float, *, failed: bool) -> Pace:
    """Return the pace after an answer. It is back when it served nobody before, or nothing in the whole window."""
    served_nothing = len(pace.failed) == WINDOW and all(pace.failed)
    recovered = served_nothing and not failed and now - pace.hastened_at >= HASTEN_AFTER_DOUBT_SECONDS
    return replace(
        pace,
        breaker=breaker.succeeded(pace.breaker),
        failed=(*pace.failed, failed)[-WINDOW:],
        refilled_at=now,
        allowance=_refilled(pace, now),
        back=pace.back or recovered or pace.breaker != _CLOSED,
    )


def _refilled(pace: Pace, now: float) -> float:
    return min(pace.allowance + max(now - pace.refilled_at, 0.0) * PER_SECOND, BURST)
