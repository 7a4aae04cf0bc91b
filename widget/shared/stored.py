"""What is stored on the shared server, as text and back. Anything that cannot be read there counts as absent.

Whoever can write to the server, or a server that lost half a write, may leave any bytes under any key. `decode` is the
only reader: it checks the shape and the range of every field and returns None for all else. Server times are
microseconds of the server's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

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
from widget.domain.readings import Call, Reason

Translate = Callable[[float], float]

LATEST = 1e17  # microseconds: the year 5138; past it a float no longer holds single microseconds
LARGEST = 10**9  # of a wait in seconds, a depth or a capacity
_FARTHEST = LONGEST_PERIOD * (1 + SPREAD)

_Count = Annotated[int, Field(ge=0, le=LARGEST)]
_Moment = Annotated[float, Field(ge=0, le=LATEST, allow_inf_nan=False)]
_Period = Annotated[float, Field(ge=FIRST_PERIOD, le=LONGEST_PERIOD, allow_inf_nan=False)]


class _Stored(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class StoredEvaluation(_Stored):
    """An evaluation and the memory of the limits behind it."""

    state: State
    reason: Reason | None
    wait_time: _Count | None
    queue_depth: _Count | None
    capacity: _Count | None
    near_limit: bool
    closed_by: Reason | None
    within: Annotated[int, Field(ge=0, lt=SNAPSHOTS_TO_REOPEN)]

    def value(self) -> tuple[Evaluation, LimitMemory] | None:
        """Return the domain's values; None for a combination that `evaluate` never returns with a snapshot."""
        if self.state is State.UNKNOWN or (self.reason is None) is not (self.state is State.AVAILABLE):
            return None
        numbers = (self.wait_time, self.queue_depth, self.capacity)
        evaluation = Evaluation(self.state, self.reason, *numbers, near_limit=self.near_limit)
        return evaluation, LimitMemory(self.closed_by, self.within)


class StoredBreaker(_Stored):
    """A breaker's state: `until` where it is open, `since` where a probe is out, else the failures so far."""

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


class _StoredCalls(RootModel[dict[Call, StoredBreaker]]):
    """The breakers of an entry point's calls."""


class _StoredEvaluations(RootModel[dict[str, StoredEvaluation]]):
    """The evaluations of all entry points with one id, by name."""


class _StoredMoment(RootModel[Annotated[int, Field(ge=0, le=int(LATEST))]]):
    """A server time."""


Shape = TypeVar("Shape", bound=BaseModel)


def decode(shape: type[Shape], text: str) -> Shape | None:
    """Read JSON that should have this shape; None for anything else, the empty text included."""
    try:
        return shape.model_validate_json(text)
    except ValidationError:
        return None


def evaluations_text(evaluations: Mapping[str, tuple[Evaluation, LimitMemory]]) -> str:
    """Write evaluations by entry point, each with the memory of the limits behind it."""
    return _StoredEvaluations({name: _stored_evaluation(*each) for name, each in evaluations.items()}).model_dump_json()


def read_evaluations(text: str) -> dict[str, tuple[Evaluation, LimitMemory]]:
    """Read what `evaluations_text` wrote; nothing from anything else, and no evaluation that cannot be."""
    stored = decode(_StoredEvaluations, text)
    values = {} if stored is None else {name: each.value() for name, each in stored.root.items()}
    return {name: value for name, value in values.items() if value is not None}


def breaker_text(state: Breaker, server_time: Translate) -> str:
    """Write a breaker's state, nothing for the first one; `server_time` translates our monotonic seconds."""
    return "" if state == Closed() else _stored_breaker(state, server_time).model_dump_json(exclude_defaults=True)


def read_breaker(text: str, our_time: Translate, moment: float) -> Breaker:
    """Read what `breaker_text` wrote; the first state from anything else."""
    stored = decode(StoredBreaker, text)
    return Closed() if stored is None else stored.value(our_time, moment)


def calls_text(calls: Mapping[Call, Breaker], server_time: Translate) -> str:
    """Write the breakers of an entry point's calls."""
    stored = {call: _stored_breaker(state, server_time) for call, state in calls.items()}
    return _StoredCalls(stored).model_dump_json(exclude_defaults=True)


def read_calls(text: str, our_time: Translate, moment: float) -> dict[Call, Breaker]:
    """Read what `calls_text` wrote; no breakers from anything else."""
    stored = decode(_StoredCalls, text)
    return {} if stored is None else {call: each.value(our_time, moment) for call, each in stored.root.items()}


def read_moment(text: str) -> int | None:
    """Read a server time; None for anything else."""
    stored = decode(_StoredMoment, text)
    return None if stored is None else stored.root


def _stored_evaluation(evaluation: Evaluation, memory: LimitMemory) -> StoredEvaluation:
    return StoredEvaluation(
        state=evaluation.state,
        reason=evaluation.reason,
        wait_time=_bounded(evaluation.wait_time),
        queue_depth=_bounded(evaluation.queue_depth),
        capacity=_bounded(evaluation.capacity),
        near_limit=evaluation.near_limit,
        closed_by=memory.closed_by,
        within=memory.within,
    )


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


def _bounded(number: int | None) -> int | None:
    return None if number is None else min(max(number, 0), LARGEST)
