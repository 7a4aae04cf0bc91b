"""What is remembered of the past: changes of state, and counts in buckets of five minutes, an hour and a day.

Hours and days are those of the entry point's own time zone (its hours' zone, else UTC), so that a day in a report is a
day of the people who work there. Nothing here is about a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import IntEnum
from typing import NamedTuple

from widget.domain.counted import OPENED, Count
from widget.domain.evaluation import State
from widget.domain.readings import Reason

FIVE_MINUTES = timedelta(minutes=5)


class Span(IntEnum):
    """The length of a bucket in seconds; a day may have 23 or 25 hours."""

    FIVE_MINUTES = 300
    HOUR = 3600
    DAY = 86400


def start_of(span: Span, moment: datetime, zone: tzinfo) -> datetime:
    """Return the start (UTC) of the bucket that contains `moment` (aware)."""
    local = moment.astimezone(zone)
    if span is Span.DAY:
        # a midnight that a clock change leaves out is, with fold 0, the moment of the change (PEP 495)
        return datetime.combine(local, time.min, zone).astimezone(UTC)
    minutes = local.minute if span is Span.HOUR else local.minute % 5
    past = timedelta(minutes=minutes, seconds=local.second, microseconds=local.microsecond)
    return moment.astimezone(UTC) - past


@dataclass(slots=True)
class Spread:
    """Numbers of one kind: how many, their sum, the lowest and the highest; None where there were none."""

    samples: int = 0
    total: int = 0
    lowest: int | None = None
    highest: int | None = None

    @property
    def mean(self) -> float | None:
        return self.total / self.samples if self.samples else None

    def add(self, number: int) -> None:
        self.merge(Spread(1, number, number, number))

    def merge(self, other: Spread) -> None:
        """Add the numbers of another."""
        self.samples += other.samples
        self.total += other.total
        lows = [each for each in (self.lowest, other.lowest) if each is not None]
        highs = [each for each in (self.highest, other.highest) if each is not None]
        self.lowest, self.highest = min(lows, default=None), max(highs, default=None)


@dataclass(slots=True)
class Counts:
    """What was counted in some time. `numbers` has only what is above 0; wait in seconds, depth in chats."""

    numbers: dict[Count, int] = field(default_factory=dict)
    wait: Spread = field(default_factory=Spread)
    depth: Spread = field(default_factory=Spread)

    def __bool__(self) -> bool:
        return bool(self.numbers or self.wait.samples or self.depth.samples)

    def add(self, group: str, name: str, number: int = 1) -> None:
        self.numbers[group, name] = self.numbers.get((group, name), 0) + number

    def merge(self, other: Counts) -> None:
        """Add what another counted."""
        for (group, name), number in other.numbers.items():
            self.add(group, name, number)
        self.wait.merge(other.wait)
        self.depth.merge(other.depth)

    def of(self, group: str) -> dict[str, int]:
        """Return the counts of `answers`, `clicks`, `tickets` or `surveys` by name."""
        return {name: number for (which, name), number in self.numbers.items() if which == group}

    @property
    def opened(self) -> int:
        return self.numbers.get(("clicks", OPENED), 0)

    @property
    def in_vain(self) -> int:
        """Clicks that opened no chat."""
        return sum(number for name, number in self.of("clicks").items() if name != OPENED)


class Bucket(NamedTuple):
    """What was counted for one entry point from `start` (UTC) on, for the length of its span."""

    entry_point: str
    start: datetime
    counts: Counts


class Change(NamedTuple):
    """One change of an entry point's state, with ECE's numbers of that moment, in the order of `id`; `at` in UTC."""

    entry_point: str
    at: datetime
    state: State
    reason: Reason | None
    wait_time: int | None = None
    queue_depth: int | None = None
    id: int = 0

    @property
    def state_and_reason(self) -> tuple[State, Reason | None]:
        return self.state, self.reason


def is_news(last: Change | None, seen: Change, now: datetime) -> bool:
    """Return whether `seen`, which one process saw, goes behind the last change that any process has written.

    Every process of a fleet sees the same changes, each a little earlier or later than the others. What was seen
    before the last one was written is old. A last one that lies in the future was written before the clock was set
    back, and says nothing about what comes after.
    """
    if last is None:
        return True
    return seen.state_and_reason != last.state_and_reason and (seen.at >= last.at or last.at > now)


Period = tuple[date, date]  # first and last day, both in it


def period_of(day: date, by: str) -> Period:
    """Return the day, week (Monday first) or month that a day lies in. Raise ValueError for any other `by`."""
    match by:
        case "day":
            return day, day
        case "week":
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=6)
        case "month":
            first = day.replace(day=1)
            return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        case _:
            raise ValueError("day, week or month")


def local_day(bucket: Bucket, zone: tzinfo) -> date:
    """Return the day of a bucket of a day; its middle counts, since the zone may have been another one then."""
    return (bucket.start + timedelta(hours=12)).astimezone(zone).date()


Piece = tuple[Span, datetime, datetime]


def pieces(since: datetime, until: datetime, zone: tzinfo, span: Span = Span.DAY) -> list[Piece]:
    """Cut a time into as few buckets of `span` and below as can be: days inside, hours and five minutes at its ends.

    Both ends are moved to the start of their five minutes.
    """
    since, until = (start_of(Span.FIVE_MINUTES, each, zone) for each in (since, until))
    if span is Span.FIVE_MINUTES:
        return [(span, since, until)] if since < until else []
    smaller = Span.HOUR if span is Span.DAY else Span.FIVE_MINUTES
    first, last = start_of(span, since, zone), start_of(span, until, zone)
    if first < since:
        first = start_of(span, first + timedelta(hours=26 if span is Span.DAY else 1, seconds=1), zone)
    if first >= last:
        return pieces(since, until, zone, smaller)
    return [*pieces(since, first, zone, smaller), (span, first, last), *pieces(last, until, zone, smaller)]


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the fleet; `role` is `serve` or `deliver`, `seen` when it last wrote. Times are aware, UTC."""

    name: str
    role: str
    host: str
    pid: int
    version: str
    started: datetime
    seen: datetime


class Begun(NamedTuple):
    """How many forms of a survey were opened on a day (UTC), at an entry point, in a language."""

    day: date
    survey: str
    entry_point: str
    language: str
    number: int


class Batch(NamedTuple):
    """What one process writes at once. `number` rises with each, so that one that is tried again counts once."""

    process: Process
    number: int
    counts: Sequence[tuple[Span, Bucket]] = ()
    changes: Sequence[Change] = ()
    begun: Sequence[Begun] = ()
