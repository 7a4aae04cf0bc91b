"""What a process writes into the history: every count once, whatever the database and the clock do."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest

from tests.ece_stand_in import CLOSED
from tests.entry_points import EntryPoints
from tests.hand_clock import NOON
from widget.application.recorder import Recorder
from widget.application.tally import Tally
from widget.domain.counted import Count
from widget.domain.errors import EceRefused, OutboxUnavailable
from widget.domain.evaluation import State
from widget.domain.history import FIVE_MINUTES, Batch, Begun, Change, Counts, Process, Span
from widget.domain.hours import Hours, OpenRange
from widget.domain.policy import Policy
from widget.domain.readings import Call, LiveSessionStatus, Reason
from widget.domain.switches import Closing, Switch

pytestmark = pytest.mark.anyio

OPEN, NOT_OPEN = (State.AVAILABLE, None), (State.UNAVAILABLE, Reason.AGENT_NOT_AVAILABLE)


@dataclass
class Kept:
    """A database that keeps a batch once; `away` refuses it, `silent` keeps it and fails to say so, `hangs` waits."""

    batches: list[Batch] = field(default_factory=list)
    numbers: set[int] = field(default_factory=set)
    away: bool = False
    silent: bool = False
    hangs: asyncio.Event | None = None

    async def write(self, batch: Batch) -> bool:
        if self.away:
            raise OutboxUnavailable("the database server cannot be reached")
        if self.hangs is not None:
            await self.hangs.wait()
        new = batch.number not in self.numbers
        if new:
            self.numbers.add(batch.number)
            self.batches.append(batch)
        if self.silent:
            raise OutboxUnavailable("the connection broke at the commit")
        return new

    @property
    def changes(self) -> list[Change]:
        return [each for batch in self.batches for each in batch.changes]

    def counts(self, span: Span = Span.FIVE_MINUTES) -> dict[Any, Counts]:
        found: dict[Any, Counts] = {}
        for batch in self.batches:
            for each, bucket in batch.counts:
                if each is span:
                    found.setdefault((bucket.entry_point, bucket.start), Counts()).merge(bucket.counts)
        return found

    def total(self, *count: str) -> int:
        name: Count = (count[0], count[1])
        return sum(counts.numbers.get(name, 0) for counts in self.counts().values())


class Recorded(EntryPoints):
    """A entry_points whose process is recorded; `pass_and_write` is one round of the recorder's loop."""

    def __init__(self, *policies: Policy, keeps: bool = True, **limits: Any) -> None:
        super().__init__(*policies)
        self.store, self.tally = Kept(), Tally(monotonic=self.clock.monotonic)
        self.answered: Counter[tuple[str, str, str]] = Counter()
        self.delivered: Counter[str] = Counter()
        now = self.clock.now()
        self.recorder = Recorder(
            self.store,
            self.tally,
            process=Process("one", "serve", "host", 1, "1.0", now, now),
            clock=self.clock.clock,
            zones={"sales": UTC, "night": timezone(timedelta(hours=5, minutes=30))},
            keeps=keeps,
            availability=self.availability,
            answered=lambda: self.answered,
            delivered=lambda: self.delivered,
            **limits,
        )

    async def pass_and_write(self, seconds: float = 5.0) -> None:
        self.clock.passes(seconds)
        await self.write()

    async def write(self) -> None:
        self.recorder.collect()
        await self.recorder.write()


async def test_every_count_is_written_once_with_its_kind() -> None:
    entry_points = Recorded()
    for number in (1, 2, 3):
        entry_points.answered["sales", "available", ""] += 10 * number
        entry_points.answered["sales", "unavailable", "outside_hours"] += 1
        entry_points.answered["sales", "unknown", "ece_unreachable"] += 1
        entry_points.tally.click("sales", "opened")
        entry_points.tally.click("sales", "wait_too_long")
        for outcome in ("issued", "taken_up", "ticket_taken", "invalid_token"):
            entry_points.tally.ticket("sales", outcome)
        entry_points.tally.ticket("", "invalid_token")
        for outcome in ("begun", "accepted", "repeated", "faulty", "refused"):
            entry_points.tally.survey("sales", outcome)
        entry_points.delivered["sales"] += 1
        await entry_points.pass_and_write()
        await entry_points.write()
    expected = {
        ("answers", "available"): 60,
        ("answers", "outside_hours"): 3,
        ("answers", "ece_unreachable"): 3,
        ("clicks", "opened"): 3,
        ("clicks", "wait_too_long"): 3,
        ("tickets", "issued"): 3,
        ("tickets", "taken_up"): 3,
        ("tickets", "refused"): 6,
        ("surveys", "begun"): 3,
        ("surveys", "sent"): 3,
        ("surveys", "delivered"): 3,
    }
    for span in Span:
        ((_, counts),) = entry_points.store.counts(span).items()
        assert counts.numbers == expected


