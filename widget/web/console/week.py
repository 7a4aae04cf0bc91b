"""The charts of the history: a day as lines, a week as hours by days, each with its table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from markupsafe import Markup

from widget.application.history import InVain
from widget.domain.evaluation import State
from widget.domain.history import Bucket, Spread
from widget.domain.week import Hour, Week
from widget.texts import marked as _
from widget.web.console.charts import Cell, Point, grid, line
from widget.web.console.states import CLOSED, OPEN, RESTING, UNKNOWN, Badge
from widget.web.console.wording import Wording

_HOURS = [f"{hour:02}" for hour in range(24)]
# The mean wait of an hour by the first of these that it is not above, in seconds.
_WAITS = (
    (60, "step-1", _("up to 1 minute")),
    (180, "step-2", _("up to 3 minutes")),
    (300, "step-3", _("up to 5 minutes")),
    (600, "step-4", _("up to 10 minutes")),
    (float("inf"), "step-5", _("more than 10 minutes")),
)


class Table(NamedTuple):
    """What a chart shows, as text: `rows` begin with their name."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Chart(NamedTuple):
    """A chart with its title, a sentence about it, its legend (tone and words), its table, and the names below it."""

    title: str
    about: str
    drawing: Markup
    legend: tuple[tuple[str, str], ...]
    table: Table
    axis: tuple[str, ...] = ()


def day_lines(buckets: Sequence[Bucket], start: datetime, end: datetime, wording: Wording) -> Iterator[Chart]:
    """Draw mean wait and queue of a day over its five minutes, and name lowest and highest in the table by hour."""
    kinds: tuple[tuple[str, Callable[[Bucket], Spread], Callable[[float], str]], ...] = (
        (_("Wait over the day"), lambda bucket: bucket.counts.wait, wording.duration),
        (_("Queue over the day"), lambda bucket: bucket.counts.depth, wording.decimal),
    )
    for title, spread_of, words in kinds:
        hours: dict[str, Spread] = {}
        points, highest = [], 0.0
        last = start
        for bucket in buckets:
            spread = spread_of(bucket)
            if spread.mean is None:
                continue
            if bucket.start - last > timedelta(minutes=15):
                points.append(Point((last - start) / (end - start), None))  # nobody asked meanwhile
            last = bucket.start
            points.append(Point((bucket.start - start) / (end - start), spread.mean))
            highest = max(highest, spread.mean)
            hours.setdefault(wording.hour(bucket.start), Spread()).merge(spread)
        rows = tuple(
            (hour, words(each.lowest or 0), words(each.mean or 0), words(each.highest or 0))
            for hour, each in hours.items()
        )
        name = wording.say(title)
        about = (
            wording.say(_("At most %(highest)s, as a mean of five minutes."), highest=words(highest)) if rows else ""
        )
        drawing = line(points, name=name, highest=highest, mirrored=wording.mirrored)
        head = tuple(map(wording.say, (_("Hour"), _("Lowest"), _("Mean"), _("Highest"))))
        yield Chart(name, about, drawing, (), Table(head, rows), _quarters(start, end, wording) if rows else ())


def _quarters(start: datetime, end: datetime, wording: Wording) -> tuple[str, ...]:
    """Return the times at the quarters of a day; those of a day with a clock change are within an hour."""
    moments = [start + (end - start) * quarter / 4 for quarter in range(5)]
    whole = all(moment.minute == moments[0].minute for moment in moments)
    return tuple(map(wording.hour if whole else wording.time, moments))


def state_chart(week: Week, wording: Wording) -> Chart:
    """Draw how much of each hour was spent open, closed and unknown."""

    def cell(hour: Hour, place: str) -> Cell:
        return Cell(tuple((each.tone, share) for each, share in _parts(hour)), f"{place}: {_shares(hour, wording)}")

    name = wording.say(_("The week by state"))
    return Chart(
        title=name,
        about=wording.say(_("Each field is one hour; its width is divided by the time in each state.")),
        drawing=_draw(week, name, cell, wording),
        legend=tuple((each.tone, wording.say(each.word)) for each in (OPEN, CLOSED, RESTING, UNKNOWN)),
        table=_table(week, wording, lambda hour: _shares(hour, wording)),
    )


