"""Business hours against a slow reading of the clock: every minute of the days around a clock change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widget.domain.hours import DAY, Hours, OpenRange, is_open, next_change, next_opening

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
# A gap, a fold, half an hour, changes at midnight, a whole day left out, and a plain day.
CLOCK_CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Santiago", date(2026, 9, 6)),
    ("America/Santiago", date(2026, 4, 5)),
    ("Asia/Beirut", date(2026, 3, 29)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Asia/Kolkata", date(2026, 6, 1)),
]


def week(*ranges: tuple[int, int]) -> tuple[tuple[OpenRange, ...], ...]:
    return (tuple(OpenRange(start, end) for start, end in ranges),) * 7


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@cache
def minutes_around(zone: str, day: date) -> list[tuple[datetime, datetime]]:
    """Every minute of five days: its UTC moment, and the wall clock then."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=3)
    moments = [start + MINUTE * n for n in range(6 * DAY)]
    return [(moment, moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for moment in moments]


def first_moment(zone: str, around: date, day: date, minutes: int) -> datetime:
    """The first moment at which the wall clock shows this time or a later one."""
    wall = datetime(day.year, day.month, day.day) + MINUTE * minutes  # noqa: DTZ001 - a wall clock has no zone
    return next(moment for moment, shown in minutes_around(zone, around) if shown >= wall)


@st.composite
def some_ranges(draw: st.DrawFn) -> tuple[OpenRange, ...]:
    starts = draw(st.lists(st.integers(0, DAY - 1), max_size=3))
    return tuple(OpenRange(start, start + draw(st.integers(1, DAY))) for start in starts)


@given(
    change=st.sampled_from(CLOCK_CHANGES),
    ranges=some_ranges(),
    special=st.none() | some_ranges(),
    closed=st.booleans(),
    offset=st.integers(-DAY, DAY),
)
@settings(max_examples=300)
def test_open_agrees_with_reading_the_wall_clock(
    change: tuple[str, date],
    ranges: tuple[OpenRange, ...],
    special: tuple[OpenRange, ...] | None,
    closed: bool,
    offset: int,
) -> None:
    zone, day = change
    hours = Hours(
        ZoneInfo(zone),
        (ranges,) * 7,
        closed=frozenset({day} if closed else ()),
        special={} if special is None else {day: special},
    )
    now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + MINUTE * offset
    expected = any(
        first_moment(zone, day, each, span.start) <= now < first_moment(zone, day, each, span.end)
        for each in (now.astimezone(ZoneInfo(zone)).date() + timedelta(days=n) for n in (-1, 0))
        for span in hours.ranges_on(each)
    )
    assert is_open(hours, now) is expected


@given(change=st.sampled_from(CLOCK_CHANGES), ranges=some_ranges(), offset=st.integers(-DAY, DAY), part=st.floats(0, 1))
@settings(max_examples=300)
def test_nothing_changes_before_the_next_change_and_something_does_then(
    change: tuple[str, date], ranges: tuple[OpenRange, ...], offset: int, part: float
) -> None:
    zone, day = change
    hours = Hours(ZoneInfo(zone), (ranges,) * 7)
    now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + MINUTE * offset
    then = next_change(hours, now)
    if then is None:
        later = now + timedelta(days=6) * part
        assert is_open(hours, later) is is_open(hours, now)
        return
    assert then > now
    assert is_open(hours, now + (then - now) * min(part, 0.999999)) is is_open(hours, now)
    assert is_open(hours, then) is not is_open(hours, now)
    if not is_open(hours, now):
        assert next_opening(hours, now) == then


def test_a_range_contains_its_start_and_not_its_end() -> None:
    hours = Hours(BERLIN, week((9 * 60, 12 * 60)))
    assert not is_open(hours, at("2026-11-24T08:59:59+01:00"))
    assert is_open(hours, at("2026-11-24T09:00:00+01:00"))
    assert is_open(hours, at("2026-11-24T11:59:59.999999+01:00"))
    assert not is_open(hours, at("2026-11-24T12:00:00+01:00"))


def test_a_range_past_midnight_runs_on_into_a_closed_day() -> None:
    friday = date(2026, 11, 27)
    nights = (*[()] * 4, (OpenRange(22 * 60, 26 * 60),), (), ())
    hours = Hours(BERLIN, nights, closed=frozenset({friday + timedelta(days=1)}))
    assert is_open(hours, at("2026-11-28T01:59:00+01:00"))
    assert not is_open(hours, at("2026-11-28T02:00:00+01:00"))


def test_a_special_day_replaces_its_week_day_and_a_closed_one_empties_it() -> None:
    eve, christmas = date(2026, 12, 24), date(2026, 12, 25)
    hours = Hours(
        BERLIN,
        week((9 * 60, 18 * 60)),
        closed=frozenset({christmas}),
        special={eve: (OpenRange(540, 720),)},
    )
    assert not is_open(hours, at("2026-12-24T13:00:00+01:00"))
    assert next_opening(hours, at("2026-12-24T13:00:00+01:00")) == at("2026-12-26T09:00:00+01:00")


def test_an_hour_that_does_not_exist_starts_when_the_gap_ends() -> None:
    hours = Hours(BERLIN, week((150, 240)))  # 02:30 to 04:00; on this day 02:00 is followed by 03:00
    assert next_opening(hours, at("2026-03-29T01:00:00+01:00")) == at("2026-03-29T03:00:00+02:00")
    assert is_open(hours, at("2026-03-29T03:00:00+02:00"))


def test_a_range_inside_the_gap_is_left_out_that_day() -> None:
    hours = Hours(BERLIN, week((130, 170)))
    assert next_opening(hours, at("2026-03-29T00:00:00+01:00")) == at("2026-03-30T02:10:00+02:00")


def test_an_hour_that_comes_twice_means_the_first() -> None:
    hours = Hours(BERLIN, week((0, 150)))
    assert is_open(hours, at("2026-10-25T02:29:00+02:00"))
    assert not is_open(hours, at("2026-10-25T02:15:00+01:00"))


def test_ranges_that_touch_or_overlap_are_one_opening() -> None:
    hours = Hours(BERLIN, week((9 * 60, 12 * 60), (12 * 60, 13 * 60), (10 * 60, 14 * 60)))
    assert next_change(hours, at("2026-11-24T09:30:00+01:00")) == at("2026-11-24T14:00:00+01:00")


def test_open_round_the_clock_never_changes() -> None:
    assert next_change(Hours(BERLIN, week((0, DAY))), at("2026-11-24T09:30:00+01:00")) is None


def test_a_closing_within_a_week_is_seen_across_days_of_being_open() -> None:
    hours = Hours(BERLIN, week((0, DAY)), closed=frozenset({date(2026, 11, 29)}))
    assert next_change(hours, at("2026-11-24T09:30:00+01:00")) == at("2026-11-29T00:00:00+01:00")


def test_hours_without_an_opening_never_open() -> None:
    hours = Hours(BERLIN, week())
    assert next_opening(hours, at("2026-11-24T09:30:00+01:00")) is None
    assert next_change(hours, at("2026-11-24T09:30:00+01:00")) is None


def test_an_opening_once_a_year_is_found() -> None:
    hours = Hours(BERLIN, week(), special={date(2027, 11, 25): (OpenRange(540, 600),)})
    assert next_opening(hours, at("2026-11-26T00:00:00+01:00")) == at("2027-11-25T09:00:00+01:00")


@pytest.mark.parametrize("now", ["0001-01-02T00:00:00+00:00", "9990-01-01T00:00:00+00:00"])
def test_a_clock_that_is_far_off_is_no_crash(now: str) -> None:
    hours = Hours(BERLIN, week((9 * 60, 18 * 60)))
    assert next_change(hours, at(now)) is not None
