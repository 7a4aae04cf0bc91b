"""Policy, readings, hours and the previous decision → whether the button shows, and why (public contract, 3 and 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf
from typing import Literal

from widget.domain import hours as business_hours
from widget.domain.errors import EceError, EceUnreadable
from widget.domain.hours import Hours
from widget.domain.instead import Way, entry_points, fitting, offered
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
from widget.domain.survey import Wording
from widget.domain.switches import Closing, Switch

Outcome = Reading | EceError
Outcomes = Mapping[Call, Outcome]

# The five values `nextCheck` may take, in seconds (section 5 of the contract).
REFRESH_UNDER_WAY = 2
SOON = 5
USUAL = 15
SELDOM = 60
RARELY = 300

SNAPSHOTS_TO_REOPEN = 2


class State(StrEnum):
    AVAILABLE = "available"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


class Response(StrEnum):
    """The state in the words that the front end of the British government polls for (alphagov/frontend, webchat.js)."""

    AVAILABLE = "AVAILABLE"
    BUSY = "BUSY"
    UNAVAILABLE = "UNAVAILABLE"
    ERROR = "ERROR"


_BUSY = frozenset({Reason.QUEUE_DEPTH_REACHED, Reason.QUEUE_TOO_DEEP, Reason.WAIT_TOO_LONG, Reason.NO_CAPACITY})


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator wants of one entry point. Limits are None where none is written; `max_wait` in seconds.

    `closing` is what a person on duty switched by hand; it stands above the settings. `greets_up_to` is the longest
    wait, in seconds, at which visitors are greeted, infinite where any will do; None where nobody is.
    """

    entry_point: str
    enabled: bool = True
    checks: frozenset[Call] = frozenset({Call.CHAT_ALLOWED, Call.LIVE_SESSION_STATUS})
    max_wait: float | None = None
    max_queue_depth: int | None = None
    min_capacity: int | None = None
    show_wait: bool = True
    show_position: bool = True
    when_unavailable: Literal["hide", "message"] = "hide"
    when_unknown: Literal["hide", "message", "show"] = "hide"
    hours: Hours | None = None
    closing: Closing | None = None
    instead: tuple[Way, ...] = ()
    greets_up_to: float | None = None

    def switched(self, switch: Switch) -> Policy:
        """Return these rules, as the settings have them, with what is switched by hand."""
        return replace(self, closing=switch.closing, hours=switch.hours(self.hours))

    def is_off(self, now: datetime) -> bool:
        """Say whether the entry point is switched off: by the settings, or by a closing that stands."""
        return not self.enabled or (self.closing is not None and self.closing.stands(now))

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls to make, in order of precedence: the checks, and those that a written limit needs."""
        asked = set(self.checks)
        if self.min_capacity is not None:
            asked.add(Call.CAPACITY)
        if self.limits_the_queue or self.greets_up_to not in (None, inf):
            asked.add(Call.LIVE_SESSION_STATUS)
        return tuple(call for call in Call if call in asked)

    @property
    def limits_the_queue(self) -> bool:
        return self.max_wait is not None or self.max_queue_depth is not None

    def needs(self, call: Call) -> bool:
        """Say whether the decision is unknown without this call.

        Live numbers that no limit needs may be missing, unless they are all that ECE is asked for.
        """
        return call is not Call.LIVE_SESSION_STATUS or self.limits_the_queue or self.calls == (call,)


@dataclass(frozen=True, slots=True)
class LimitMemory:
    """Whether one of the operator's own limits holds the button closed, so that it does not flicker at the limit."""

    closed_by: Reason | None = None
    within: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one complete set of readings means, before hours and age: the part of a decision a snapshot keeps."""

    state: State
    reason: Reason | None
    wait_time: int | None = None
    queue_depth: int | None = None
    capacity: int | None = None
    near_limit: bool = False


UNREACHABLE = Verdict(State.UNKNOWN, Reason.ECE_UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Decision:
    """Section 5 of the contract, field by field. `wait_time` and `next_check` in seconds; times are aware, UTC.

    `words` are what the person who closed the entry point wants visitors to read, for pages alone.
    `instead` are the other ways that are offered now, `greets` whether visitors are greeted.
    """

    entry_point: str
    show: bool
    state: State
    reason: Reason | None
    wait_time: int | None
    queue_depth: int | None
    position: int | None
    capacity: int | None
    opens_at: datetime | None
    as_of: datetime | None
    next_check: int
    words: Wording | None = None
    instead: tuple[Way, ...] = ()
    greets: bool = False

    @property
    def response(self) -> Response:
        match self.state:
            case State.AVAILABLE:
                return Response.AVAILABLE
            case State.UNKNOWN:
                return Response.ERROR
            case State.UNAVAILABLE:
                return Response.BUSY if self.reason in _BUSY else Response.UNAVAILABLE


def require_number(policy: Policy, reading: Reading) -> Reading:
    """Return the reading back, or raise EceUnreadable when it lacks a number that the policy needs.

    Any other missing number stays None and means nothing.
    """
    match reading:
        case LiveSessionStatus(wait_time=None) if policy.max_wait is not None:
            raise EceUnreadable("no usable waitTime, which max_wait needs")
        case LiveSessionStatus(queue_depth=None) if policy.max_queue_depth is not None:
            raise EceUnreadable("no usable queueDepth, which max_queue_depth needs")
        case Capacity(count=None):
            raise EceUnreadable("no usable count, which the capacity check needs")
        case _:
            return reading


def judge(policy: Policy, outcomes: Outcomes, memory: LimitMemory) -> tuple[Verdict, LimitMemory]:
    """Judge one set of outcomes, each reading through `require_number`.

    The first check to close gives the reason, whatever later ones failed: one definite no is enough. A check that
    failed, where none closed, makes the verdict unknown. Own limits close at once and open after two sets within them;
    a set without any reading says nothing about them.
    """
    limit = next(_limits_passed(policy, outcomes), None)
    usable = all(_was_read(outcomes.get(call)) for call in policy.calls if policy.needs(call))
    memory = _remember(memory, limit, usable=usable)
    closed = next(_closing(policy, outcomes, memory), None)
    live, capacity = outcomes.get(Call.LIVE_SESSION_STATUS), outcomes.get(Call.CAPACITY)
    verdict = Verdict(
        state=State.AVAILABLE,
        reason=None,
        wait_time=live.wait_time if isinstance(live, LiveSessionStatus) else None,
        queue_depth=live.queue_depth if isinstance(live, LiveSessionStatus) else None,
        capacity=capacity.count if isinstance(capacity, Capacity) else None,
        near_limit=memory.closed_by is not None,
    )
    if closed is not None:
        return replace(verdict, state=State.UNAVAILABLE, reason=closed), memory
    if not usable:
        return replace(verdict, state=State.UNKNOWN, reason=Reason.ECE_UNREACHABLE), memory
    return verdict, memory


def decide(
    policy: Policy, verdict: Verdict, *, as_of: datetime | None, now: datetime, next_check: int | None = None
) -> Decision:
    """Return the decision of section 5 at the moment `now`.

    `verdict` is the snapshot's, or `UNREACHABLE` when there is none to trust; `next_check` overrides the pace, for a
    stale answer whose refresh is under way.
    """
    opens_at = words = None
    if policy.is_off(now):
        verdict, as_of = Verdict(State.UNAVAILABLE, Reason.SWITCHED_OFF), None
        if policy.enabled and policy.closing is not None:
            words, opens_at = policy.closing.words, _end_of_closing(policy, policy.closing)
    elif policy.hours is not None and not business_hours.is_open(policy.hours, now):
        verdict, as_of = Verdict(State.UNAVAILABLE, Reason.OUTSIDE_HOURS), None
        opens_at = business_hours.next_opening(policy.hours, now)
    asked = asks_ece(policy, now)
    depth = verdict.queue_depth if policy.show_position else None
    show = verdict.state is State.AVAILABLE or (verdict.state is State.UNKNOWN and policy.when_unknown == "show")
    return Decision(
        entry_point=policy.entry_point,
        show=show,
        state=verdict.state,
        reason=verdict.reason,
        wait_time=verdict.wait_time if policy.show_wait else None,
        queue_depth=depth,
        position=None if depth is None else depth + 1,
        capacity=verdict.capacity,
        opens_at=opens_at,
        as_of=as_of,
        next_check=next_check if next_check is not None and asked else pace(policy, verdict, now),
        words=words,
        greets=_greets(policy, verdict),
    )


def _greets(policy: Policy, verdict: Verdict) -> bool:
    if verdict.state is not State.AVAILABLE or policy.greets_up_to is None:
        return False
    return policy.greets_up_to == inf or (verdict.wait_time is not None and verdict.wait_time <= policy.greets_up_to)


def could_offer(policy: Policy, decision: Decision, now: datetime) -> tuple[str, ...]:
    """Return the entry points whose own decision has to be known before it is clear what is offered."""
    return () if decision.show else entry_points(fitting(policy.instead, decision.reason, now))


def offer(policy: Policy, decision: Decision, others: Mapping[str, Decision], now: datetime) -> Decision:
    """Return the decision with the other ways that are open now; none while the button is drawn.

    `others` are the decisions of the entry points that it could offer. The page asks again as soon as for any of them.
    """
    if decision.show or not policy.instead:
        return decision
    ways = offered(
        policy.instead,
        decision.reason,
        now,
        is_open=lambda name: name in others and others[name].state is State.AVAILABLE,
    )
    soonest = min([decision.next_check, *(each.next_check for each in others.values())])
    return replace(decision, instead=ways, next_check=soonest)


def asks_ece(policy: Policy, now: datetime) -> bool:
    """Say whether ECE has a word in the decision: not when switched off, and not outside hours."""
    return not policy.is_off(now) and (policy.hours is None or business_hours.is_open(policy.hours, now))


def pace(policy: Policy, verdict: Verdict, now: datetime) -> int:
    """Return `nextCheck`: shortest when something is about to change, longest outside hours.

    Of the allowed values the longest that does not pass the next opening or closing is taken, 5 at the least.
    """
    usual = _usual_pace(verdict)
    if policy.enabled and policy.is_off(now):
        usual = SELDOM  # a person may reopen at any moment
    longest = min(usual, seconds_until_change(policy, now))
    return max((each for each in (SOON, USUAL, SELDOM, RARELY) if each <= longest), default=SOON)


def seconds_until_change(policy: Policy, now: datetime) -> float:
    """Return the seconds until hours open or close, those of other ways too, or a closing by hand ends.

    Infinite when none of them ever will.
    """
    own = [policy.hours] if policy.enabled else []
    all_hours = [each for each in (*own, *(way.hours for way in policy.instead)) if each is not None]
    changes = [business_hours.next_change(each, now) for each in all_hours]
    if policy.enabled and policy.closing is not None and policy.closing.stands(now):
        changes.append(policy.closing.until)
    return min(((each - now) / timedelta(seconds=1) for each in changes if each is not None), default=inf)


def _end_of_closing(policy: Policy, closing: Closing) -> datetime | None:
    """Return when visitors may come again: the closing's end, or the next opening after it."""
    until = closing.until
    if until is None or policy.hours is None or business_hours.is_open(policy.hours, until):
        return until
    return business_hours.next_opening(policy.hours, until)


def _usual_pace(verdict: Verdict) -> int:
    match verdict.reason:
        case Reason.SWITCHED_OFF | Reason.OUTSIDE_HOURS:
            return RARELY
        case Reason.INVALID_ENTRY_POINT | Reason.ENTRY_POINT_INACTIVE | Reason.SERVICE_NOT_RUNNING | Reason.OTHER:
            return SELDOM
        case _:
            return SOON if verdict.near_limit else USUAL


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
    """The operator's own limits that these readings are beyond, in order of precedence."""
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
