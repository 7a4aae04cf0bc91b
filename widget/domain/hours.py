"""Business hours: ECE's API knows none, so the operator writes them (section 3 of the contract).

Ranges belong to the day on which they start; one that passes midnight runs on into the next day, also when that day is
closed. Clock changes: an hour that does not exist starts when the gap ends, one that comes twice means the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

DAY = 24 * 60
_SEARCH_DAYS = 400  # a yearly opening is still found; nothing past that is an "opening" to a visitor
_CLOSING_DAYS = 8  # asked at every refresh: no year of days is computed for who is open round the clock


class OpenRange(NamedTuple):
    """Minutes after local midnight; `end` is past 1440 for a range that passes midnight."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02}-{self.end % DAY // 60:02}:{self.end % 60:02}"


_RANGE = re.compile(r"([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])")


def read_range(text: str) -> OpenRange:
    """Read a range as an operator writes it. Raise ValueError with the sentence that says what is allowed."""
    match = _RANGE.fullmatch(text.strip())
    if match:
        start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
        if start < DAY and end <= DAY and start != end:
            return OpenRange(start, end if end > start else end + DAY)
    raise ValueError('a range as "09:00-17:30"; "22:00-02:00" passes midnight')


@dataclass(frozen=True, slots=True)
class Hours:
    """A week of ranges (Monday first) with the days that differ."""

    timezone: tzinfo
    week: tuple[tuple[OpenRange, ...], ...]
    closed: frozenset[date] = frozenset()
    special: Mapping[date, tuple[OpenRange, ...]] = field(default_factory=dict)

    def ranges_on(self, day: date) -> tuple[OpenRange, ...]:
        """Return the ranges that start on `day`."""
        if day in self.special:
            return self.special[day]
        return () if day in self.closed else self.week[day.weekday()]


def is_open(hours: Hours, now: datetime) -> bool:
    """Return whether `now` (aware) lies within a range; a range contains its start and not its end."""
    return any(start <= now < end for start, end in _spans(hours, now, days_ahead=0))


def next_change(hours: Hours, now: datetime) -> datetime | None:
    """Return the moment (UTC) at which `is_open` will answer differently, or None if none is in sight.

    In sight are 400 days for an opening and a week for a closing.
    """
    if not is_open(hours, now):
        return next_opening(hours, now)
    end = now
    for start, until in _spans(hours, now, days_ahead=_CLOSING_DAYS):
        if start <= end < until:
            end = until
        elif start > end:
            return end
    return end if end - now < timedelta(days=_CLOSING_DAYS - 1) else None


def next_opening(hours: Hours, now: datetime) -> datetime | None:
    """Return the start (UTC) of the first range after `now`, or None if there is none within 400 days."""
    return next((start for start, _ in _spans(hours, now, days_ahead=_SEARCH_DAYS) if start > now), None)


def _spans(hours: Hours, now: datetime, *, days_ahead: int) -> Iterator[tuple[datetime, datetime]]:
    """Yield the ranges from yesterday on as pairs of UTC moments, by start."""
    today = now.astimezone(hours.timezone).date()
    for offset in range(-1, days_ahead + 1):
        day = today + timedelta(days=offset)
        for span in sorted(hours.ranges_on(day), key=lambda each: each.start):
            start, end = (_moment(day, minutes, hours.timezone) for minutes in (span.start, span.end))
            if start < end:  # a range inside the hour that a clock change leaves out has no length
                yield start, end


def _moment(day: date, minutes: int, timezone: tzinfo) -> datetime:
    """Return the UTC moment of a local wall time, with the rule for clock changes of the module's docstring."""
    wall = datetime.combine(day, time.min, timezone) + timedelta(minutes=minutes)
    late = wall.replace(fold=0).astimezone(UTC)
    if late.astimezone(timezone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return late
    # The wall time does not exist (PEP 495: fold 1 gives the earlier moment); search for the end of the gap.
    early, offset = wall.replace(fold=1).astimezone(UTC), late.astimezone(timezone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if middle.astimezone(timezone).utcoffset() == offset:
            late = middle
        else:
            early = middle
    return late.replace(microsecond=0)
