"""Policy, evaluation and hours → whether the button shows, and why (public contract, 3 and 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf

from widget.domain import hours as business_hours
from widget.domain.evaluation import Evaluation, State
from widget.domain.instead import Way, entry_points, fitting, offered
from widget.domain.policy import Policy
from widget.domain.readings import Reason
from widget.domain.survey import Translations
from widget.domain.switches import Closing

# The five values `nextCheck` may take, in seconds (section 5 of the contract).
REFRESH_UNDER_WAY = 2
SOON = 5
USUAL = 15
SELDOM = 60
RARELY = 300


class Response(StrEnum):
    """The state in the words that the front end of the British government polls for (alphagov/frontend, webchat.js)."""

    AVAILABLE = "AVAILABLE"
    BUSY = "BUSY"
    UNAVAILABLE = "UNAVAILABLE"
    ERROR = "ERROR"


_RESPONSES = {
    State.AVAILABLE: Response.AVAILABLE,
    State.UNAVAILABLE: Response.UNAVAILABLE,
    State.UNKNOWN: Response.ERROR,
}
_BUSY = frozenset({Reason.QUEUE_DEPTH_REACHED, Reason.QUEUE_TOO_DEEP, Reason.WAIT_TOO_LONG, Reason.NO_CAPACITY})


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
    words: Translations | None = None
    instead: tuple[Way, ...] = ()
    greets: bool = False

    @property
    def response(self) -> Response:
        return Response.BUSY if self.reason in _BUSY else _RESPONSES[self.state]


def decide(
    policy: Policy, evaluation: Evaluation, *, as_of: datetime | None, now: datetime, next_check: int | None = None
) -> Decision:
    """Return the decision of section 5 at the moment `now`.

    `evaluation` is the snapshot's, or `UNREACHABLE` when there is none to trust; `next_check` overrides the pace, for a
    stale answer whose refresh is under way.
    """
    opens_at = words = None
    if policy.is_off(now):
        evaluation, as_of = Evaluation(State.UNAVAILABLE, Reason.SWITCHED_OFF), None
        if policy.enabled and policy.closing is not None:
            words, opens_at = policy.closing.words, _end_of_closing(policy, policy.closing)
    elif policy.hours is not None and not business_hours.is_open(policy.hours, now):
        evaluation, as_of = Evaluation(State.UNAVAILABLE, Reason.OUTSIDE_HOURS), None
        opens_at = business_hours.next_opening(policy.hours, now)
    asked = asks_ece(policy, now)
    depth = evaluation.queue_depth if policy.show_position else None
    show = evaluation.state is State.AVAILABLE or (evaluation.state is State.UNKNOWN and policy.when_unknown == "show")
    return Decision(
        entry_point=policy.entry_point,
        show=show,
        state=evaluation.state,
        reason=evaluation.reason,
        wait_time=evaluation.wait_time if policy.show_wait else None,
        queue_depth=depth,
        position=None if depth is None else depth + 1,
        capacity=evaluation.capacity,
        opens_at=opens_at,
        as_of=as_of,
        next_check=next_check if next_check is not None and asked else pace(policy, evaluation, now),
        words=words,
        greets=_greets(policy, evaluation),
    )


def _greets(policy: Policy, evaluation: Evaluation) -> bool:
    if evaluation.state is not State.AVAILABLE or policy.greets_up_to is None:
        return False
    return policy.greets_up_to == inf or (
        evaluation.wait_time is not None and evaluation.wait_time <= policy.greets_up_to
    )


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
    """Return whether the decision depends on ECE: not when switched off, and not outside hours."""
    return not policy.is_off(now) and (policy.hours is None or business_hours.is_open(policy.hours, now))


def pace(policy: Policy, evaluation: Evaluation, now: datetime) -> int:
    """Return `nextCheck`: shortest when something is about to change, longest outside hours.

    Of the allowed values the longest that does not pass the next opening or closing is taken, 5 at the least.
    """
    usual = _usual_pace(evaluation)
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


def _usual_pace(evaluation: Evaluation) -> int:
    match evaluation.reason:
        case Reason.SWITCHED_OFF | Reason.OUTSIDE_HOURS:
            return RARELY
        case Reason.INVALID_ENTRY_POINT | Reason.ENTRY_POINT_INACTIVE | Reason.SERVICE_NOT_RUNNING | Reason.OTHER:
            return SELDOM
        case _:
            return SOON if evaluation.near_limit else USUAL
