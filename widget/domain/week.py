"""A week of one entry point by hours: the states that each was spent in, by the local time of its zone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

from widget.domain.evaluation import State
from widget.domain.history import Bucket, Change, Counts, Span, start_of
from widget.domain.readings import Reason


@dataclass(slots=True)
class Hour:
    """One hour of a week: seconds in each state, and ECE's numbers and the clicks in that time.

    `resting` are those of the seconds unavailable that lay outside the hours of the entry point.
    """

    seconds: dict[State, float] = field(default_factory=dict)
    resting: float = 0.0
    counts: Counts = field(default_factory=Counts)

    @property
    def state(self) -> State | None:
        """The state that the hour spent most of its time in; None where nothing is known."""
        return max(self.seconds, key=lambda state: self.seconds[state], default=None)

    def share(self, state: State) -> float:
        """Return the share of the known time that was spent in a state, 0 to 1."""
        return self._part(self.seconds.get(state, 0.0))

    @property
    def outside_hours(self) -> float:
        """The share of the known time that lay outside the hours."""
        return self._part(self.resting)

    def _part(self, seconds: float) -> float:
        known = sum(self.seconds.values())
        return seconds / known if known else 0.0


class Week(NamedTuple):
    """Hours by days: `hours[day][hour]` of seven days from `first`, by the local time of `zone`.

    An hour that a clock change leaves out is None; one that comes twice counts for two.
    """

    first: date
    zone: tzinfo
    hours: tuple[tuple[Hour | None, ...], ...]


def week_bounds(first: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the start and end (UTC) of seven days by the local time of a zone."""
    last = first + timedelta(days=7)
    start, end = (datetime.combine(day, time.min, zone).astimezone(UTC) for day in (first, last))
    return start, end


def week_by_hours(
    first: date,
    zone: tzinfo,
    *,
    before: Change | None,
    changes: Sequence[Change],
    buckets: Iterable[Bucket],
    now: datetime,
) -> Week:
    """Return a week from the changes of an entry point in order, the one `before` them, and its buckets of an hour."""
    start, end = week_bounds(first, zone)
    found: dict[tuple[date, int], Hour] = {}
    moment = start
    while moment < end:  # by quarters, since some zones are set by half an hour
        local = moment.astimezone(zone)
        found.setdefault((local.date(), local.hour), Hour())
        moment += timedelta(minutes=15)
    held = [before, *changes] if before else changes
    moments = [*(max(start, each.at) for each in held), min(now, end)]
    for change, (since, until) in zip(held, pairwise(moments), strict=True):
        for place, seconds in _by_hour(since, min(until, end), zone):
            hour = found.get(place)
            if hour is not None:
                hour.seconds[change.state] = hour.seconds.get(change.state, 0.0) + seconds
                hour.resting += seconds if change.reason is Reason.OUTSIDE_HOURS else 0.0
    for bucket in buckets:
        local = bucket.start.astimezone(zone)
        hour = found.get((local.date(), local.hour))
        if hour is not None:
            hour.counts.merge(bucket.counts)
    days = [first + timedelta(days=day) for day in range(7)]
    return Week(first, zone, tuple(tuple(found.get((day, each)) for each in range(24)) for day in days))


def _by_hour(since: datetime, until: datetime, zone: tzinfo) -> Iterable[tuple[tuple[date, int], float]]:
    moment = since
    while moment < until:
        local = moment.astimezone(zone)
        following = min(start_of(Span.HOUR, moment, zone) + timedelta(hours=1), until)
        if following <= moment:  # a zone that was set by less than an hour
            following = min(moment + timedelta(minutes=15), until)
        yield (local.date(), local.hour), (following - moment) / timedelta(seconds=1)
        moment = following
