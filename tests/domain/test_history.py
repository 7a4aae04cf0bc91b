"""Buckets, the order of changes that several processes saw, and the week as a chart."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hand_clock import NOON
from widget.domain.evaluation import State
from widget.domain.history import (
    FIVE_MINUTES,
    Bucket,
    Change,
    Counts,
    Span,
    Spread,
    is_news,
    period_of,
    pieces,
    start_of,
)
from widget.domain.readings import Reason
from widget.domain.week import week_bounds, week_by_hours

BERLIN, KOLKATA, LORD_HOWE = (ZoneInfo(name) for name in ("Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"))
ZONES: list[tzinfo] = [UTC, BERLIN, KOLKATA, LORD_HOWE, ZoneInfo("America/Sao_Paulo"), ZoneInfo("Asia/Beirut")]
moments = st.integers(1_420_000_000, 1_893_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))


def change(at: datetime, state: State = State.AVAILABLE, reason: Reason | None = None, number: int = 0) -> Change:
    return Change("sales", at, state, reason, id=number)


@given(moments, st.sampled_from(ZONES), st.sampled_from(Span))
def test_a_bucket_contains_its_moment_and_starts_in_its_own_bucket(moment: datetime, zone: tzinfo, span: Span) -> None:
    start = start_of(span, moment, zone)
    assert start <= moment < start + timedelta(seconds=span + (5400 if span is Span.DAY else 1800))
    assert start_of(span, start, zone) == start
    if span is Span.DAY:
        assert start.astimezone(zone).date() == moment.astimezone(zone).date()


@given(moments, st.timedeltas(timedelta(0), timedelta(days=40)), st.sampled_from(ZONES[:3]))
def test_pieces_cover_a_time_once_and_begin_and_end_with_their_buckets(
    since: datetime, length: timedelta, zone: tzinfo
) -> None:
    until = since + length
    low, high = (start_of(Span.FIVE_MINUTES, each, zone) for each in (since, until))
    found = pieces(since, until, zone)
    ends = [low]
    for span, start, end in found:
        assert start == ends[-1] < end
        assert start_of(span, start, zone) == start
        assert start_of(span, end, zone) == end
        ends.append(end)
    assert ends[-1] == high or low == high
    small = sum((end - start) // FIVE_MINUTES for span, start, end in found if span is Span.FIVE_MINUTES)
    assert small <= 24, "hours and days are read as such"


@given(st.lists(st.integers(0, 10**6)), st.lists(st.integers(0, 10**6)))
def test_spreads_that_are_put_together_are_those_of_all_numbers(first: list[int], second: list[int]) -> None:
    put = Spread()
    for numbers in (first, second):
        part = Spread()
        for number in numbers:
            part.add(number)
        put.merge(part)
    both = first + second
    assert (put.samples, put.total) == (len(both), sum(both))
    assert (put.lowest, put.highest) == (min(both, default=None), max(both, default=None))


CLOSED = (State.UNAVAILABLE, Reason.AGENT_NOT_AVAILABLE)


@pytest.mark.parametrize(
    ("last", "seen", "now", "news"),
    [
        (None, change(NOON), NOON, True),
        (change(NOON), change(NOON + FIVE_MINUTES), NOON + FIVE_MINUTES, False),
        (change(NOON), change(NOON + FIVE_MINUTES, *CLOSED), NOON + FIVE_MINUTES, True),
        # another process saw it a moment before, and tells it later
        (change(NOON), change(NOON - timedelta(seconds=2), *CLOSED), NOON + timedelta(seconds=5), False),
        # the clock was set back by an hour
        (change(NOON), change(NOON - timedelta(hours=1), *CLOSED), NOON - timedelta(hours=1), True),
    ],
)
def test_what_is_old_or_known_is_no_news(last: Change | None, seen: Change, now: datetime, news: bool) -> None:
    assert is_news(last, seen, now) is news


@given(st.lists(st.sampled_from([(State.AVAILABLE, None), CLOSED]), min_size=1, max_size=30), st.integers(1, 4))
def test_what_many_processes_saw_of_one_truth_is_written_once_and_in_order(
    truth: list[tuple[State, Reason | None]], processes: int
) -> None:
    """Each sees every state with a lag of its own, and they write one after the other every five seconds."""
    lag = [timedelta(seconds=at) for at in range(processes)]
    seen = [
        [change(NOON + timedelta(seconds=20 * at) + lag[process], *said) for at, said in enumerate(truth)]
        for process in range(processes)
    ]
    written: list[Change] = []
    for round_ in range(4 * len(truth) + 2):
        now = NOON + timedelta(seconds=5 * round_ + 5)
        for each in seen:
            while each and each[0].at < now:
                candidate = each.pop(0)
                if is_news(written[-1] if written else None, candidate, now):
                    written.append(candidate)
    expected = [said for at, said in enumerate(truth) if at == 0 or truth[at - 1] != said]
    assert [each.state_and_reason for each in written] == expected
    assert [each.at for each in written] == sorted(each.at for each in written)


def test_the_week_shows_the_state_that_each_hour_spent_most_of_its_time_in() -> None:
    monday = date(2026, 11, 23)
    nine = datetime(2026, 11, 23, 9, tzinfo=UTC)
    changes = [
        change(nine, State.AVAILABLE),
        change(nine + timedelta(hours=3, minutes=40), *CLOSED),
        change(nine + timedelta(hours=4, minutes=10), State.AVAILABLE),
    ]
    counts = Counts()
    counts.add("clicks", "opened", 4)
    counts.add("clicks", "agent_not_available", 2)
    before = change(nine - timedelta(days=9), State.UNAVAILABLE, Reason.OUTSIDE_HOURS)
    hours = [Bucket("sales", nine, counts)]
    now = nine + timedelta(hours=5)
    week = week_by_hours(monday, UTC, before=before, changes=changes, buckets=hours, now=now)
    day = week.hours[0]
    assert [cell.state for cell in day[8:14] if cell] == [
        State.UNAVAILABLE,
        State.AVAILABLE,
        State.AVAILABLE,
        State.AVAILABLE,
        State.AVAILABLE,
        State.AVAILABLE,
    ]
    assert day[12] is not None
    assert day[12].share(State.UNAVAILABLE) == pytest.approx(1 / 3)
    assert day[9] is not None
    assert (day[9].counts.opened, day[9].counts.in_vain) == (4, 2)
    assert day[14] is not None
    assert day[14].state is None, "the future is not known"


def test_the_week_has_no_hour_that_a_clock_change_leaves_out_and_both_of_one_that_comes_twice() -> None:
    spring = week_by_hours(
        date(2026, 3, 23), BERLIN, before=change(NOON - timedelta(days=400)), changes=[], buckets=[], now=NOON
    )
    sunday = spring.hours[6]
    assert sunday[2] is None
    assert all(cell is not None and cell.seconds == {State.AVAILABLE: 3600.0} for cell in (*sunday[:2], *sunday[3:]))
    autumn = week_by_hours(
        date(2026, 10, 19), BERLIN, before=change(NOON - timedelta(days=400)), changes=[], buckets=[], now=NOON
    )
    twice = autumn.hours[6][2]
    assert twice is not None
    assert twice.seconds == {State.AVAILABLE: 7200.0}


@pytest.mark.parametrize("zone", ZONES)
@given(first=st.dates(date(2016, 1, 1), date(2029, 1, 1)))
def test_no_second_of_a_week_is_lost_or_shown_twice(zone: tzinfo, first: date) -> None:
    start, end = week_bounds(first, zone)
    week = week_by_hours(first, zone, before=change(start - timedelta(days=1)), changes=[], buckets=[], now=end)
    shown = sum(sum(cell.seconds.values()) for day in week.hours for cell in day if cell is not None)
    assert shown == (end - start).total_seconds()


def test_periods_are_days_weeks_from_monday_and_months() -> None:
    day = date(2028, 2, 29)
    assert period_of(day, "day") == (day, day)
    assert period_of(day, "week") == (date(2028, 2, 28), date(2028, 3, 5))
    assert period_of(day, "month") == (date(2028, 2, 1), day)
    with pytest.raises(ValueError, match="day, week or month"):
        period_of(day, "year")
