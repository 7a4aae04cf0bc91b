"""The history and the switches on both databases: batches that count once, reads, and what is deleted by age."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.databases import Cluster
from tests.hand_clock import NOON, HandClock
from tests.store.test_schema import engine
from widget.application.clock import Clock
from widget.application.history import History
from widget.domain.counted import AVAILABLE
from widget.domain.errors import OutboxUnavailable
from widget.domain.evaluation import State
from widget.domain.history import (
    FIVE_MINUTES,
    Batch,
    Bucket,
    Change,
    Counts,
    Process,
    Span,
    Spread,
    start_of,
)
from widget.domain.hours import read_range
from widget.domain.readings import Reason
from widget.domain.survey import Translations
from widget.domain.switches import Act, Entry, in_force
from widget.store.history import HistoryStore
from widget.store.outbox import Outbox, open_outbox

pytestmark = pytest.mark.anyio

LATER = NOON + timedelta(days=400)


@pytest.fixture
async def store(url: str, outbox: Outbox) -> AsyncIterator[HistoryStore]:
    """The outbox makes the schema."""
    store = HistoryStore(url)
    yield store
    await store.close()


def process(name: str = "one", seen: datetime = NOON) -> Process:
    return Process(name, "serve", "host", 1, "1.0", NOON, seen)


def counted(at: datetime = NOON, *, clicks: int = 1, wait: int = 60, name: str = "sales") -> list[tuple[Span, Bucket]]:
    def counts() -> Counts:
        return Counts({("clicks", "opened"): clicks, ("answers", AVAILABLE): 10}, Spread(1, wait, wait, wait))

    return [(span, Bucket(name, start_of(span, at, UTC), counts())) for span in Span]


async def test_a_batch_that_is_written_again_counts_once(store: HistoryStore) -> None:
    batch = Batch(process(), 1, counted(), [Change("sales", NOON, State.AVAILABLE, None, 60, 2)])
    assert await store.write(batch)
    assert not await store.write(batch)
    assert await store.write(batch._replace(number=2))
    (bucket,) = await store.counts(Span.FIVE_MINUTES, NOON, LATER)
    assert bucket.counts.opened == 2
    assert len(await store.changes(NOON, LATER)) == 1


async def test_what_two_processes_count_adds_up(store: HistoryStore) -> None:
    await asyncio.gather(
        *(
            store.write(Batch(process(name), number, counted(clicks=clicks, wait=wait)))
            for name, clicks, wait in (("one", 3, 200), ("two", 4, 10))
            for number in (1,)
        )
    )
    for span in Span:
        (bucket,) = await store.counts(span, NOON - timedelta(days=1), LATER)
        assert (bucket.counts.opened, bucket.counts.of("answers")) == (7, {AVAILABLE: 20})
        assert (bucket.counts.wait.lowest, bucket.counts.wait.mean, bucket.counts.wait.highest) == (10, 105.0, 200)
        assert bucket.counts.depth == Spread()
    assert [each.name for each in await store.processes(NOON)] == ["one", "two"]


async def test_buckets_are_read_by_entry_point_and_added_up_over_all(store: HistoryStore) -> None:
    rows = [*counted(), *counted(name="support", wait=20), *counted(NOON + FIVE_MINUTES, clicks=5)]
    await store.write(Batch(process(), 1, rows))
    sales = await store.counts(Span.FIVE_MINUTES, NOON, LATER, ["sales"])
    assert [(each.start, each.counts.opened) for each in sales] == [(NOON, 1), (NOON + FIVE_MINUTES, 5)]
    both = await store.sums(Span.FIVE_MINUTES, NOON, LATER)
    assert [(each.start, each.counts.opened, each.counts.wait.lowest) for each in both] == [
        (NOON, 2, 20),
        (NOON + FIVE_MINUTES, 5, 60),
    ]
    assert await store.sums(Span.FIVE_MINUTES, NOON, NOON) == []
    assert await store.names() == ["sales", "support"]


async def test_clicks_in_vain_are_all_that_opened_nothing(store: HistoryStore) -> None:
    counts = Counts()
    for at, reason in enumerate(Reason):
        counts.add("clicks", reason, at + 1)
    counts.add("clicks", "opened", 1000)
    await store.write(Batch(process(), 1, [(Span.HOUR, Bucket("sales", NOON, counts))]))
    assert await store.in_vain(Span.HOUR, NOON, LATER) == [(NOON, 1000, counts.in_vain)]
    assert counts.in_vain == sum(range(len(Reason) + 1))


async def test_changes_are_kept_in_the_order_of_their_happening_also_when_the_clock_is_set_back(
    store: HistoryStore,
) -> None:
    closed = (State.UNAVAILABLE, Reason.AGENT_NOT_AVAILABLE)
    back = NOON - timedelta(hours=1)
    await store.write(Batch(process(), 1, (), [Change("sales", NOON, State.AVAILABLE, None)]))
    await store.write(Batch(process(seen=back), 2, (), [Change("sales", back, *closed)]))
    await store.write(Batch(process(seen=NOON), 3, (), [Change("sales", NOON, State.AVAILABLE, None, 5, 1)]))
    found = await store.changes(back, LATER, "sales")
    assert [each.state for each in found] == [State.AVAILABLE, State.UNAVAILABLE, State.AVAILABLE], "the newest first"
    assert (found[0].wait_time, found[0].queue_depth, found[1].reason) == (5, 1, Reason.AGENT_NOT_AVAILABLE)
    assert (await store.last_changes(["sales", "night"]))["sales"] == found[0]
    assert (await store.last_changes(["sales"], NOON))["sales"] == found[1]


async def test_a_change_that_two_processes_saw_is_kept_once(store: HistoryStore) -> None:
    seen = [Change("sales", NOON + timedelta(seconds=at), State.AVAILABLE, None) for at in (1, 0)]
    for name, each in zip(("one", "two"), seen, strict=True):
        await store.write(Batch(process(name), 1, (), [each]))
    assert [each.at for each in await store.changes(NOON, LATER)] == [seen[0].at]


async def test_only_what_is_older_is_deleted_and_what_is_in_force_stays(store: HistoryStore) -> None:
    new, edge = NOON + timedelta(days=1), NOON + timedelta(hours=1)
    changes = [Change(name, NOON, State.UNKNOWN, Reason.ECE_UNREACHABLE) for name in ("night", "sales")]
    changes.append(Change("sales", new, State.UNAVAILABLE, Reason.OUTSIDE_HOURS))
    await store.write(Batch(process(), 1, [*counted(), *counted(new)], changes))
    for name in ("sales", "night"):
        await store.append(Entry(name, Act.CLOSE, "Ada", NOON))
    await store.append(Entry("sales", Act.REOPEN, "Ada", NOON))
    await store.purge(edge)
    assert [each.start for each in await store.counts(Span.FIVE_MINUTES, NOON, LATER)] == [new]
    left = await store.changes(NOON - FIVE_MINUTES, LATER)
    assert [(each.entry_point, each.at) for each in left] == [("sales", new), ("night", NOON)]
    assert [(each.entry_point, each.act) for each in await store.log(NOON, LATER)] == [
        ("sales", Act.REOPEN),
        ("night", Act.CLOSE),
    ]
    assert await store.processes(NOON) == []


async def test_the_log_of_switches_gives_back_what_was_put_in(store: HistoryStore) -> None:
    words = Translations({"de": 'Feuer & <b>"Rauch"</b> 🔥', "": "x"})
    entries = [
        Entry("sales", Act.CLOSE, "Ada Østergård", NOON, until=NOON + FIVE_MINUTES, words=words),
        Entry(
            "sales",
            Act.SET_DAY,
            "Bob",
            NOON,
            day=NOON.date(),
            ranges=(read_range("09:00-12:00"), read_range("22:00-02:00")),
        ),
        Entry("night", Act.SET_DAY, "Bob", NOON, day=NOON.date()),
    ]
    ids = [await store.append(each) for each in entries]
    assert [replace(each, id=0) for each in (await store.log(NOON, LATER))[::-1]] == entries
    assert ids == sorted(ids)
    assert [each.entry_point for each in await store.log(NOON, LATER, "night")] == ["night"]
    newest, log = await store.log_after(-1) or (0, [])
    assert (newest, len(log)) == (ids[-1], 3)
    assert await store.log_after(newest) is None


async def test_of_two_people_at_once_the_last_counts_and_both_are_logged(url: str, outbox: Outbox) -> None:
    stores = [HistoryStore(url) for _ in range(4)]
    acts = [Entry("sales", (Act.CLOSE, Act.REOPEN)[at % 2], f"person {at}", NOON) for at in range(20)]
    ids = await asyncio.gather(*(stores[at % 4].append(each) for at, each in enumerate(acts)))
    last = acts[ids.index(max(ids))]
    for each in stores:
        _, log = await each.log_after(-1) or (0, [])
        assert len(log) == len(set(ids)) == 20
        closing = in_force(log)["sales"].closing
        assert (closing.by if closing else None) == (last.by if last.act is Act.CLOSE else None)
        await each.close()


async def test_what_a_later_release_wrote_is_read_as_far_as_it_is_known(store: HistoryStore, url: str) -> None:
    await store.append(Entry("sales", Act.CLOSE, "Ada", NOON))

    def of_a_later_release() -> None:
        maker = engine(url)
        with maker.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO ece_widget_switches (at, entry_point, act, by_whom) VALUES (1, 'sales', 'hide', 'Bob')"
            )
            connection.exec_driver_sql(
                "INSERT INTO ece_widget_changes (at, entry_point, state, reason)"
                " VALUES (1, 'sales', 'resting', 'lunch')"
            )
        maker.dispose()

    await asyncio.to_thread(of_a_later_release)
    newest, log = await store.log_after(-1) or (0, [])
    assert [each.act for each in log] == [Act.CLOSE]
    assert await store.log_after(newest) is None
    (change,) = await store.changes(datetime(1970, 1, 1, tzinfo=UTC), LATER)
    assert (change.state, change.reason) == (State.UNKNOWN, Reason.OTHER)


@pytest.mark.postgres
async def test_a_database_server_that_was_started_again_is_read_and_written_at_once(
    cluster: Cluster, clock: HandClock
) -> None:
    url = cluster.new_database()
    outbox = await open_outbox(url, now=clock.now)
    store = HistoryStore(url)
    assert await store.write(Batch(process(), 1, counted()))
    assert await store.names() == ["sales"]

    def restart() -> None:
        cluster.stop("immediate")
        cluster.start()

    await asyncio.to_thread(restart)
    await store.append(Entry("sales", Act.CLOSE, "Ada", NOON))
    assert await store.names() == ["sales"]
    assert await store.log_after(-1) is not None
    await store.close()
    await outbox.close()


async def test_before_the_outbox_has_made_the_schema_nothing_is_written_or_made(url: str, tmp_path: Any) -> None:
    store = HistoryStore(url)
    with pytest.raises(OutboxUnavailable):
        await store.write(Batch(process(), 1, counted()))
    with pytest.raises(OutboxUnavailable):
        await store.log_after(-1)
    with pytest.raises(OutboxUnavailable):
        await store.names()
    await store.close()
    assert list(tmp_path.glob("*.db*")) == []


async def test_totals_of_a_period_are_the_sum_of_its_five_minutes_by_the_days_of_the_zone(store: HistoryStore) -> None:
    from zoneinfo import ZoneInfo

    zone = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 24, 21, 3, tzinfo=UTC)  # the clocks go back the night after
    rows: dict[tuple[Span, datetime], Counts] = {}
    moments = [first + timedelta(minutes=37 * at) for at in range(200)]
    for at, moment in enumerate(moments):
        for span in Span:
            rows.setdefault((span, start_of(span, moment, zone)), Counts()).add("clicks", "opened", at + 1)
    buckets = [(span, Bucket("sales", start, counts)) for (span, start), counts in rows.items()]
    await store.write(Batch(process(), 1, buckets))
    history = History(store, {"sales": zone}, kept=True, clock=Clock())
    since, until = moments[7], moments[180]
    expected: dict[Any, int] = {}
    for at, moment in enumerate(moments):
        if start_of(Span.FIVE_MINUTES, since, zone) <= moment < start_of(Span.FIVE_MINUTES, until, zone):
            day = moment.astimezone(zone).date()
            expected[day] = expected.get(day, 0) + at + 1
    totals = await history.totals(since=since, until=until, by="day")
    assert {each.days[0]: each.counts.opened for each in totals if each.days} == expected
    (whole,) = await history.totals(since=since, until=until)
    assert (whole.entry_point, whole.days, whole.counts.opened) == ("sales", None, sum(expected.values()))
    assert await history.totals(since=since, until=until, entry_points=["night"]) == []


@pytest.mark.parametrize(("then", "now"), [("Europe/Berlin", "UTC"), ("UTC", "Europe/Berlin"), ("UTC", "America/Lima")])
async def test_what_was_counted_while_another_zone_was_set_is_counted_once(
    store: HistoryStore, then: str, now: str
) -> None:
    from zoneinfo import ZoneInfo

    moments = [datetime(2026, 11, 10, 22, 30, tzinfo=UTC) + timedelta(hours=each) for each in range(100)]
    rows: dict[tuple[Span, datetime], Counts] = {}
    for at, moment in enumerate(moments):
        for span in Span:
            rows.setdefault((span, start_of(span, moment, ZoneInfo(then))), Counts()).add("clicks", "opened", at + 1)
    buckets = [(span, Bucket("renamed", start, counts)) for (span, start), counts in rows.items()]
    await store.write(Batch(process(), 1, buckets))
    history = History(store, {"sales": ZoneInfo(now)}, kept=True, clock=Clock())
    for first, last in ((0, 99), (3, 90), (1, 60), (30, 75)):
        (whole,) = await history.totals(since=moments[first], until=moments[last])
        assert whole.counts.opened == sum(range(first + 1, last + 1)), (first, last)
    days = await history.totals(since=moments[0], until=moments[99], by="day")
    assert sum(each.counts.opened for each in days) == sum(range(1, 100))
