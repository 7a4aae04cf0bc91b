"""Snapshots: one set of calls to ECE for any number of visitors, and the truth about how old an answer is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest

from tests.ece_stand_in import CLOSED, EceStandIn
from tests.house import NOON, House
from widget.domain.breaker import Closed, Open
from widget.domain.decision import SOON
from widget.domain.errors import EceBusy, EceError, EceRefused, EceStatus, EceUnreadable
from widget.domain.hours import Hours, OpenRange
from widget.domain.policy import Policy
from widget.domain.readings import Call, Capacity, LiveSessionStatus, Reason
from widget.domain.verdict import State

pytestmark = pytest.mark.anyio


async def test_a_thousand_first_visitors_cause_one_set_of_calls() -> None:
    house = House()
    gate = house.ece.holds()
    visits = [asyncio.create_task(house.state()) for _ in range(1000)]
    await asyncio.sleep(0)
    gate.set()
    assert set(await asyncio.gather(*visits)) == {State.AVAILABLE}
    assert sorted(house.ece.asked) == [(Call.CHAT_ALLOWED, 1001), (Call.LIVE_SESSION_STATUS, 1001)]


async def test_a_fresh_snapshot_is_served_without_asking() -> None:
    house = House()
    await house.visit()
    house.clock.passes(4.9)
    await house.visit()
    assert house.ece.count() == 1


async def test_a_stale_snapshot_is_served_while_one_refresh_runs() -> None:
    house = House()
    await house.visit()
    house.clock.passes(5)
    house.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    gate = house.ece.holds()
    views = [await house.availability.view("sales") for _ in range(50)]
    assert {view.decision.state for view in views} == {State.AVAILABLE}
    assert {view.decision.next_check for view in views} == {2}
    gate.set()
    await house.settle()
    assert house.ece.count() == 2
    assert await house.state() is State.UNAVAILABLE


async def test_nothing_is_asked_when_nobody_visits() -> None:
    house = House()
    house.clock.passes(3600)
    await asyncio.sleep(0)
    assert house.ece.asked == []


async def test_a_failed_refresh_keeps_the_last_good_snapshot_until_it_expires() -> None:
    house = House()
    await house.visit()
    house.ece.fails(EceStatus("500", status=500))
    house.clock.passes(6)
    assert await house.visit() is State.AVAILABLE
    view = await house.availability.view("sales")
    assert view.decision.next_check == 5, "a page need not hurry: the refresh has failed"
    house.clock.passes(53.9)
    assert await house.visit() is State.AVAILABLE
    house.clock.passes(0.1)
    assert await house.visit() is State.UNKNOWN


async def test_an_expired_snapshot_is_waited_for_when_nobody_came_meanwhile() -> None:
    house = House()
    await house.visit()
    house.clock.passes(600)
    house.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    assert await house.state() is State.UNAVAILABLE


async def test_an_expired_snapshot_whose_refresh_failed_is_unknown_at_once() -> None:
    house = House()
    await house.visit()
    house.ece.fails(EceRefused())
    house.clock.passes(6)
    await house.visit()
    house.clock.passes(60)
    house.ece.holds()
    async with asyncio.timeout(0.5):
        assert await house.state() is State.UNKNOWN
    await house.availability.aclose()


async def test_the_first_visitor_waits_no_longer_than_the_timeout() -> None:
    house = House(timeout=0.05)
    house.ece.timeout = 3600
    house.ece.holds()
    async with asyncio.timeout(1):
        assert await house.state() is State.UNKNOWN
    await house.availability.aclose()


async def test_a_visitor_who_leaves_does_not_end_the_refresh_he_started() -> None:
    house = House()
    gate = house.ece.holds()
    visit = asyncio.create_task(house.state())
    await asyncio.sleep(0)
    visit.cancel()
    await asyncio.gather(visit, return_exceptions=True)
    gate.set()
    await house.settle()
    assert await house.state() is State.AVAILABLE
    assert house.ece.count() == 1


async def test_a_failing_ece_is_asked_once_in_fresh_for_however_many_visit() -> None:
    house = House()
    house.ece.fails(EceStatus("500", status=500))
    for _ in range(100):
        await house.visit()
    assert house.ece.count() == 1
    house.clock.passes(5)
    for _ in range(100):
        await house.visit()
    assert house.ece.count() == 2


async def test_the_host_breaker_opens_after_five_failures_and_closes_one_period_and_one_refresh_after_recovery() -> (
    None
):
    house = House()
    house.ece.fails(EceRefused())
    await house.visit()
    while house.source.may_send():
        house.clock.passes(5)
        await house.visit()
    assert len(house.ece.asked) <= 6, "five failures, and the set they came in"
    house.ece.recovers()
    house.clock.passes(5)
    await house.visit()
    assert house.source.host == Closed()
    assert await house.state() is State.AVAILABLE


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("fault", [EceRefused(), EceStatus("500", status=500), EceUnreadable()])
async def test_after_an_outage_of_two_minutes_the_answer_is_right_within_20_seconds(
    chance: float, fault: EceError
) -> None:
    house = House(*(Policy(f"door{at}") for at in range(5)), chance=chance)
    house.ece.fails(fault)
    for _ in range(120):
        for at in range(5):
            await house.visit(f"door{at}")
        house.clock.passes(1)
    house.ece.recovers()
    for _ in range(19):
        for at in range(5):
            await house.visit(f"door{at}")
        house.clock.passes(1)
    assert {await house.state(f"door{at}") for at in range(5)} == {State.AVAILABLE}


async def test_a_click_is_told_with_its_outcome() -> None:
    house = House()
    await house.availability.view_for_click("sales")
    house.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    house.clock.passes(6)
    await house.availability.view_for_click("sales")
    assert [click.show for click in house.notes.clicks] == [True, False]


async def test_what_is_served_now_is_read_without_a_refresh() -> None:
    house = House(replace(Policy("sales"), show_wait=False))
    assert house.availability.served_now("sales")[0] is None, "a visitor would wait for ECE"
    await house.visit()
    house.clock.passes(30)
    decision, verdict = house.availability.served_now("sales")
    assert decision is not None
    assert decision.show
    assert (decision.wait_time, verdict.wait_time) == (None, 180)
    assert house.ece.count() == 1


async def test_names_with_one_id_share_one_set_of_calls_and_each_has_its_own_decision() -> None:
    house = House(Policy("ours"), Policy("strict", max_queue_depth=1), Policy("off", enabled=False), one_id=True)
    gate = house.ece.holds()
    visits = [asyncio.create_task(house.state(name)) for name in ("ours", "strict") for _ in range(100)]
    await asyncio.sleep(0)
    gate.set()
    states = await asyncio.gather(*visits)
    assert (states[0], states[100]) == (State.AVAILABLE, State.UNAVAILABLE)
    assert sorted(house.ece.asked) == [(Call.CHAT_ALLOWED, 1001), (Call.LIVE_SESSION_STATUS, 1001)]
    house.clock.passes(5)
    await house.visit("strict")
    await house.visit("ours")
    assert house.ece.count() == 2


async def test_a_call_that_one_name_alone_needs_hides_that_name_alone_when_it_fails() -> None:
    checks = frozenset({Call.CHAT_ALLOWED, Call.CAPACITY})
    house = House(Policy("ours"), Policy("careful", checks=checks), Policy("quick", max_wait=60), one_id=True)
    house.ece.answers[Call.CAPACITY] = EceStatus("500", status=500)
    house.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=None, queue_depth=3)
    for _ in range(10):
        for name in ("ours", "careful", "quick"):
            await house.visit(name)
        house.clock.passes(5)
    found = {name: (await house.availability.view(name)).decision for name in ("ours", "careful", "quick")}
    assert found["ours"].state is State.AVAILABLE
    assert found["careful"].state is found["quick"].state is State.UNKNOWN
    assert house.source.host == Closed()


async def test_an_open_host_gets_one_probe_a_period_whatever_the_number_of_entry_points() -> None:
    policies = [Policy(f"door{at}") for at in range(20)]
    house = House(*policies)
    house.ece.fails(EceRefused())
    await asyncio.gather(*(house.availability.view(policy.entry_point) for policy in policies))
    await house.settle()
    house.ece.asked.clear()
    house.clock.passes(6)
    for _ in range(3):
        await asyncio.gather(*(house.availability.view(policy.entry_point) for policy in policies))
        await house.settle()
    assert len(house.ece.asked) == 1


async def test_a_mistyped_id_hides_one_button_and_not_the_others() -> None:
    house = House(Policy("good"), Policy("mistyped"))

    class OneBad(EceStandIn):
        async def ask(self, call: Call, entry_point_id: int) -> Any:
            if entry_point_id == 1002:
                self.asked.append((call, entry_point_id))
                raise EceStatus("500", status=500)
            return await super().ask(call, entry_point_id)

    bad = OneBad()
    house.source._source = bad
    for _ in range(12):
        await house.visit("good")
        await house.visit("mistyped")
        house.clock.passes(5)
    assert await house.visit("good") is State.AVAILABLE
    assert house.source.host == Closed()
    assert isinstance(house.source.calls["mistyped", Call.CHAT_ALLOWED], Open)
    asked = sum(1 for _, number in bad.asked if number == 1002)
    assert asked < 12 * 2, "the breaker of its calls holds them back"


@pytest.mark.parametrize("fault", [EceRefused(), EceBusy()])
async def test_a_probe_that_fails_for_another_reason_does_not_hold_up_the_next(fault: EceError) -> None:
    house = House()
    house.ece.fails(EceStatus("500", status=500))
    while not isinstance(house.source.calls.get(("sales", Call.CHAT_ALLOWED)), Open):
        await house.visit()
        house.clock.passes(5)
    house.clock.passes(1)
    house.ece.fails(fault)
    await house.visit()
    house.ece.recovers()
    house.clock.passes(5)
    await house.visit()
    assert await house.state() is State.AVAILABLE
    assert not house.source.calls


async def test_a_check_that_is_the_only_one_is_answered_at_once_when_it_failed() -> None:
    house = House(Policy("sales", checks=frozenset({Call.LIVE_SESSION_STATUS})))
    house.ece.fails(EceStatus("500", status=500))
    assert await house.visit() is State.UNKNOWN
    asked = len(house.ece.asked)
    assert await house.visit() is State.UNKNOWN
    assert len(house.ece.asked) == asked


async def test_a_stale_answer_whose_refresh_may_not_begin_is_not_asked_for_every_two_seconds() -> None:
    house = House(*(Policy(f"door{at}") for at in range(6)))
    await house.visit("door0")
    house.ece.fails(EceRefused())
    for at in range(1, 6):
        await house.visit(f"door{at}")
    assert not house.source.may_send()
    house.clock.passes(5)
    while house.source.may_send():
        await house.visit("door1")
    view = await house.availability.view("door0")
    assert view.decision.state is State.AVAILABLE
    assert view.decision.next_check == SOON


async def test_our_own_connection_limit_speaks_against_nobody() -> None:
    house = House()
    house.ece.fails(EceBusy())
    for _ in range(8):
        await house.visit()
        house.clock.passes(5)
    assert house.source.host == Closed()
    assert not house.source.calls


async def test_live_numbers_without_a_limit_may_fail() -> None:
    house = House()
    house.ece.answers[Call.LIVE_SESSION_STATUS] = EceUnreadable()
    view = await house.availability.view("sales")
    assert view.decision.state is State.AVAILABLE
    assert (view.decision.wait_time, view.decision.position) == (None, None)


async def test_a_number_that_a_limit_needs_makes_the_answer_unknown_when_missing() -> None:
    house = House(replace(Policy("sales"), max_wait=600))
    house.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=None, queue_depth=1)
    assert await house.state() is State.UNKNOWN


async def test_a_definite_no_stands_though_another_check_failed() -> None:
    house = House(Policy("sales", checks=frozenset({Call.CHAT_ALLOWED, Call.CAPACITY})))
    house.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    house.ece.answers[Call.CAPACITY] = EceStatus()
    view = await house.availability.view("sales")
    assert (view.decision.state, view.decision.reason) == (State.UNAVAILABLE, Reason.AGENT_NOT_AVAILABLE)


async def test_a_written_limit_asks_the_call_that_it_needs() -> None:
    house = House(Policy("sales", checks=frozenset({Call.CHAT_ALLOWED}), min_capacity=2, max_queue_depth=5))
    house.ece.answers[Call.CAPACITY] = Capacity(count=1)
    view = await house.availability.view("sales")
    assert view.decision.reason is Reason.NO_CAPACITY
    assert {call for call, _ in house.ece.asked} == {Call.CHAT_ALLOWED, Call.CAPACITY, Call.LIVE_SESSION_STATUS}


async def test_our_own_limit_closes_at_once_and_opens_after_two_snapshots_within_it() -> None:
    house = House(replace(Policy("sales"), max_wait=600))
    seen = []
    for wait in (100, 700, 500, 500, 500):
        house.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=wait, queue_depth=1)
        await house.visit()
        seen.append(await house.state())
        house.clock.passes(5)
    a, u = State.AVAILABLE, State.UNAVAILABLE
    assert seen == [a, u, u, a, a]


@pytest.mark.parametrize("fault", [EceRefused(), EceStatus("500", status=500), EceUnreadable(), EceBusy()])
async def test_a_button_that_an_own_limit_closed_is_unknown_at_once_when_ece_fails_until_the_snapshot_expires(
    fault: EceError,
) -> None:
    house = House(replace(Policy("sales"), max_wait=600))
    house.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=900, queue_depth=1)
    await house.visit()
    assert await house.state() is State.UNAVAILABLE
    house.ece.fails(fault)
    house.clock.passes(6)
    await house.visit()
    assert house.notes.refreshes[-1].found["sales"].failed
    house.clock.passes(60)
    house.ece.holds()
    async with asyncio.timeout(0.5):
        view = await house.availability.view("sales")
    assert view.decision.reason is Reason.ECE_UNREACHABLE
    await house.availability.aclose()


async def test_outside_hours_ece_is_not_asked_and_the_opening_is_told() -> None:
    week = tuple((OpenRange(9 * 60, 17 * 60),) for _ in range(7))
    house = House(Policy("sales", hours=Hours(UTC, week)))
    house.clock.wall = NOON.replace(hour=20)
    view = await house.availability.view("sales")
    assert view.decision.reason is Reason.OUTSIDE_HOURS
    assert view.decision.opens_at == NOON.replace(day=25, hour=9)
    assert view.decision.next_check == 300
    assert house.ece.asked == []


async def test_an_open_answer_stands_no_longer_than_the_hours() -> None:
    week = tuple((OpenRange(9 * 60, 17 * 60),) for _ in range(7))
    house = House(Policy("sales", hours=Hours(UTC, week)))
    house.clock.wall = NOON.replace(hour=16, minute=59, second=58)
    view = await house.availability.view("sales")
    assert view.decision.state is State.AVAILABLE
    assert view.valid_for == 2
    assert view.trusted_for == 2


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(days=1)])
async def test_a_wall_clock_that_jumps_does_not_age_a_snapshot(jump: timedelta) -> None:
    house = House()
    await house.visit()
    house.clock.wall += jump
    await house.visit()
    assert house.ece.count() == 1


async def test_a_click_waits_for_the_refresh_of_a_stale_snapshot() -> None:
    house = House()
    await house.visit()
    house.clock.passes(6)
    house.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    view = await house.availability.view_for_click("sales")
    assert view.decision.state is State.UNAVAILABLE


async def test_a_set_is_as_old_as_its_oldest_reading() -> None:
    house = House()
    answered: Callable[[], None] = lambda: house.clock.passes(1)  # noqa: E731
    house.ece.before_answer = answered
    await house.visit()
    snapshot = house.availability.watches["sales"].snapshot
    assert snapshot is not None
    assert snapshot.taken_at == 1001
    assert snapshot.as_of == NOON + timedelta(seconds=1)


async def test_a_refresh_that_breaks_is_told_and_tried_again_later() -> None:
    house = House()

    class Broken(EceStandIn):
        async def ask(self, call: Call, entry_point_id: int) -> Any:
            self.asked.append((call, entry_point_id))
            raise RuntimeError("a fault of ours")

    house.source._source = Broken()
    assert await house.visit() is State.UNKNOWN
    assert [type(error) for error in house.notes.crashes] == [RuntimeError]
    house.source._source = house.ece
    house.clock.passes(5)
    await house.visit()
    assert await house.state() is State.AVAILABLE


async def test_nothing_runs_on_after_the_close() -> None:
    house = House()
    house.ece.holds()
    visit = asyncio.create_task(house.state())
    await asyncio.sleep(0)
    await house.availability.aclose()
    assert await visit is State.UNKNOWN
    before = len(house.ece.asked)
    assert await house.state() is State.UNKNOWN
    assert len(house.ece.asked) == before
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("refresh")] == []


async def test_a_name_that_is_not_configured_never_reaches_ece() -> None:
    house = House()
    with pytest.raises(KeyError):
        await house.availability.view("1001")
    assert house.ece.asked == []