async def test_forms_that_were_begun_are_counted_by_survey_and_the_day_of_their_beginning() -> None:
    entry_points = Recorded()
    for language in ("en", "de", "en"):
        entry_points.tally.begin_survey("after_chat", "sales", language)
    await entry_points.pass_and_write(12 * 3600)
    entry_points.tally.begin_survey("after_order", "sales", "en")
    await entry_points.pass_and_write()
    await entry_points.write()
    assert [each for batch in entry_points.store.batches for each in batch.begun] == [
        Begun(NOON.date(), "after_chat", "sales", "en", 2),
        Begun(NOON.date(), "after_chat", "sales", "de", 1),
        Begun(NOON.date() + timedelta(days=1), "after_order", "sales", "en", 1),
    ]
    assert entry_points.store.total("surveys", "begun") == 4


async def test_a_batch_whose_commit_was_not_told_counts_once() -> None:
    entry_points = Recorded()
    entry_points.tally.click("sales", "opened")
    entry_points.store.silent = True
    await entry_points.pass_and_write()
    entry_points.tally.click("sales", "opened")
    await entry_points.pass_and_write()
    entry_points.store.silent = False
    await entry_points.pass_and_write()
    assert entry_points.store.total("clicks", "opened") == 2


async def test_what_cannot_be_written_waits_and_is_written_in_its_own_time(log_lines: Any) -> None:
    entry_points = Recorded()
    await entry_points.visit()
    entry_points.store.away = True
    for _ in range(24):
        entry_points.tally.click("sales", "opened")
        await entry_points.pass_and_write(300)
    entry_points.store.away = False
    await entry_points.pass_and_write()
    starts = [start for (_, start), counts in entry_points.store.counts().items() if counts.opened]
    assert starts == [NOON + FIVE_MINUTES * at for at in range(24)]
    assert entry_points.store.total("clicks", "opened") == 24
    said = log_lines.getvalue()
    assert said.count("history_not_written") == said.count("history_written_again") == 1


async def test_after_a_long_time_without_database_detail_is_given_up_and_no_total() -> None:
    entry_points = Recorded(most_waiting=20)
    entry_points.store.away = True
    for _ in range(100):
        entry_points.tally.click("sales", "opened")
        await entry_points.pass_and_write(300)
    entry_points.store.away = False
    await entry_points.pass_and_write()
    assert entry_points.store.total("clicks", "opened") < 30
    (day,) = entry_points.store.counts(Span.DAY).values()
    assert day.opened == 100


async def test_counts_belong_to_the_bucket_in_which_they_were_counted() -> None:
    entry_points = Recorded()
    entry_points.clock.passes(299)
    entry_points.recorder.collect()
    entry_points.tally.click("sales", "opened")
    entry_points.clock.passes(1.5)  # the loop wakes a little after the end of the five minutes
    await entry_points.write()
    entry_points.tally.click("sales", "opened")
    await entry_points.pass_and_write()
    assert {start: each.opened for (_, start), each in entry_points.store.counts().items()} == {
        NOON: 1,
        NOON + FIVE_MINUTES: 1,
    }
    assert entry_points.recorder._pause() <= 5.0


async def test_a_clock_that_is_set_back_over_a_bucket_loses_and_doubles_nothing() -> None:
    entry_points = Recorded()
    for _ in range(10):
        entry_points.tally.click("sales", "opened")
        await entry_points.pass_and_write(60)
    entry_points.clock.is_set(by=-timedelta(minutes=20))
    for _ in range(10):
        entry_points.tally.click("sales", "opened")
        await entry_points.pass_and_write(60)
    assert entry_points.store.total("clicks", "opened") == 20
    assert min(start for _, start in entry_points.store.counts()) == NOON - timedelta(minutes=10)


