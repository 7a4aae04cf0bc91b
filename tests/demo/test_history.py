"""The demo's history: two weeks, the same for the same day, and believable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.demo_settings import demo_in
from widget.application.clock import Clock
from widget.application.history import History
from widget.demo.history import CLOSED_BY_HAND, DAYS, DESKS, history, seed
from widget.domain.evaluation import State
from widget.domain.history import Span, start_of
from widget.domain.readings import Reason
from widget.domain.switches import Act
from widget.store.history import HistoryStore

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 25, 15, 12, tzinfo=UTC)  # a Wednesday
BEGINNING = datetime(2026, 11, 11, tzinfo=UTC)


def test_every_entry_point_of_the_demo_has_a_past_and_no_other(tmp_path: Path) -> None:
    assert set(demo_in(tmp_path).entry_points) == set(DESKS)


def test_the_same_day_has_the_same_past_and_spans_that_agree() -> None:
    rows, changes = history(NOW)
    assert (rows, changes) == history(NOW)
    totals = {span: sum(each.counts.opened for which, each in rows if which is span) for span in Span}
    assert len(set(totals.values())) == 1
    assert totals[Span.DAY] > 1000
    for span, bucket in rows:
        assert start_of(span, bucket.start, UTC) == bucket.start
        assert BEGINNING <= bucket.start < NOW


def test_surveys_follow_chats_and_chats_follow_clicks() -> None:
    rows, _ = history(NOW)
    for span, bucket in rows:
        if span is Span.FIVE_MINUTES:
            counts = bucket.counts
            chain = (counts.opened, *(counts.numbers.get(("tickets", name), 0) for name in ("issued", "taken_up")))
            chain += tuple(counts.numbers.get(("surveys", name), 0) for name in ("begun", "sent", "delivered"))
            assert all(earlier >= later for earlier, later in pairwise(chain)), bucket


async def test_the_seeded_history_is_read_as_any_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/demo.db"
    await seed(url, now=NOW)
    store = HistoryStore(url)
    history = History(store, dict.fromkeys(DESKS, UTC), kept=True, clock=Clock(now=lambda: NOW))
    changes = await history.changes(since=BEGINNING, until=NOW, limit=None)
    reasons = {each.reason for each in changes}
    assert {Reason.AGENT_NOT_AVAILABLE, Reason.QUEUE_DEPTH_REACHED, Reason.ECE_UNREACHABLE, None} <= reasons
    assert all(BEGINNING <= each.at < NOW for each in changes)
    (closed,) = [each for each in changes if each.reason is Reason.SWITCHED_OFF]
    assert closed.entry_point == CLOSED_BY_HAND
    reopened, shut = await store.log(BEGINNING, NOW)
    assert (shut.act, shut.at, reopened.act) == (Act.CLOSE, closed.at, Act.REOPEN)
    week = await history.week("sales", (NOW - timedelta(days=9)).date())
    states = {cell.state for day in week.hours for cell in day if cell}
    assert states == {State.AVAILABLE, State.UNAVAILABLE}
    assert {each.weekday for each in await history.in_vain(since=BEGINNING, until=NOW)} == set(range(7))
    days = await history.totals(since=BEGINNING, until=NOW, entry_points=["sales"], by="day")
    assert len(days) == DAYS + 1
    assert await history.processes() == (), "nobody is there who wrote this"
    await store.close()