def wait_chart(week: Week, wording: Wording) -> Chart:
    """Draw the mean wait of each hour in five steps."""

    def cell(hour: Hour, place: str) -> Cell:
        mean = hour.counts.wait.mean
        if mean is None:
            return Cell((), f"{place}: {wording.say(_('no number'))}")
        tone = next(tone for limit, tone, _words in _WAITS if mean <= limit)
        return Cell(((tone, 1.0),), f"{place}: {wording.duration(mean)}")

    def words(hour: Hour) -> str:
        return "" if hour.counts.wait.mean is None else wording.duration(hour.counts.wait.mean)

    name = wording.say(_("The week by wait"))
    return Chart(
        title=name,
        about=wording.say(_("The mean wait of each hour, as ECE gave it.")),
        drawing=_draw(week, name, cell, wording),
        legend=tuple((tone, wording.say(text)) for _limit, tone, text in _WAITS),
        table=_table(week, wording, words),
    )


def in_vain_chart(clicks: Iterable[InVain], monday: date, wording: Wording) -> Chart:
    """Draw the clicks that opened no chat by weekday and hour, darker for more."""
    found: Mapping[tuple[int, int], InVain] = {(each.weekday, each.hour): each for each in clicks}
    most = max((each.in_vain for each in found.values()), default=0)
    names = _days(monday, wording)

    def cell(day: int, hour: int) -> Cell:
        each = found.get((day, hour))
        number = each.in_vain if each else 0
        title = f"{names[day]} {_HOURS[hour]}: {wording.number(number)}"
        if not number:
            return Cell((), title)
        step = 1 + min(4, 5 * number // (most + 1))
        return Cell(((f"step-{step}", 1.0),), title, wording.number(number) if number < 1000 else "")

    rows = [(names[day], [cell(day, hour) for hour in range(24)]) for day in range(7)]
    name = wording.say(_("Clicks in vain"))
    head = tuple(map(wording.say, (_("Day and hour"), _("Clicks in vain"), _("Chats opened"))))
    table = tuple(
        (f"{names[each.weekday]} {_HOURS[each.hour]}", wording.number(each.in_vain), wording.number(each.opened))
        for each in found.values()
    )
    return Chart(
        title=name,
        about=wording.say(_("Visitors who asked for a chat and got none, for staffing to follow.")),
        drawing=grid(rows, _HOURS, name=name, mirrored=wording.mirrored),
        legend=(),
        table=Table(head, table),
    )


def _draw(week: Week, name: str, draw: Callable[[Hour, str], Cell], wording: Wording) -> Markup:
    rows = []
    for label, hours in zip(_days(week.first, wording), week.hours, strict=True):
        fields = [None if each is None else draw(each, f"{label} {_HOURS[hour]}") for hour, each in enumerate(hours)]
        rows.append((label, fields))
    return grid(rows, _HOURS, name=name, mirrored=wording.mirrored)


def _days(first: date, wording: Wording) -> tuple[str, ...]:
    return tuple(wording.weekday(first + timedelta(days=day)) for day in range(7))


def _table(week: Week, wording: Wording, words: Callable[[Hour], str]) -> Table:
    missing = wording.say(_("no such hour"))
    rows = tuple(
        (name, *(missing if (each := hours[hour]) is None else words(each) for hours in week.hours))
        for hour, name in enumerate(_HOURS)
    )
    return Table((wording.say(_("Hour")), *_days(week.first, wording)), rows)


def _parts(hour: Hour) -> list[tuple[Badge, float]]:
    """Return the shares of the hour in each state; what was outside hours is told from what was closed within them."""
    resting = min(hour.outside_hours, hour.share(State.UNAVAILABLE))
    parts = [
        (OPEN, hour.share(State.AVAILABLE)),
        (CLOSED, hour.share(State.UNAVAILABLE) - resting),
        (RESTING, resting),
        (UNKNOWN, hour.share(State.UNKNOWN)),
    ]
    return [(badge, share) for badge, share in parts if share > 0]


def _shares(hour: Hour, wording: Wording) -> str:
    parts = [f"{wording.say(badge.word)} {wording.percent(share)}" for badge, share in _parts(hour)]
    return ", ".join(parts) or wording.say(_("no data"))
