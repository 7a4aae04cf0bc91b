"""Snapshots: one set of calls to ECE for any number of visitors, and the truth about how old an answer is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest

from tests.ece_stand_in import CLOSED, EceStandIn
from tests.entry_points import EntryPoints, Notes, WatchedEntryPoints
from tests.hand_clock import NOON, HandClock
from widget.application.breakers import Permit
from widget.application.refresh import Refreshed, RefreshResult, Subject
from widget.application.refreshes import KnownEntryPoint
from widget.domain.breaker import Closed, Open
from widget.domain.decision import SOON
from widget.domain.errors import EceBusy, EceError, EceRefused, EceStatus, EceUnreadable
from widget.domain.evaluation import State
from widget.domain.hours import Hours, OpenRange
from widget.domain.policy import Policy
from widget.domain.readings import Call, Capacity, LiveSessionStatus, Reason

pytestmark = pytest.mark.anyio


async def test_a_thousand_first_visitors_cause_one_set_of_calls() -> None:
    entry_points = EntryPoints()
    gate = entry_points.ece.holds()
    visits = [asyncio.create_task(entry_points.state()) for _ in range(1000)]
    await asyncio.sleep(0)
    gate.set()
    assert set(await asyncio.gather(*visits)) == {State.AVAILABLE}
    assert sorted(entry_points.ece.asked) == [(Call.CHAT_ALLOWED, 1001), (Call.LIVE_SESSION_STATUS, 1001)]


async def test_a_fresh_snapshot_is_served_without_asking() -> None:
    entry_points = EntryPoints()
    await entry_points.visit()
    entry_points.clock.passes(4.9)
    await entry_points.visit()
    assert entry_points.ece.count() == 1


async def test_a_stale_snapshot_is_served_while_one_refresh_runs() -> None:
    entry_points = EntryPoints()
    await entry_points.visit()
    entry_points.clock.passes(5)
    entry_points.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    gate = entry_points.ece.holds()
    views = [await entry_points.availability.view("sales") for _ in range(50)]
    assert {view.decision.state for view in views} == {State.AVAILABLE}
    assert {view.decision.next_check for view in views} == {2}
    gate.set()
    await entry_points.settle()
    assert entry_points.ece.count() == 2
    assert await entry_points.state() is State.UNAVAILABLE


async def test_nothing_is_asked_when_nobody_visits() -> None:
    entry_points = EntryPoints()
    entry_points.clock.passes(3600)
    await asyncio.sleep(0)
    assert entry_points.ece.asked == []


async def test_a_failed_refresh_keeps_the_last_good_snapshot_until_it_expires() -> None:
    entry_points = EntryPoints()
    await entry_points.visit()
    entry_points.ece.fails(EceStatus("500", status=500))
    entry_points.clock.passes(6)
    assert await entry_points.visit() is State.AVAILABLE
    view = await entry_points.availability.view("sales")
    assert view.decision.next_check == 5, "a page need not hurry: the refresh has failed"
    entry_points.clock.passes(53.9)
    assert await entry_points.visit() is State.AVAILABLE
    entry_points.clock.passes(0.1)
    assert await entry_points.visit() is State.UNKNOWN


async def test_an_expired_snapshot_is_waited_for_when_nobody_came_meanwhile() -> None:
    entry_points = EntryPoints()
    await entry_points.visit()
    entry_points.clock.passes(600)
    entry_points.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    assert await entry_points.state() is State.UNAVAILABLE


async def test_an_expired_snapshot_whose_refresh_failed_is_unknown_at_once() -> None:
    entry_points = EntryPoints(timeout=60)
    await entry_points.visit()
    entry_points.ece.fails(EceRefused())
    entry_points.clock.passes(6)
    await entry_points.visit()
    entry_points.clock.passes(60)
    entry_points.ece.holds()
    async with asyncio.timeout(30):
        assert await entry_points.state() is State.UNKNOWN
    await entry_points.availability.aclose()


async def test_the_first_visitor_waits_no_longer_than_the_timeout() -> None:
    entry_points = EntryPoints(timeout=0.05)
    entry_points.ece.timeout = 3600
    entry_points.ece.holds()
    async with asyncio.timeout(30):
        assert await entry_points.state() is State.UNKNOWN
    await entry_points.availability.aclose()


async def test_a_visitor_who_leaves_does_not_end_the_refresh_he_started() -> None:
    entry_points = EntryPoints()
    gate = entry_points.ece.holds()
    visit = asyncio.create_task(entry_points.state())
    await asyncio.sleep(0)
    visit.cancel()
    await asyncio.gather(visit, return_exceptions=True)
    gate.set()
    await entry_points.settle()
    assert await entry_points.state() is State.AVAILABLE
    assert entry_points.ece.count() == 1


async def test_a_failing_ece_is_asked_once_in_fresh_for_however_many_visit() -> None:
    entry_points = EntryPoints()
    entry_points.ece.fails(EceStatus("500", status=500))
    for _ in range(100):
        await entry_points.visit()
    assert entry_points.ece.count() == 1
    entry_points.clock.passes(5)
    for _ in range(100):
        await entry_points.visit()
    assert entry_points.ece.count() == 2


async def test_the_host_breaker_opens_after_five_failures_and_closes_one_period_and_one_refresh_after_recovery() -> (
    None
):
    entry_points = EntryPoints()
    entry_points.ece.fails(EceRefused())
    await entry_points.visit()
    while entry_points.source.may_send():
        entry_points.clock.passes(5)
        await entry_points.visit()
    assert len(entry_points.ece.asked) <= 6, "five failures, and the set they came in"
    entry_points.ece.recovers()
    entry_points.clock.passes(5)
    await entry_points.visit()
    assert entry_points.source.host == Closed()
    assert await entry_points.state() is State.AVAILABLE


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("fault", [EceRefused(), EceStatus("500", status=500), EceUnreadable()])
async def test_after_an_outage_of_two_minutes_the_answer_is_right_within_20_seconds(
    chance: float, fault: EceError
) -> None:
    entry_points = EntryPoints(*(Policy(f"entry_point_{at}") for at in range(5)), chance=chance)
    entry_points.ece.fails(fault)
    for _ in range(120):
        for at in range(5):
            await entry_points.visit(f"entry_point_{at}")
        entry_points.clock.passes(1)
    entry_points.ece.recovers()
    for _ in range(19):
        for at in range(5):
            await entry_points.visit(f"entry_point_{at}")
        entry_points.clock.passes(1)
    assert {await entry_points.state(f"entry_point_{at}") for at in range(5)} == {State.AVAILABLE}


async def test_a_click_is_told_with_its_outcome() -> None:
    entry_points = EntryPoints()
    await entry_points.availability.view_for_click("sales")
    entry_points.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    entry_points.clock.passes(6)
    await entry_points.availability.view_for_click("sales")
    assert [click.show for click in entry_points.notes.clicks] == [True, False]


async def test_what_is_served_now_is_read_without_a_refresh() -> None:
    entry_points = EntryPoints(replace(Policy("sales"), show_wait=False))
    assert entry_points.availability.served_now("sales")[0] is None, "a visitor would wait for ECE"
    await entry_points.visit()
    entry_points.clock.passes(30)
    decision, evaluation = entry_points.availability.served_now("sales")
    assert decision is not None
    assert decision.show
    assert (decision.wait_time, evaluation.wait_time) == (None, 180)
    assert entry_points.ece.count() == 1


async def test_names_with_one_id_share_one_set_of_calls_and_each_has_its_own_decision() -> None:
    entry_points = EntryPoints(
        Policy("ours"), Policy("strict", max_queue_depth=1), Policy("off", enabled=False), one_id=True
    )
    gate = entry_points.ece.holds()
    visits = [asyncio.create_task(entry_points.state(name)) for name in ("ours", "strict") for _ in range(100)]
    await asyncio.sleep(0)
    gate.set()
    states = await asyncio.gather(*visits)
    assert (states[0], states[100]) == (State.AVAILABLE, State.UNAVAILABLE)
    assert sorted(entry_points.ece.asked) == [(Call.CHAT_ALLOWED, 1001), (Call.LIVE_SESSION_STATUS, 1001)]
    entry_points.clock.passes(5)
    await entry_points.visit("strict")
    await entry_points.visit("ours")
    assert entry_points.ece.count() == 2


async def test_a_call_that_one_name_alone_needs_hides_that_name_alone_when_it_fails() -> None:
    checks = frozenset({Call.CHAT_ALLOWED, Call.CAPACITY})
    entry_points = EntryPoints(
        Policy("ours"), Policy("careful", checks=checks), Policy("quick", max_wait=60), one_id=True
    )
    entry_points.ece.answers[Call.CAPACITY] = EceStatus("500", status=500)
    entry_points.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=None, queue_depth=3)
    for _ in range(10):
        for name in ("ours", "careful", "quick"):
            await entry_points.visit(name)
        entry_points.clock.passes(5)
    found = {name: (await entry_points.availability.view(name)).decision for name in ("ours", "careful", "quick")}
    assert found["ours"].state is State.AVAILABLE
    assert found["careful"].state is found["quick"].state is State.UNKNOWN
    assert entry_points.source.host == Closed()


async def test_an_open_host_gets_one_probe_a_period_whatever_the_number_of_entry_points() -> None:
    policies = [Policy(f"entry_point_{at}") for at in range(20)]
    entry_points = EntryPoints(*policies)
    entry_points.ece.fails(EceRefused())
    await asyncio.gather(*(entry_points.availability.view(policy.entry_point) for policy in policies))
    await entry_points.settle()
    entry_points.ece.asked.clear()
    entry_points.clock.passes(6)
    for _ in range(3):
        await asyncio.gather(*(entry_points.availability.view(policy.entry_point) for policy in policies))
        await entry_points.settle()
    assert len(entry_points.ece.asked) == 1


async def test_a_mistyped_id_hides_one_button_and_not_the_others() -> None:
    entry_points = EntryPoints(Policy("good"), Policy("mistyped"))

    class OneBad(EceStandIn):
        async def ask(self, call: Call, entry_point_id: int) -> Any:
            if entry_point_id == 1002:
                self.asked.append((call, entry_point_id))
                raise EceStatus("500", status=500)
            return await super().ask(call, entry_point_id)

    bad = OneBad()
    entry_points.source._source = bad
    for _ in range(12):
        await entry_points.visit("good")
        await entry_points.visit("mistyped")
        entry_points.clock.passes(5)
    assert await entry_points.visit("good") is State.AVAILABLE
    assert entry_points.source.host == Closed()
    assert isinstance(entry_points.source.calls["mistyped", Call.CHAT_ALLOWED], Open)
    asked = sum(1 for _, number in bad.asked if number == 1002)
    assert asked < 12 * 2, "the breaker of its calls holds them back"


@pytest.mark.parametrize("fault", [EceRefused(), EceBusy()])
async def test_a_probe_that_fails_for_another_reason_does_not_hold_up_the_next(fault: EceError) -> None:
    entry_points = EntryPoints()
    entry_points.ece.fails(EceStatus("500", status=500))
    while not isinstance(entry_points.source.calls.get(("sales", Call.CHAT_ALLOWED)), Open):
        await entry_points.visit()
        entry_points.clock.passes(5)
    entry_points.clock.passes(1)
    entry_points.ece.fails(fault)
    await entry_points.visit()
    entry_points.ece.recovers()
    entry_points.clock.passes(5)
    await entry_points.visit()
    assert await entry_points.state() is State.AVAILABLE
    assert not entry_points.source.calls


async def test_a_check_that_is_the_only_one_is_answered_at_once_when_it_failed() -> None:
    entry_points = EntryPoints(Policy("sales", checks=frozenset({Call.LIVE_SESSION_STATUS})))
    entry_points.ece.fails(EceStatus("500", status=500))
    assert await entry_points.visit() is State.UNKNOWN
    asked = len(entry_points.ece.asked)
    assert await entry_points.visit() is State.UNKNOWN
    assert len(entry_points.ece.asked) == asked


async def test_a_stale_answer_whose_refresh_may_not_begin_is_not_asked_for_every_two_seconds() -> None:
    entry_points = EntryPoints(*(Policy(f"entry_point_{at}") for at in range(6)))
    await entry_points.visit("entry_point_0")
    entry_points.ece.fails(EceRefused())
    for at in range(1, 6):
        await entry_points.visit(f"entry_point_{at}")
    assert not entry_points.source.may_send()
    entry_points.clock.passes(5)
    while entry_points.source.may_send():
        await entry_points.visit("entry_point_1")
    view = await entry_points.availability.view("entry_point_0")
    assert view.decision.state is State.AVAILABLE
    assert view.decision.next_check == SOON


async def test_our_own_connection_limit_speaks_against_nobody() -> None:
    entry_points = EntryPoints()
    entry_points.ece.fails(EceBusy())
    for _ in range(8):
        await entry_points.visit()
        entry_points.clock.passes(5)
    assert entry_points.source.host == Closed()
    assert not entry_points.source.calls


async def test_live_numbers_without_a_limit_may_fail() -> None:
    entry_points = EntryPoints()
    entry_points.ece.answers[Call.LIVE_SESSION_STATUS] = EceUnreadable()
    view = await entry_points.availability.view("sales")
    assert view.decision.state is State.AVAILABLE
    assert (view.decision.wait_time, view.decision.position) == (None, None)


async def test_a_number_that_a_limit_needs_makes_the_answer_unknown_when_missing() -> None:
    entry_points = EntryPoints(replace(Policy("sales"), max_wait=600))
    entry_points.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=None, queue_depth=1)
    assert await entry_points.state() is State.UNKNOWN


async def test_a_definite_no_stands_though_another_check_failed() -> None:
    entry_points = EntryPoints(Policy("sales", checks=frozenset({Call.CHAT_ALLOWED, Call.CAPACITY})))
    entry_points.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    entry_points.ece.answers[Call.CAPACITY] = EceStatus()
    view = await entry_points.availability.view("sales")
    assert (view.decision.state, view.decision.reason) == (State.UNAVAILABLE, Reason.AGENT_NOT_AVAILABLE)


async def test_a_written_limit_asks_the_call_that_it_needs() -> None:
    entry_points = EntryPoints(
        Policy("sales", checks=frozenset({Call.CHAT_ALLOWED}), min_capacity=2, max_queue_depth=5)
    )
    entry_points.ece.answers[Call.CAPACITY] = Capacity(count=1)
    view = await entry_points.availability.view("sales")
    assert view.decision.reason is Reason.NO_CAPACITY
    assert {call for call, _ in entry_points.ece.asked} == {Call.CHAT_ALLOWED, Call.CAPACITY, Call.LIVE_SESSION_STATUS}


async def test_our_own_limit_closes_at_once_and_opens_after_two_snapshots_within_it() -> None:
    entry_points = EntryPoints(replace(Policy("sales"), max_wait=600))
    seen = []
    for wait in (100, 700, 500, 500, 500):
        entry_points.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=wait, queue_depth=1)
        await entry_points.visit()
        seen.append(await entry_points.state())
        entry_points.clock.passes(5)
    a, u = State.AVAILABLE, State.UNAVAILABLE
    assert seen == [a, u, u, a, a]


@pytest.mark.parametrize("fault", [EceRefused(), EceStatus("500", status=500), EceUnreadable(), EceBusy()])
async def test_a_button_that_an_own_limit_closed_is_unknown_at_once_when_ece_fails_until_the_snapshot_expires(
    fault: EceError,
) -> None:
    entry_points = EntryPoints(replace(Policy("sales"), max_wait=600), timeout=60)
    entry_points.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=900, queue_depth=1)
    await entry_points.visit()
    assert await entry_points.state() is State.UNAVAILABLE
    entry_points.ece.fails(fault)
    entry_points.clock.passes(6)
    await entry_points.visit()
    assert entry_points.notes.refreshes[-1].results["sales"].failed
    entry_points.clock.passes(60)
    entry_points.ece.holds()
    async with asyncio.timeout(30):
        view = await entry_points.availability.view("sales")
    assert view.decision.reason is Reason.ECE_UNREACHABLE
    await entry_points.availability.aclose()


class BringsNothing:
    """A refresher whose first refresh brings nothing, and does not say that it failed; its second one hangs."""

    def __init__(self) -> None:
        self._asked = False

    async def refresh(self, subject: Subject, permit: Permit) -> Refreshed:
        if self._asked:
            await asyncio.Event().wait()
        self._asked = True
        return Refreshed(
            {name: RefreshResult(None, each.memory, failed=False) for name, each in subject.inputs.items()}
        )


async def test_nobody_waits_behind_a_refresh_that_brought_nothing_though_it_did_not_fail() -> None:
    refresher = BringsNothing()
    entry_points = WatchedEntryPoints(
        EceStandIn(),
        {"sales": KnownEntryPoint(1001, Policy("sales"))},
        clock=HandClock(NOON).clock,
        observer=Notes(),
        refresher=lambda _: refresher,
        timeout=60,
    )
    await entry_points.state()
    async with asyncio.timeout(30):
        assert await entry_points.state() is State.UNKNOWN
    await entry_points.availability.aclose()


async def test_outside_hours_ece_is_not_asked_and_the_opening_is_told() -> None:
    week = tuple((OpenRange(9 * 60, 17 * 60),) for _ in range(7))
    entry_points = EntryPoints(Policy("sales", hours=Hours(UTC, week)))
    entry_points.clock.wall = NOON.replace(hour=20)
    view = await entry_points.availability.view("sales")
    assert view.decision.reason is Reason.OUTSIDE_HOURS
    assert view.decision.opens_at == NOON.replace(day=25, hour=9)
    assert view.decision.next_check == 300
    assert entry_points.ece.asked == []


async def test_an_open_answer_stands_no_longer_than_the_hours() -> None:
    week = tuple((OpenRange(9 * 60, 17 * 60),) for _ in range(7))
    entry_points = EntryPoints(Policy("sales", hours=Hours(UTC, week)))
    entry_points.clock.wall = NOON.replace(hour=16, minute=59, second=58)
    view = await entry_points.availability.view("sales")
    assert view.decision.state is State.AVAILABLE
    assert view.valid_for == 2
    assert view.trusted_for == 2


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(days=1)])
async def test_a_wall_clock_that_jumps_does_not_age_a_snapshot(jump: timedelta) -> None:
    entry_points = EntryPoints()
    await entry_points.visit()
    entry_points.clock.wall += jump
    await entry_points.visit()
    assert entry_points.ece.count() == 1


async def test_a_click_waits_for_the_refresh_of_a_stale_snapshot() -> None:
    entry_points = EntryPoints()
    await entry_points.visit()
    entry_points.clock.passes(6)
    entry_points.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    view = await entry_points.availability.view_for_click("sales")
    assert view.decision.state is State.UNAVAILABLE


async def test_a_set_is_as_old_as_its_oldest_reading() -> None:
    entry_points = EntryPoints()
    answered: Callable[[], None] = lambda: entry_points.clock.passes(1)  # noqa: E731
    entry_points.ece.before_answer = answered
    await entry_points.visit()
    snapshot = entry_points.availability.known["sales"].snapshot
    assert snapshot is not None
    assert snapshot.taken_at == 1001
    assert snapshot.as_of == NOON + timedelta(seconds=1)


async def test_a_refresh_that_breaks_is_told_and_tried_again_later() -> None:
    entry_points = EntryPoints()

    class Broken(EceStandIn):
        async def ask(self, call: Call, entry_point_id: int) -> Any:
            self.asked.append((call, entry_point_id))
            raise RuntimeError("a fault of ours")

    entry_points.source._source = Broken()
    assert await entry_points.visit() is State.UNKNOWN
    assert [type(error) for error in entry_points.notes.crashes] == [RuntimeError]
    entry_points.source._source = entry_points.ece
    entry_points.clock.passes(5)
    await entry_points.visit()
    assert await entry_points.state() is State.AVAILABLE


async def test_nothing_runs_on_after_the_close() -> None:
    entry_points = EntryPoints()
    entry_points.ece.holds()
    visit = asyncio.create_task(entry_points.state())
    await asyncio.sleep(0)
    await entry_points.availability.aclose()
    assert await visit is State.UNKNOWN
    before = len(entry_points.ece.asked)
    assert await entry_points.state() is State.UNKNOWN
    assert len(entry_points.ece.asked) == before
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("refresh")] == []


async def test_a_name_that_is_not_configured_never_reaches_ece() -> None:
    entry_points = EntryPoints()
    with pytest.raises(KeyError):
        await entry_points.availability.view("1001")
    assert entry_points.ece.asked == []
