"""One line when an outage begins, one when it ends; what visitors are served, when they are served it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.ece_stand_in import CLOSED
from tests.entry_points import EntryPoints
from widget.application.availability_log import AvailabilityLog
from widget.application.refresh import Refreshed, RefreshInput, RefreshResult, Snapshot, Subject
from widget.application.tally import Tally
from widget.domain.errors import EceBusy, EceError, EceRefused, EceStatus, EceTimeout, EceUnreadable
from widget.domain.evaluation import Evaluation, LimitMemory, State
from widget.domain.policy import Policy
from widget.domain.readings import Call, LiveSessionStatus
from widget.telemetry import Metrics

pytestmark = pytest.mark.anyio


class LoggedEntryPoints(EntryPoints):
    """A entry_points whose observer is the real one."""

    def observer(self) -> AvailabilityLog:
        self.metrics, self.tally = Metrics(), Tally(monotonic=self.clock.monotonic)
        self.metrics.add_source(self.tally.samples)
        self.log = AvailabilityLog(self.metrics, self.tally, monotonic=self.clock.monotonic)
        return self.log

    async def visits(self, *names: str, seconds: int) -> None:
        for _ in range(seconds):
            for name in names or ("sales",):
                await self.visit(name)
            self.clock.passes(1)


def events(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def named(lines: io.StringIO, *names: str) -> list[dict[str, Any]]:
    return [event for event in events(lines) if event["event"] in names]


OUTAGES = ("ece_outage_began", "ece_outage_ended", "ece_call_failed", "ece_call_recovered")
BREAKERS = ("breaker_opened", "breaker_closed")


@pytest.mark.parametrize("fault", [EceRefused(), EceTimeout()])
async def test_an_outage_of_the_host_is_one_line_at_its_begin_and_one_at_its_end(
    fault: EceError, log_lines: io.StringIO
) -> None:
    names = [f"entry_point_{at}" for at in range(10)]
    entry_points = LoggedEntryPoints(*map(Policy, names))
    await entry_points.visits(*names, seconds=6)
    entry_points.ece.fails(fault)
    await entry_points.visits(*names, seconds=120)
    entry_points.ece.recovers()
    await entry_points.visits(*names, seconds=20)
    began, ended = named(log_lines, *OUTAGES)
    assert (began["event"], began["code"]) == ("ece_outage_began", fault.code)
    assert ended["event"] == "ece_outage_ended"
    assert 115 <= ended["seconds"] <= 135
    assert [each["event"] for each in named(log_lines, *BREAKERS)] == ["breaker_opened", "breaker_closed"]


@pytest.mark.parametrize("fault", [EceStatus("500", status=500), EceUnreadable()])
async def test_a_call_that_a_breaker_skips_has_not_recovered(fault: EceError, log_lines: io.StringIO) -> None:
    entry_points = LoggedEntryPoints(Policy("sales", checks=frozenset({Call.CHAT_ALLOWED, Call.CAPACITY})))
    entry_points.ece.answers[Call.CAPACITY] = fault
    await entry_points.visits(seconds=120)
    assert [each["event"] for each in named(log_lines, *OUTAGES)] == ["ece_call_failed"]
    entry_points.ece.recovers()
    await entry_points.visits(seconds=20)
    failed, recovered = named(log_lines, *OUTAGES)
    assert (failed["call"], failed["code"]) == ("capacity", fault.code)
    assert recovered["event"] == "ece_call_recovered"
    assert 115 <= recovered["seconds"] <= 140
    moves = [(each["event"], each["entry_point"], each["call"]) for each in named(log_lines, *BREAKERS)]
    assert moves == [("breaker_opened", "sales", "capacity"), ("breaker_closed", "sales", "capacity")]


async def test_one_call_that_times_out_beside_another_that_answers_is_no_outage_of_the_host(
    log_lines: io.StringIO,
) -> None:
    entry_points = LoggedEntryPoints()
    entry_points.ece.answers[Call.LIVE_SESSION_STATUS] = EceTimeout()
    await entry_points.visits(seconds=60)
    entry_points.ece.recovers()
    await entry_points.visits(seconds=10)
    assert [each["event"] for each in named(log_lines, *OUTAGES)] == ["ece_call_failed", "ece_call_recovered"]


async def test_our_own_connection_limit_is_no_outage(log_lines: io.StringIO) -> None:
    entry_points = LoggedEntryPoints()
    entry_points.ece.fails(EceBusy())
    await entry_points.visits(seconds=30)
    assert named(log_lines, *OUTAGES, *BREAKERS) == []


async def test_an_outage_ends_when_another_process_of_the_fleet_was_answered(log_lines: io.StringIO) -> None:
    entry_points = LoggedEntryPoints()
    entry_points.ece.fails(EceRefused())
    await entry_points.visits(seconds=10)
    snapshot = Snapshot(Evaluation(State.AVAILABLE, None), entry_points.clock.monotonic(), entry_points.clock.now())
    subject = Subject("sales", 1001, {"sales": RefreshInput(Policy("sales"), LimitMemory(), None)})
    entry_points.log.refreshed(subject, Refreshed({"sales": RefreshResult(snapshot, LimitMemory(), failed=True)}))
    assert [each["event"] for each in named(log_lines, *OUTAGES)] == ["ece_outage_began"], "an older evaluation"
    entry_points.log.refreshed(subject, Refreshed({"sales": RefreshResult(snapshot, LimitMemory(), failed=False)}))
    assert [each["event"] for each in named(log_lines, *OUTAGES)] == ["ece_outage_began", "ece_outage_ended"]


async def test_a_decision_is_logged_when_visitors_are_served_it(log_lines: io.StringIO) -> None:
    entry_points = LoggedEntryPoints()
    await entry_points.visits(seconds=3)
    entry_points.ece.fails(EceRefused())
    await entry_points.visits(seconds=50)
    assert [each["state"] for each in named(log_lines, "decision_changed")] == ["available"]
    await entry_points.visits(seconds=20)
    shown, hidden = named(log_lines, "decision_changed")
    assert (shown["show"], hidden["show"]) == (True, False)
    assert (hidden["state"], hidden["reason"]) == ("unknown", "ece_unreachable")


async def test_a_decision_by_a_limit_is_logged_with_the_number_and_the_limit(log_lines: io.StringIO) -> None:
    entry_points = LoggedEntryPoints(replace(Policy("sales"), max_wait=600, show_wait=False))
    entry_points.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=900, queue_depth=1)
    await entry_points.visits(seconds=2)
    (event,) = named(log_lines, "decision_changed")
    assert (event["reason"], event["wait_time"], event["max_wait"]) == ("wait_too_long", 900, 600)


async def test_clicks_are_counted_with_their_outcome() -> None:
    entry_points = LoggedEntryPoints()
    for _ in range(3):
        await entry_points.availability.view_for_click("sales")
    entry_points.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    entry_points.clock.passes(6)
    await entry_points.availability.view_for_click("sales")
    text = (await entry_points.metrics.render()).decode()
    assert 'ece_widget_clicks_total{entry_point="sales",outcome="opened"} 3.0' in text
    assert 'ece_widget_clicks_total{entry_point="sales",outcome="agent_not_available"} 1.0' in text