async def test_days_and_hours_are_those_of_the_entry_point() -> None:
    entry_points = Recorded(Policy("night"))
    entry_points.tally.click("night", "opened")
    await entry_points.pass_and_write()
    (hour,) = entry_points.store.counts(Span.HOUR)
    (day,) = entry_points.store.counts(Span.DAY)
    assert hour == ("night", NOON - timedelta(minutes=30))
    assert day == ("night", NOON - timedelta(hours=17, minutes=30))


async def test_changes_are_noted_when_they_happen_with_eces_numbers() -> None:
    entry_points = Recorded()
    await entry_points.visit()
    entry_points.clock.passes(6)
    entry_points.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    await entry_points.visit()
    entry_points.clock.passes(6)
    entry_points.ece.fails(EceRefused())
    await entry_points.visit()
    entry_points.clock.passes(60)
    await entry_points.visit()
    await entry_points.write()
    unknown = (State.UNKNOWN, Reason.ECE_UNREACHABLE)
    assert [each.state_and_reason for each in entry_points.store.changes] == [OPEN, NOT_OPEN, unknown]
    first, second, third = entry_points.store.changes
    assert (first.at, first.wait_time, first.queue_depth) == (NOON, 180, 2)
    assert second.at == NOON + timedelta(seconds=6)
    assert third.at > second.at


async def test_hours_and_hands_change_the_state_without_any_visitor() -> None:
    office = Hours(UTC, ((OpenRange(0, 13 * 60),),) * 7)
    entry_points = Recorded(Policy("sales", hours=office))
    await entry_points.visit()
    entry_points.availability.follow(Policy("sales", hours=office).switched(Switch(Closing("Ada", NOON))))
    entry_points.availability.follow(Policy("sales", hours=office))
    await entry_points.pass_and_write(3600)
    reasons = [each.reason for each in entry_points.store.changes]
    assert reasons == [None, Reason.SWITCHED_OFF, None, Reason.OUTSIDE_HOURS]


async def test_each_answer_of_ece_is_one_sample_of_wait_and_depth() -> None:
    entry_points = Recorded()
    for wait, depth in ((100, 1), (300, 9), (200, 2)):
        entry_points.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait, depth)
        entry_points.clock.passes(6)
        for _ in range(5):
            await entry_points.visit()
            await entry_points.write()
    (counts,) = entry_points.store.counts().values()
    assert (counts.wait.samples, counts.wait.lowest, counts.wait.mean, counts.wait.highest) == (3, 100, 200.0, 300)
    assert (counts.depth.lowest, counts.depth.mean, counts.depth.highest) == (1, 4.0, 9)


async def test_the_last_hour_has_ece_s_numbers_and_their_age() -> None:
    entry_points = Recorded()
    for _ in range(5000 // 20):
        await entry_points.visit()
        await entry_points.pass_and_write(20)
    readings = entry_points.recorder.last_hour("sales")
    assert len(readings) == 181
    assert readings[-1].at - readings[0].at <= timedelta(hours=1)
    assert (readings[-1].wait_time, readings[-1].queue_depth, readings[-1].age) == (180, 2, 20.0)
    await entry_points.pass_and_write(600)
    assert entry_points.recorder.last_hour("sales")[-1].age is None, "nobody asked, so nobody was served an old answer"


async def test_a_quiet_process_says_that_it_is_there_and_writes_nothing_else() -> None:
    entry_points = Recorded(keeps=False)
    entry_points.tally.click("sales", "opened")
    entry_points.tally.begin_survey("after_chat", "sales", "en")
    await entry_points.visit()
    for _ in range(21):
        await entry_points.pass_and_write()
    assert len(entry_points.store.batches) == 11
    assert not any(batch.counts or batch.changes or batch.begun for batch in entry_points.store.batches)
    assert entry_points.store.batches[-1].process.seen == entry_points.clock.now()


async def test_a_stop_writes_what_is_left() -> None:
    entry_points = Recorded()
    running = asyncio.create_task(entry_points.recorder.run())
    await asyncio.sleep(0)
    entry_points.tally.click("sales", "opened")
    entry_points.recorder.stop()
    async with asyncio.timeout(30):
        await running
    assert entry_points.store.total("clicks", "opened") == 1


async def test_a_stop_does_not_wait_for_a_database_that_hangs() -> None:
    entry_points = Recorded(last_write=0.01)
    entry_points.store.hangs = asyncio.Event()
    entry_points.recorder.stop()
    async with asyncio.timeout(30):
        await entry_points.recorder.run()
