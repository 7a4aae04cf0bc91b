"""The decision: each check, the limits, hours, precedence, the numbers, and the pace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget.domain.decision import RARELY, REFRESH_UNDER_WAY, SELDOM, SOON, USUAL, asks_ece, decide, pace
from widget.domain.errors import EceTimeout, EceUnreadable
from widget.domain.evaluation import UNREACHABLE, Evaluation, LimitMemory, Outcome, State, evaluate, outcome_of
from widget.domain.hours import DAY, Hours, OpenRange
from widget.domain.policy import Policy
from widget.domain.readings import (
    AgentAvailability,
    Call,
    Capacity,
    ChatAllowed,
    Eligibility,
    LiveSessionStatus,
    Reason,
)

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)  # a Tuesday
ALL = frozenset(Call)
DOWN = EceTimeout("no answer")
ECE_REASONS = [
    Reason.QUEUE_DEPTH_REACHED,
    Reason.AGENT_NOT_AVAILABLE,
    Reason.SERVICE_NOT_RUNNING,
    Reason.INVALID_ENTRY_POINT,
    Reason.ENTRY_POINT_INACTIVE,
    Reason.OTHER,
]
OPEN: dict[Call, Outcome] = {
    Call.CHAT_ALLOWED: ChatAllowed(True),
    Call.CHECK_ELIGIBILITY: Eligibility(None),
    Call.AGENT_AVAILABILITY: AgentAvailability(True),
    Call.CAPACITY: Capacity(4),
    Call.LIVE_SESSION_STATUS: LiveSessionStatus(180, 2),
}
CLOSING: dict[Call, tuple[Outcome, Reason]] = {
    Call.CHAT_ALLOWED: (ChatAllowed(False, Reason.ENTRY_POINT_INACTIVE), Reason.ENTRY_POINT_INACTIVE),
    Call.CHECK_ELIGIBILITY: (Eligibility(Reason.QUEUE_DEPTH_REACHED), Reason.QUEUE_DEPTH_REACHED),
    Call.AGENT_AVAILABILITY: (AgentAvailability(False), Reason.AGENT_NOT_AVAILABLE),
    Call.CAPACITY: (Capacity(0), Reason.NO_CAPACITY),
    Call.LIVE_SESSION_STATUS: (LiveSessionStatus(1000, 2), Reason.WAIT_TOO_LONG),
}


def policy(**changes: Any) -> Policy:
    return Policy("sales", **changes)


def evaluation(rules: Policy, **outcomes: Outcome) -> Evaluation:
    """What the outcomes mean; those that are not given say yes."""
    given_outcomes = {**OPEN, **{Call[name.upper()]: outcome for name, outcome in outcomes.items()}}
    return evaluate(rules, {call: given_outcomes[call] for call in rules.calls}, LimitMemory())[0]


def weekdays(*ranges: tuple[int, int]) -> Hours:
    return Hours(UTC, (tuple(OpenRange(start, end) for start, end in ranges),) * 7)


# The checks


@pytest.mark.parametrize("call", Call)
def test_any_one_check_may_close_and_gives_its_reason(call: Call) -> None:
    outcome, reason = CLOSING[call]
    rules = policy(checks=frozenset({call}), max_wait=600 if call is Call.LIVE_SESSION_STATUS else None)
    found = evaluation(rules, **{call.name.lower(): outcome})
    assert (found.state, found.reason) == (State.UNAVAILABLE, reason)


@pytest.mark.parametrize("call", Call)
def test_any_one_check_alone_may_open(call: Call) -> None:
    found = evaluation(policy(checks=frozenset({call})))
    assert (found.state, found.reason) == (State.AVAILABLE, None)


@given(closing=st.sets(st.sampled_from(list(Call)), min_size=1))
def test_the_first_check_to_close_gives_the_reason(closing: set[Call]) -> None:
    found = evaluation(policy(checks=ALL, max_wait=600), **{call.name.lower(): CLOSING[call][0] for call in closing})
    first = next(call for call in Call if call in closing)
    assert found.reason is CLOSING[first][1]


@pytest.mark.parametrize("reason", ECE_REASONS)
def test_each_of_eces_six_reasons_is_passed_on(reason: Reason) -> None:
    assert evaluation(policy(), chat_allowed=ChatAllowed(False, reason)).reason is reason


def test_not_allowed_without_a_reason_is_other() -> None:
    assert evaluation(policy(), chat_allowed=ChatAllowed(False)).reason is Reason.OTHER


def test_a_definite_no_stands_whatever_other_checks_failed() -> None:
    found = evaluation(policy(checks=ALL), chat_allowed=DOWN, agent_availability=AgentAvailability(False))
    assert (found.state, found.reason) == (State.UNAVAILABLE, Reason.AGENT_NOT_AVAILABLE)


@pytest.mark.parametrize("call", [call for call in Call if call is not Call.LIVE_SESSION_STATUS])
def test_a_failed_check_where_none_closed_makes_it_unknown(call: Call) -> None:
    found = evaluation(policy(checks=ALL), **{call.name.lower(): DOWN})
    assert (found.state, found.reason) == (State.UNKNOWN, Reason.ECE_UNREACHABLE)


def test_live_numbers_that_no_limit_needs_may_fail() -> None:
    found = evaluation(policy(), live_session_status=DOWN)
    assert (found.state, found.wait_time, found.queue_depth) == (State.AVAILABLE, None, None)


def test_live_numbers_may_not_fail_where_they_are_all_that_is_asked_for() -> None:
    alone = Policy("sales", checks=frozenset({Call.LIVE_SESSION_STATUS}))
    assert evaluate(alone, {Call.LIVE_SESSION_STATUS: EceUnreadable()}, LimitMemory())[0].state is State.UNKNOWN
    nothing_known = LiveSessionStatus(wait_time=None, queue_depth=None)
    assert evaluate(alone, {Call.LIVE_SESSION_STATUS: nothing_known}, LimitMemory())[0].state is State.AVAILABLE


def test_live_numbers_that_a_limit_needs_may_not_fail() -> None:
    assert evaluation(policy(max_queue_depth=5), live_session_status=DOWN).state is State.UNKNOWN


def test_a_call_that_was_not_made_counts_as_failed() -> None:
    assert evaluate(policy(), {}, LimitMemory())[0].state is State.UNKNOWN


# The numbers that a limit needs


@pytest.mark.parametrize(
    ("rules", "reading", "needed"),
    [
        (policy(max_wait=600), LiveSessionStatus(None, 3), "waitTime"),
        (policy(max_queue_depth=5), LiveSessionStatus(3, None), "queueDepth"),
        (policy(checks=frozenset({Call.CAPACITY})), Capacity(None), "count"),
    ],
)
def test_a_missing_number_that_is_needed_is_an_error(rules: Policy, reading: Any, needed: str) -> None:
    outcome = outcome_of(rules, reading)
    assert isinstance(outcome, EceUnreadable)
    assert needed in outcome.detail


@pytest.mark.parametrize(
    ("rules", "reading"),
    [
        (policy(), LiveSessionStatus(None, None)),
        (policy(max_wait=600), LiveSessionStatus(3, None)),
        (policy(max_queue_depth=5), LiveSessionStatus(None, 3)),
    ],
)
def test_any_other_missing_number_means_nothing(rules: Policy, reading: Any) -> None:
    assert outcome_of(rules, reading) == reading


# Limits


def test_a_limit_adds_the_call_it_needs() -> None:
    only = frozenset({Call.CHAT_ALLOWED})
    assert policy(checks=only).calls == (Call.CHAT_ALLOWED,)
    assert policy(checks=only, min_capacity=2).calls == (Call.CHAT_ALLOWED, Call.CAPACITY)
    assert policy(checks=only, max_wait=60).calls == (Call.CHAT_ALLOWED, Call.LIVE_SESSION_STATUS)
    assert policy(checks=only, max_queue_depth=0).calls == (Call.CHAT_ALLOWED, Call.LIVE_SESSION_STATUS)


@pytest.mark.parametrize(
    ("rules", "outcomes", "reason"),
    [
        (policy(max_wait=180), {"live_session_status": LiveSessionStatus(180, 2)}, None),
        (policy(max_wait=180), {"live_session_status": LiveSessionStatus(181, 2)}, Reason.WAIT_TOO_LONG),
        (policy(max_queue_depth=2), {"live_session_status": LiveSessionStatus(0, 2)}, None),
        (policy(max_queue_depth=2), {"live_session_status": LiveSessionStatus(0, 3)}, Reason.QUEUE_TOO_DEEP),
        (policy(max_queue_depth=0), {"live_session_status": LiveSessionStatus(0, 0)}, None),
        (policy(min_capacity=3), {"capacity": Capacity(3)}, None),
        (policy(min_capacity=3), {"capacity": Capacity(2)}, Reason.NO_CAPACITY),
        (policy(max_wait=1), {"live_session_status": LiveSessionStatus(10**12, 2**63)}, Reason.WAIT_TOO_LONG),
        (policy(max_wait=1, max_queue_depth=1), {"live_session_status": LiveSessionStatus(2, 2)}, Reason.WAIT_TOO_LONG),
        (policy(max_wait=1, min_capacity=9), {"live_session_status": LiveSessionStatus(2, 2)}, Reason.NO_CAPACITY),
    ],
)
def test_a_limit_holds_up_to_and_including_its_number(
    rules: Policy, outcomes: dict[str, Outcome], reason: Reason | None
) -> None:
    assert evaluation(rules, **outcomes).reason is reason


def test_the_capacity_check_without_a_limit_closes_at_zero_and_opens_at_once() -> None:
    rules = policy(checks=frozenset({Call.CAPACITY}))
    closed, memory = evaluate(rules, {Call.CAPACITY: Capacity(0)}, LimitMemory())
    assert closed.reason is Reason.NO_CAPACITY
    assert evaluate(rules, {Call.CAPACITY: Capacity(1)}, memory)[0].state is State.AVAILABLE


def queue(*depths: int | None, limit: int = 5) -> list[State]:
    """The states while the queue has these depths, one snapshot each; None where ECE failed."""
    rules, memory, states = policy(max_queue_depth=limit), LimitMemory(), []
    for depth in depths:
        live: Outcome = DOWN if depth is None else LiveSessionStatus(0, depth)
        found, memory = evaluate(rules, {**OPEN, Call.LIVE_SESSION_STATUS: live}, memory)
        states.append(found.state)
    return states


A, U, X = State.AVAILABLE, State.UNAVAILABLE, State.UNKNOWN


@pytest.mark.parametrize(
    ("depths", "states"),
    [
        ((5, 6), [A, U]),
        ((6, 5, 5), [U, U, A]),
        ((6, 5, 6, 5, 5), [U, U, U, U, A]),
        ((5, 6, 5, 6, 5, 6), [A, U, U, U, U, U]),
        ((6, 5, None, 5), [U, U, U, A]),
        ((5, None, 5), [A, X, A]),
    ],
)
def test_a_limit_closes_at_once_and_opens_after_two_snapshots_within(
    depths: tuple[int | None, ...], states: list[State]
) -> None:
    assert queue(*depths) == states


@given(st.lists(st.integers(0, 10) | st.none(), max_size=40))
def test_no_flicker_at_a_limit(depths: list[int | None]) -> None:
    states = queue(*depths)
    for n, (depth, state) in enumerate(zip(depths, states, strict=True)):
        if depth is not None and depth > 5:
            assert state is State.UNAVAILABLE
        if state is State.AVAILABLE and n and states[n - 1] is State.UNAVAILABLE:
            within = [each for each in depths[:n] if each is not None][-1:]
            assert all(each <= 5 for each in within), "it opened on the first reading within the limit"


def test_eces_own_no_opens_again_at_once() -> None:
    rules = policy(max_queue_depth=5)
    _, memory = evaluate(rules, {**OPEN, Call.CHAT_ALLOWED: CLOSING[Call.CHAT_ALLOWED][0]}, LimitMemory())
    assert evaluate(rules, OPEN, memory)[0].state is State.AVAILABLE


# From evaluation to decision

AVAILABLE = Evaluation(State.AVAILABLE, None, 180, 2, 4)


def test_an_open_button_has_the_contracts_fields() -> None:
    found = decide(policy(), AVAILABLE, as_of=NOW, now=NOW)
    assert (found.show, found.state, found.reason) == (True, State.AVAILABLE, None)
    assert (found.wait_time, found.queue_depth, found.position, found.capacity) == (180, 2, 3, 4)
    assert (found.opens_at, found.as_of, found.next_check) == (None, NOW, USUAL)


def test_what_the_operator_does_not_show_is_null() -> None:
    found = decide(policy(show_wait=False, show_position=False), AVAILABLE, as_of=NOW, now=NOW)
    assert (found.wait_time, found.queue_depth, found.position) == (None, None, None)


def test_no_number_is_made_up() -> None:
    found = decide(policy(), Evaluation(State.AVAILABLE, None), as_of=NOW, now=NOW)
    assert (found.wait_time, found.queue_depth, found.position, found.capacity) == (None, None, None, None)


@pytest.mark.parametrize(("when", "show"), [("hide", False), ("message", False), ("show", True)])
def test_when_unknown_says_whether_the_button_shows(when: Any, show: bool) -> None:
    found = decide(policy(when_unknown=when), UNREACHABLE, as_of=None, now=NOW)
    assert (found.show, found.state, found.reason) == (show, State.UNKNOWN, Reason.ECE_UNREACHABLE)


def test_a_button_that_is_switched_off_asks_nobody() -> None:
    rules = policy(enabled=False, hours=weekdays((0, 1)))
    found = decide(rules, AVAILABLE, as_of=NOW, now=NOW, next_check=REFRESH_UNDER_WAY)
    assert not asks_ece(rules, NOW)
    assert (found.show, found.reason, found.as_of, found.next_check) == (False, Reason.SWITCHED_OFF, None, RARELY)
    assert (found.wait_time, found.queue_depth, found.capacity, found.opens_at) == (None, None, None, None)


def test_outside_hours_the_next_opening_is_told_and_ece_is_not_asked() -> None:
    rules = policy(hours=weekdays((9 * 60, 17 * 60)))
    found = decide(rules, AVAILABLE, as_of=NOW, now=NOW, next_check=REFRESH_UNDER_WAY)
    assert not asks_ece(rules, NOW)
    assert (found.show, found.state, found.reason) == (False, State.UNAVAILABLE, Reason.OUTSIDE_HOURS)
    assert (found.opens_at, found.as_of, found.wait_time) == (NOW + timedelta(hours=1), None, None)
    assert found.next_check == RARELY


def test_within_hours_eces_word_counts() -> None:
    rules = policy(hours=weekdays((7 * 60, 17 * 60)))
    assert asks_ece(rules, NOW)
    assert decide(rules, AVAILABLE, as_of=NOW, now=NOW).show
    assert decide(rules, UNREACHABLE, as_of=None, now=NOW).reason is Reason.ECE_UNREACHABLE


# The pace


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (AVAILABLE, USUAL),
        (Evaluation(State.AVAILABLE, None, near_limit=True), SOON),
        (Evaluation(State.UNAVAILABLE, Reason.QUEUE_TOO_DEEP, near_limit=True), SOON),
        (Evaluation(State.UNAVAILABLE, Reason.AGENT_NOT_AVAILABLE), USUAL),
        (Evaluation(State.UNAVAILABLE, Reason.ENTRY_POINT_INACTIVE), SELDOM),
        (Evaluation(State.UNAVAILABLE, Reason.INVALID_ENTRY_POINT), SELDOM),
        (UNREACHABLE, USUAL),
    ],
)
def test_the_pace_follows_what_may_change(found: Evaluation, expected: int) -> None:
    assert pace(policy(), found, NOW) == expected


def test_a_refresh_under_way_is_worth_asking_again_soon() -> None:
    assert decide(policy(), AVAILABLE, as_of=NOW, now=NOW, next_check=REFRESH_UNDER_WAY).next_check == 2


@pytest.mark.parametrize(
    ("seconds", "expected"), [(3600, 300), (300, 300), (299, 60), (60, 60), (59, 15), (14, 5), (1, 5)]
)
def test_nobody_sleeps_past_an_opening(seconds: int, expected: int) -> None:
    rules = policy(hours=weekdays((9 * 60, 17 * 60)))
    now = NOW + timedelta(hours=1) - timedelta(seconds=seconds)
    assert decide(rules, AVAILABLE, as_of=None, now=now).next_check == expected


def test_nobody_sleeps_past_a_closing() -> None:
    rules = policy(hours=weekdays((7 * 60, 8 * 60)))
    assert decide(rules, AVAILABLE, as_of=NOW, now=NOW - timedelta(seconds=10)).next_check == SOON


outcomes = st.fixed_dictionaries(
    {
        Call.CHAT_ALLOWED: st.builds(ChatAllowed, st.booleans(), st.none() | st.sampled_from(ECE_REASONS)),
        Call.CHECK_ELIGIBILITY: st.builds(Eligibility, st.none() | st.sampled_from(ECE_REASONS[:2])),
        Call.AGENT_AVAILABILITY: st.builds(AgentAvailability, st.booleans()),
        Call.CAPACITY: st.builds(Capacity, st.integers(0, 2**70)),
        Call.LIVE_SESSION_STATUS: st.builds(LiveSessionStatus, *[st.none() | st.integers(0, 2**70)] * 2),
    }
).map(lambda found: {call: found[call] for call in Call})
policies = st.builds(
    Policy,
    st.just("sales"),
    enabled=st.booleans(),
    checks=st.sets(st.sampled_from(list(Call)), min_size=1).map(frozenset),
    max_wait=st.none() | st.floats(0.001, 1e9),
    max_queue_depth=st.none() | st.integers(0, 2**63 - 1),
    min_capacity=st.none() | st.integers(1, 2**63 - 1),
    show_wait=st.booleans(),
    show_position=st.booleans(),
    when_unknown=st.sampled_from(["hide", "message", "show"]),
    hours=st.none() | st.just(weekdays((9 * 60, 17 * 60))) | st.just(weekdays((0, DAY))),
)


@given(rules=policies, readings=outcomes, failing=st.sets(st.sampled_from(list(Call))), minutes=st.integers(0, DAY))
def test_every_decision_keeps_the_contracts_rules(
    rules: Policy, readings: dict[Call, Outcome], failing: set[Call], minutes: int
) -> None:
    now = NOW + timedelta(minutes=minutes)
    asked = {call: DOWN if call in failing else readings[call] for call in rules.calls}
    for call, outcome in asked.items():
        asked[call] = outcome if isinstance(outcome, EceTimeout) else outcome_of(rules, outcome)  # type: ignore[arg-type]
    found = decide(rules, evaluate(rules, asked, LimitMemory())[0], as_of=NOW, now=now)
    assert (found.reason is None) is (found.state is State.AVAILABLE)
    assert found.show is (
        found.state is State.AVAILABLE or (found.state is State.UNKNOWN and rules.when_unknown == "show")
    )
    assert found.next_check in (5, 15, 60, 300)
    assert (found.opens_at is not None) is (found.reason is Reason.OUTSIDE_HOURS)
    assert found.opens_at is None or found.opens_at > now
    assert found.position == (None if found.queue_depth is None else found.queue_depth + 1)
    if found.state is State.AVAILABLE:
        assert not (failing & rules.checks - {Call.LIVE_SESSION_STATUS}), "a failed check never opens"


@pytest.mark.parametrize("outcome", [EceUnreadable(), EceTimeout(), None])
def test_a_limit_that_closed_before_gives_no_reason_when_nothing_was_read(outcome: Outcome | None) -> None:
    rules, before = policy(max_wait=600), LimitMemory(Reason.WAIT_TOO_LONG, 1)
    outcomes = {} if outcome is None else dict.fromkeys(rules.calls, outcome)
    found, memory = evaluate(rules, outcomes, before)
    assert (found.state, found.reason) == (State.UNKNOWN, Reason.ECE_UNREACHABLE)
    assert memory == before
