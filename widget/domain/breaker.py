"""Circuit breakers as values: closed, open until a moment, half-open while one probe is out.

One stands for ECE's host and one for each entry point and call; `errors.py` says which failure counts against which.
Times are monotonic seconds; `jitter` is a number from 0 to 1 drawn by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass

FAILURES_TO_OPEN = 5
FIRST_PERIOD = 5.0
# A probe is one call for a whole fleet, so it can be frequent: a button follows ECE's return within 20 seconds.
LONGEST_PERIOD = 10.0
SPREAD = 0.2  # of the period, so that many processes do not probe in step
PROBE_LIMIT = 10.0  # a probe that nobody settled (its task died, or it takes longer) holds the next up for this long


@dataclass(frozen=True, slots=True)
class Closed:
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Open:
    """No call until `until`; then one probe. `period` is the pause before jitter."""

    until: float
    period: float


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """One probe is out since `since`; everybody else is refused."""

    since: float
    period: float


Breaker = Closed | Open | HalfOpen


def may_ask(state: Breaker, now: float) -> bool:
    """Return whether a call may go out now."""
    match state:
        case Closed():
            return True
        case Open(until=until):
            return now >= until
        case HalfOpen(since=since):
            return now - since >= PROBE_LIMIT


def asking(state: Breaker, now: float) -> Breaker:
    """Return the state once a call that `may_ask` allowed is on its way."""
    return state if isinstance(state, Closed) else HalfOpen(now, state.period)


def succeeded(state: Breaker) -> Breaker:
    """Return the state after an answer: closed, whatever it was. An answer to an old call is as good as a probe's."""
    return state if state == Closed() else Closed()


def failed(state: Breaker, now: float, *, jitter: float) -> Breaker:
    """Return the state after a failure; a late failure of a call from before an opening changes nothing."""
    match state:
        case Closed(failures=failures) if failures + 1 < FAILURES_TO_OPEN:
            return Closed(failures + 1)
        case Closed():
            return _opened(FIRST_PERIOD, now, jitter)
        case Open():
            return state
        case HalfOpen(period=period):
            return _opened(min(period * 2, LONGEST_PERIOD), now, jitter)


def unsettled(state: Breaker, now: float) -> Breaker:
    """Return the state after a probe that says nothing of what this breaker stands for: another may go out at once."""
    return Open(now, state.period) if isinstance(state, HalfOpen) else state


def _opened(period: float, now: float, jitter: float) -> Open:
    return Open(now + period * (1 + SPREAD * (2 * jitter - 1)), period)
