"""What is stored on the shared server, as text and back. Anything that cannot be read there counts as absent.

Whoever can write to the server, or a server that lost half a write, may leave any bytes under any key. `decode` is the
only reader: it returns None for what has another shape. Numbers out of their range, and evaluations that no process can
have made, count as absent too. Server times are microseconds of the server's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from widget.domain.breaker import (
    FAILURES_TO_OPEN,
    FIRST_PERIOD,
    LONGEST_PERIOD,
    SPREAD,
    Breaker,
    Closed,
    HalfOpen,
    Open,
)
from widget.domain.evaluation import SNAPSHOTS_TO_REOPEN, Evaluation, LimitMemory, State
from widget.domain.readings import Call

Translate = Callable[[float], float]

LATEST = 1e17  # microseconds: the year 5138; past it a float no longer holds single microseconds
LARGEST = 2**63 - 1  # of a wait in seconds, a depth or a capacity: ECE has no greater one
_FARTHEST = LONGEST_PERIOD * (1 + SPREAD)

_Moment = Annotated[float, Field(ge=0, le=LATEST, allow_inf_nan=False)]
_Period = Annotated[float, Field(ge=FIRST_PERIOD, le=LONGEST_PERIOD, allow_inf_nan=False)]
_STRICT = ConfigDict(strict=True, extra="forbid")


class StoredBreaker(BaseModel):
    """A breaker's state: `until` where it is open, `since` where a probe is out, else the failures so far."""

    model_config = _STRICT
    until: _Moment | None = None
    since: _Moment | None = None
    period: _Period = FIRST_PERIOD
    failures: Annotated[int, Field(ge=0, lt=FAILURES_TO_OPEN)] = 0

    def value(self, our_time: Translate, moment: float) -> Breaker:
        """Return the domain's value; one that would last too long, as after a clock was set, is cut to the longest."""
        if self.until is not None:
            return Open(min(our_time(self.until), moment + _FARTHEST), self.period)
        if self.since is not None:
            return HalfOpen(min(our_time(self.since), moment), self.period)
        return Closed(self.failures)


T = TypeVar("T")
_BREAKER = TypeAdapter(StoredBreaker)
_CALLS = TypeAdapter(dict[Call, StoredBreaker], config=_STRICT)  # of an entry point
_EVALUATIONS = TypeAdapter(dict[str, tuple[Evaluation, LimitMemory]], config=_STRICT)  # of all with one id, by name
_SERVER_TIME = TypeAdapter(Annotated[int, Field(ge=0, le=int(LATEST))], config=_STRICT)


def decode(shape: TypeAdapter[T], text: str) -> T | None:
    """Read JSON that should have this shape; None for anything else, the empty text included."""
    try:
        return shape.validate_json(text)
    except ValidationError:
        return None


def evaluations_text(evaluations: Mapping[str, tuple[Evaluation, LimitMemory]]) -> str:
    """Write evaluations by entry point, each with the memory of the limits behind it."""
    return _EVALUATIONS.dump_json(dict(evaluations)).decode()


def read_evaluations(text: str) -> dict[str, tuple[Evaluation, LimitMemory]]:
    """Read what `evaluations_text` wrote; nothing from anything else, and no evaluation that cannot be."""
    stored = decode(_EVALUATIONS, text) or {}
    return {name: found for name, found in stored.items() if _can_be(*found)}


def _can_be(evaluation: Evaluation, memory: LimitMemory) -> bool:
    """Return whether `evaluate` may have returned these with a snapshot."""
    numbers = (evaluation.wait_time, evaluation.queue_depth, evaluation.capacity)
    return (
        evaluation.state is not State.UNKNOWN
        and (evaluation.reason is None) is (evaluation.state is State.AVAILABLE)
        and all(number is None or 0 <= number <= LARGEST for number in numbers)
        and 0 <= memory.within < SNAPSHOTS_TO_REOPEN
    )


def breaker_text(state: Breaker, server_time: Translate) -> str:
    """Write a breaker's state, nothing for the first one; `server_time` translates our monotonic seconds."""
    return "" if state == Closed() else _stored_breaker(state, server_time).model_dump_json(exclude_defaults=True)


def read_breaker(text: str, our_time: Translate, moment: float) -> Breaker:
    """Read what `breaker_text` wrote; the first state from anything else."""
    stored = decode(_BREAKER, text)
    return Closed() if stored is None else stored.value(our_time, moment)


def calls_text(calls: Mapping[Call, Breaker], server_time: Translate) -> str:
    """Write the breakers of an entry point's calls."""
    stored = {call: _stored_breaker(state, server_time) for call, state in calls.items()}
    return _CALLS.dump_json(stored, exclude_defaults=True).decode()


def read_calls(text: str, our_time: Translate, moment: float) -> dict[Call, Breaker]:
    """Read what `calls_text` wrote; no breakers from anything else."""
    stored = decode(_CALLS, text) or {}
    return {call: each.value(our_time, moment) for call, each in stored.items()}


def read_moment(text: str) -> int | None:
    """Read a server time; None for anything else."""
    return decode(_SERVER_TIME, text)


def _stored_breaker(state: Breaker, server_time: Translate) -> StoredBreaker:
    match state:
        case Open(until=until, period=period):
            return StoredBreaker(until=_moment(server_time(until)), period=period)
        case HalfOpen(since=since, period=period):
            return StoredBreaker(since=_moment(server_time(since)), period=period)
        case Closed(failures=failures):
            return StoredBreaker(failures=failures)


def _moment(time: float) -> float:
    return min(max(time, 0.0), LATEST)
