"""Policy and one set of readings → whether ECE takes chats, and why not: what a snapshot keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from widget.domain.errors import EceError, EceUnreadable
from widget.domain.policy import Policy
from widget.domain.readings import (
    AgentAvailability,
    Call,
    Capacity,
    ChatAllowed,
    Eligibility,
    LiveSessionStatus,
    Reading,
    Reason,
)

Outcome = Reading | EceError
Outcomes = Mapping[Call, Outcome]

SNAPSHOTS_TO_REOPEN = 2


class State(StrEnum):
    AVAILABLE = "available"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LimitMemory:
    """Whether one of the operator's own limits holds the button closed, so that it does not flicker at the limit."""

    closed_by: Reason | None = None
    within: int = 0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one complete set of readings means, before hours and age: the part of a decision a snapshot keeps."""

    state: State
    reason: Reason | None
    wait_time: int | None = None
    queue_depth: int | None = None
    capacity: int | None = None
    near_limit: bool = False


UNREACHABLE = Evaluation(State.UNKNOWN, Reason.ECE_UNREACHABLE)


def outcome_of(policy: Policy, reading: Reading) -> Outcome:
    """Return an answered call's outcome: its reading, or a failure where that lacks a number which the policy needs.

    Any other missing number stays None and means nothing.
    """
    match reading:
        case LiveSessionStatus(wait_time=None) if policy.max_wait is not None:
            return EceUnreadable("no usable waitTime, which max_wait needs")
        case LiveSessionStatus(queue_depth=None) if policy.max_queue_depth is not None:
            return EceUnreadable("no usable queueDepth, which max_queue_depth needs")
        case Capacity(count=None):
            return EceUnreadable("no usable count, which the capacity check needs")
        case _:
            return reading


def evaluate(policy: Policy, outcomes: Outcomes, memory: LimitMemory) -> tuple[Evaluation, LimitMemory]:
    """Evaluate one set of outcomes, each reading through `outcome_of`.

    The first check to close gives the reason, whatever later ones failed: one definite no is enough. A check that
    failed, where none closed, makes the state unknown. Own limits close at once and open after two sets within them; a
    set without any reading says nothing about them.
    """
    limit = next(_limits_passed(policy, outcomes), None)
    usable = all(_was_read(outcomes.get(call)) for call in policy.calls if policy.needs(call))
    memory = _remember(memory, limit, usable=usable)
    closed = next(_closing(policy, outcomes, memory), None)
    live, capacity = outcomes.get(Call.LIVE_SESSION_STATUS), outcomes.get(Call.CAPACITY)
    evaluation = Evaluation(
        state=State.AVAILABLE,
        reason=None,
        wait_time=live.wait_time if isinstance(live, LiveSessionStatus) else None,
        queue_depth=live.queue_depth if isinstance(live, LiveSessionStatus) else None,
        capacity=capacity.count if isinstance(capacity, Capacity) else None,
        near_limit=memory.closed_by is not None,
    )
    if closed is not None:
        return replace(evaluation, state=State.UNAVAILABLE, reason=closed), memory
    if not usable:
        return replace(evaluation, state=State.UNKNOWN, reason=Reason.ECE_UNREACHABLE), memory
    return evaluation, memory


def _closing(policy: Policy, outcomes: Outcomes, memory: LimitMemory) -> Iterator[Reason]:
    anything_read = any(_was_read(outcome) for outcome in outcomes.values())
    for call in policy.calls:
        match outcomes.get(call):
            case ChatAllowed(allowed=False, reason=reason):
                yield reason or Reason.OTHER
            case Eligibility(reason=Reason() as reason):
                yield reason
            case AgentAvailability(available=False):
                yield Reason.AGENT_NOT_AVAILABLE
            case Capacity(count=count) if count is not None and count < (policy.min_capacity or 1):
                yield Reason.NO_CAPACITY
            case _:
                pass
        if anything_read and memory.closed_by is not None and call is _limited_call(memory.closed_by):
            yield memory.closed_by


def _was_read(outcome: Outcome | None) -> bool:
    return outcome is not None and not isinstance(outcome, EceError)


def _limited_call(reason: Reason) -> Call:
    return Call.CAPACITY if reason is Reason.NO_CAPACITY else Call.LIVE_SESSION_STATUS


def _limits_passed(policy: Policy, outcomes: Outcomes) -> Iterator[Reason]:
    """Yield the operator's own limits that these readings are beyond, in order of precedence."""
    live, capacity = outcomes.get(Call.LIVE_SESSION_STATUS), outcomes.get(Call.CAPACITY)
    if isinstance(capacity, Capacity) and _below(capacity.count, policy.min_capacity):
        yield Reason.NO_CAPACITY
    if isinstance(live, LiveSessionStatus):
        if _below(policy.max_wait, live.wait_time):
            yield Reason.WAIT_TOO_LONG
        if _below(policy.max_queue_depth, live.queue_depth):
            yield Reason.QUEUE_TOO_DEEP


def _below(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low < high


def _remember(memory: LimitMemory, limit: Reason | None, *, usable: bool) -> LimitMemory:
    if limit is not None:
        return LimitMemory(closed_by=limit)
    if memory.closed_by is None or not usable:
        return memory
    within = memory.within + 1
    return LimitMemory() if within >= SNAPSHOTS_TO_REOPEN else LimitMemory(memory.closed_by, within)
