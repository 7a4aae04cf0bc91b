"""What happened: the reading side of the history, for the console and the `report` command.

Times are aware and in UTC, waits and ages in seconds. "Answers" are public answers that this server gave: a CDN and
open tabs stand between them and visitors. Clicks are exact. Every coroutine raises OutboxUnavailable while the database
is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple, Protocol

from widget.application.clock import Clock
from widget.domain.history import Bucket, Change, Counts, Period, Process, Span, local_day, period_of, pieces, start_of
from widget.domain.week import Week, week_bounds, week_by_hours

LONGEST_DAY = timedelta(hours=26)
SEEN_WITHIN = timedelta(seconds=30)  # a process that wrote nothing for longer is no part of the fleet any more


class Reads(Protocol):
    """What this needs of the database; `store/history.py` says what each returns."""

    async def counts(
        self, span: Span, since: datetime, until: datetime, entry_points: Collection[str] | None = None
    ) -> list[Bucket]: ...

    async def sums(self, span: Span, since: datetime, until: datetime) -> list[Bucket]: ...

    async def in_vain(
        self, span: Span, since: datetime, until: datetime, entry_points: Collection[str] | None = None
    ) -> list[tuple[datetime, int, int]]: ...

    async def changes(
        self, since: datetime, until: datetime, entry_point: str | None = None, limit: int | None = None
    ) -> list[Change]: ...

    async def last_changes(self, entry_points: Sequence[str], before: datetime | None = None) -> dict[str, Change]: ...

    async def names(self) -> list[str]: ...

    async def processes(self, seen_since: datetime) -> list[Process]: ...


class Total(NamedTuple):
    """What was counted in a period; `days` are its first and last, None for the whole time that was asked for."""

    entry_point: str
    days: Period | None
    counts: Counts


class InVain(NamedTuple):
    """Clicks of one hour of the day (0 to 23, local time) on one weekday (0 is Monday), added up over a time."""

    weekday: int
    hour: int
    opened: int
    in_vain: int


class History:
    """Reads. `kept` says whether the settings want a history; `zones` are those of the entry points."""

    def __init__(self, store: Reads, zones: Mapping[str, tzinfo], *, kept: bool, clock: Clock) -> None:
        self._store, self._zones, self._clock = store, zones, clock
        self.kept = kept

    def zone(self, entry_point: str | None) -> tzinfo:
        """Return the time zone in which an entry point's days are counted; of all, or an unknown one, the first's."""
        return self._zones.get(entry_point or "") or next(iter(self._zones.values()), UTC)

    async def changes(
        self, *, since: datetime, until: datetime, entry_point: str | None = None, limit: int | None = 500
    ) -> list[Change]:
        """Return changes of state from `since` to before `until`, the newest first."""
        return await self._store.changes(since, until, entry_point, limit)

    async def entry_points(self) -> list[str]:
        """Return those of the settings, then those that anything was counted for before they were taken out of them."""
        return [*self._zones, *(name for name in await self._store.names() if name and name not in self._zones)]

    async def state_before(self, entry_point: str, moment: datetime) -> Change | None:
        """Return the last change before a moment: what held at it."""
        return (await self._store.last_changes([entry_point], moment)).get(entry_point)

    async def buckets(self, *, since: datetime, until: datetime, entry_point: str | None = None) -> list[Bucket]:
        """Return buckets of five minutes in order, of one entry point or added up over all, without empty ones."""
        if entry_point is None:
            return await self._store.sums(Span.FIVE_MINUTES, since, until)
        return await self._store.counts(Span.FIVE_MINUTES, since, until, [entry_point])

    async def week(self, entry_point: str, first: date) -> Week:
        """Return hours by days from `first` on, each with its state, ECE's numbers and the clicks, in local time."""
        zone = self.zone(entry_point)
        start, end = week_bounds(first, zone)
        changes, before, hours = await asyncio.gather(
            self._store.changes(start, end, entry_point),
            self.state_before(entry_point, start),
            self._store.counts(Span.HOUR, start, end, [entry_point]),
        )
        return week_by_hours(first, zone, before=before, changes=changes[::-1], buckets=hours, now=self._clock.now())

    async def in_vain(self, *, since: datetime, until: datetime, entry_point: str | None = None) -> list[InVain]:
        """Return clicks by weekday and hour, those of hours without any left out, for staffing to follow."""
        found: dict[tuple[int, int], tuple[int, int]] = {}
        wanted = self._all_by_zone(self._zones) if entry_point is None else self._by_zone([entry_point])
        for zone, names in wanted.items():
            for start, opened, refused in await self._store.in_vain(Span.HOUR, since, until, names):
                local = start.astimezone(zone)
                before = found.get((local.weekday(), local.hour), (0, 0))
                found[local.weekday(), local.hour] = (before[0] + opened, before[1] + refused)
        return [InVain(*key, *numbers) for key, numbers in sorted(found.items()) if any(numbers)]

    async def totals(
        self,
        *,
        since: datetime | date,
        until: datetime | date,
        entry_points: Collection[str] | None = None,
        by: str | None = None,
    ) -> list[Total]:
        """Return what was counted from `since` to before `until` for each entry point, by `day`, `week` or `month`.

        A day begins at midnight of the entry point's zone; a moment is moved to the start of its five minutes. Entry
        points that the settings no longer name count too, unless `entry_points` names others. Periods and entry points
        without counts are left out. Raise ValueError for another `by`.
        """
        every = entry_points is None
        wanted = self._all_by_zone(await self._store.names()) if every else self._by_zone(entry_points or ())
        found: dict[tuple[Period | None, str], Counts] = {}
        for zone, those in wanted.items():
            for span, start, end in pieces(_moment(since, zone), _moment(until, zone), zone):
                for day, bucket in await self._by_day(span, start, end, zone, those):
                    period = None if by is None else period_of(day, by)
                    found.setdefault((period, bucket.entry_point), Counts()).merge(bucket.counts)
        keys = sorted(found, key=lambda key: (key[0] or (date.min, date.min), key[1]))
        return [Total(name, period, found[period, name]) for period, name in keys]

    async def _by_day(
        self, span: Span, start: datetime, end: datetime, zone: tzinfo, names: Collection[str] | None
    ) -> list[tuple[date, Bucket]]:
        """Return buckets with the day that each belongs to.

        Days that were counted while an entry point had another zone reach over the ends of those of this one, and
        would be counted in part twice: such an entry point is read by the hour.
        """
        if span is not Span.DAY:
            buckets = await self._store.counts(span, start, end, names)
            return [(bucket.start.astimezone(zone).date(), bucket) for bucket in buckets]
        days = await self._store.counts(span, start - LONGEST_DAY, end, names)
        moved = {each.entry_point for each in days if each.start != start_of(span, each.start, zone)}
        found = [
            (local_day(each, zone), each) for each in days if each.start >= start and each.entry_point not in moved
        ]
        if moved:
            found += await self._by_day(Span.HOUR, start, end, zone, moved)
        return found

    async def since(self, entry_points: Sequence[str]) -> dict[str, Change]:
        """Return the last change of each entry point, where there is one."""
        return await self._store.last_changes(entry_points)

    async def last_hour(self, entry_points: Sequence[str]) -> dict[str, list[Bucket]]:
        """Return the buckets of five minutes of the last hour, in order, of each entry point that has any."""
        found: dict[str, list[Bucket]] = {}
        now = self._clock.now()
        for each in await self._store.counts(Span.FIVE_MINUTES, now - timedelta(hours=1), now, entry_points):
            found.setdefault(each.entry_point, []).append(each)
        return found

    async def processes(self) -> tuple[Process, ...]:
        """Return the processes of the fleet that wrote lately."""
        return tuple(await self._store.processes(self._clock.now() - SEEN_WITHIN))

    def _by_zone(self, names: Iterable[str]) -> dict[tzinfo, Collection[str] | None]:
        zones: dict[tzinfo, list[str]] = {}
        for name in names:
            zones.setdefault(self.zone(name), []).append(name)
        return {**zones}

    def _all_by_zone(self, names: Iterable[str]) -> dict[tzinfo, Collection[str] | None]:
        """Return the same for all there are: None where they have one zone, so that no row is compared with names."""
        zones = self._by_zone(names)
        return dict.fromkeys(zones, None) if len(zones) == 1 else zones


def _moment(time: datetime | date, zone: tzinfo) -> datetime:
    return time if isinstance(time, datetime) else datetime(time.year, time.month, time.day, tzinfo=zone)
