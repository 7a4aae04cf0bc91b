"""Which other ways are offered: for a reason, within their hours, and never one that is closed itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget.domain.decision import RARELY, Decision, Response, could_offer, decide, offer, seconds_until_change
from widget.domain.evaluation import UNREACHABLE, Evaluation, State
from widget.domain.hours import Hours, OpenRange
from widget.domain.instead import Kind, Way, fitting, offered, spoken, tel
from widget.domain.policy import Policy
from widget.domain.readings import Call, Reason

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)  # a Tuesday
AT_TEN = Hours(UTC, week=((OpenRange(600, 720),),) * 7)
PHONE, CALLBACK = Way(Kind.PHONE, "+49 30 1234567"), Way(Kind.ENTRY_POINT, "callback")
BUSY = Evaluation(State.UNAVAILABLE, Reason.QUEUE_TOO_DEEP)


def decided(policy: Policy, evaluation: Evaluation = BUSY, now: datetime = NOW) -> Decision:
    return decide(policy, evaluation, as_of=now, now=now)


def test_a_way_with_reasons_is_offered_for_these_alone() -> None:
    late = replace(PHONE, reasons=frozenset({Reason.OUTSIDE_HOURS, Reason.SWITCHED_OFF}))
    found = {reason for reason in Reason if fitting([late], reason, NOW)}
    assert found == {Reason.OUTSIDE_HOURS, Reason.SWITCHED_OFF}
    assert all(fitting([PHONE], reason, NOW) for reason in Reason), "without reasons: for every one"


def test_a_way_with_hours_is_offered_within_them_alone() -> None:
    way = replace(PHONE, hours=AT_TEN)
    times = [NOW + timedelta(hours=hours) for hours in range(6)]
    assert [bool(fitting([way], Reason.OTHER, now)) for now in times] == [False, False, True, True, False, False]


@given(st.lists(st.sampled_from([PHONE, CALLBACK, replace(PHONE, hours=AT_TEN), Way(Kind.MESSAGE)]), max_size=10))
def test_nothing_closed_is_offered_and_the_order_stays(ways: list[Way]) -> None:
    found = offered(ways, Reason.OTHER, NOW, is_open=lambda _: False)
    assert [each for each in ways if each in (PHONE, Way(Kind.MESSAGE))] == list(found)


def test_a_decision_offers_nothing_while_the_button_is_drawn() -> None:
    policy = Policy("sales", when_unknown="show", instead=(PHONE, CALLBACK))
    for evaluation in (Evaluation(State.AVAILABLE, None), UNREACHABLE):
        decision = decided(policy, evaluation)
        assert decision.show
        assert could_offer(policy, decision, NOW) == ()
        assert offer(policy, decision, {}, NOW).instead == ()


def test_an_entry_point_is_offered_while_it_is_open_and_the_page_asks_as_soon_as_for_it() -> None:
    policy = Policy("sales", enabled=False, instead=(CALLBACK, PHONE))
    closed = decided(policy)
    assert closed.next_check == RARELY
    assert could_offer(policy, closed, NOW) == ("callback",)
    other = Policy("callback")
    is_open = offer(policy, closed, {"callback": decided(other, Evaluation(State.AVAILABLE, None))}, NOW)
    assert (is_open.instead, is_open.next_check) == ((CALLBACK, PHONE), 15)
    for evaluation in (BUSY, UNREACHABLE):
        assert offer(policy, closed, {"callback": decided(other, evaluation)}, NOW).instead == (PHONE,)


def test_the_hours_of_a_way_are_a_change_that_the_page_asks_for() -> None:
    policy = Policy("sales", enabled=False, instead=(replace(PHONE, hours=AT_TEN),))
    just_before = NOW.replace(hour=9, minute=59, second=30)
    assert seconds_until_change(policy, just_before) == 30
    assert decided(policy, now=just_before).next_check == 15
    assert seconds_until_change(Policy("sales", enabled=False, instead=(PHONE,)), NOW) == float("inf")


@pytest.mark.parametrize("reason", Reason)
def test_the_response_says_busy_for_full_queues_and_error_for_unknown(reason: Reason) -> None:
    busy = {Reason.QUEUE_DEPTH_REACHED, Reason.QUEUE_TOO_DEEP, Reason.WAIT_TOO_LONG, Reason.NO_CAPACITY}
    found = decided(Policy("sales"), Evaluation(State.UNAVAILABLE, reason)).response
    assert found is (Response.BUSY if reason in busy else Response.UNAVAILABLE)
    assert decided(Policy("sales"), UNREACHABLE).response is Response.ERROR
    assert decided(Policy("sales"), Evaluation(State.AVAILABLE, None)).response is Response.AVAILABLE


def test_a_number_is_dialled_without_its_marks_and_spoken_digit_by_digit() -> None:
    assert tel("+49 (30) 123-45.67") == "tel:+49301234567"
    assert spoken("+49 (30) 123-4567") == "+ 4 9, 3 0, 1 2 3, 4 5 6 7"
    assert tel("0800 330 000") == "tel:0800330000"


@pytest.mark.parametrize(
    ("up_to", "wait", "greets"),
    [(float("inf"), 9_000, True), (float("inf"), None, True), (120, 120, True), (120, 121, False), (120, None, False)],
)
def test_visitors_are_greeted_while_the_wait_is_short_enough(up_to: float, wait: int | None, greets: bool) -> None:
    policy = Policy("sales", greets_up_to=up_to, show_wait=False)
    assert decided(policy, Evaluation(State.AVAILABLE, None, wait_time=wait)).greets is greets
    assert not decided(policy, replace(BUSY, wait_time=0)).greets
    assert not decided(replace(policy, when_unknown="show"), UNREACHABLE).greets
    assert not decided(Policy("sales"), Evaluation(State.AVAILABLE, None, wait_time=0)).greets


def test_a_greeting_with_a_limit_has_ece_asked_for_the_wait_without_needing_it() -> None:
    only_allowed = frozenset({Call.CHAT_ALLOWED})
    policy = Policy("sales", checks=only_allowed, greets_up_to=120)
    assert policy.calls == (Call.CHAT_ALLOWED, Call.LIVE_SESSION_STATUS)
    assert not policy.needs(Call.LIVE_SESSION_STATUS)
    assert Policy("sales", checks=only_allowed, greets_up_to=float("inf")).calls == (Call.CHAT_ALLOWED,)
