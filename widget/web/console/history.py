"""`/console/history`: why an entry point was hidden, what was counted on a day, and a week as a chart."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from widget.application.history import History
from widget.application.switches import Switches
from widget.domain.evaluation import State
from widget.domain.history import Change, Counts
from widget.domain.readings import Reason
from widget.domain.switches import Act, Entry
from widget.domain.week import week_bounds
from widget.texts import marked as _
from widget.web.console.notices import hours_text, reason_text
from widget.web.console.sign_in import SignIn, Visit
from widget.web.console.states import BY_HAND, SHORT, SPECIAL_DAY, Badge, badge, why
from widget.web.console.week import day_lines, in_vain_chart, state_chart, wait_chart
from widget.web.console.wording import Wording

MOST_LINES = 300
_OUTCOMES = {"issued": _("Issued"), "taken_up": _("Taken up"), "refused": _("Refused")}
_SURVEYS = {"begun": _("Begun"), "sent": _("Sent"), "delivered": _("Delivered")}
_ACTS = {
    Act.CLOSE: (BY_HAND, _("%(by)s closed it.")),
    Act.REOPEN: (Badge("open", _("Reopened by hand")), _("%(by)s reopened it.")),
    Act.SET_DAY: (SPECIAL_DAY, _("%(by)s gave %(day)s these hours: %(hours)s.")),
    Act.CLEAR_DAY: (SPECIAL_DAY, _("%(by)s cleared the hours of %(day)s.")),
}


class Line(NamedTuple):
    """One line of the list: a change of state with ECE's numbers of that moment, or what a person did."""

    time: str
    iso: str
    entry_point: str
    badge: Badge
    text: str
    numbers: str
    lasted: str


class Held(NamedTuple):
    """The state of one entry point at the start of the day, and since when."""

    badge: Badge
    text: str
    since: str


class Row(NamedTuple):
    """One count: what, how many, and its share of its group in percent."""

    name: str
    number: int
    share: int


class Group(NamedTuple):
    """Counts that belong together, and what they are; `total` is 0 where they add up to nothing."""

    name: str
    about: str
    rows: tuple[Row, ...]
    total: int


class Spread(NamedTuple):
    """Lowest, mean and highest of a number, in words."""

    name: str
    lowest: str
    mean: str
    highest: str


class HistoryPage:
    """Shows one day, and the week that it lies in."""

    def __init__(self, sign_in: SignIn, history: History, switches: Switches) -> None:
        self._sign_in, self._history, self._switches = sign_in, history, switches

    def routes(self) -> list[Route]:
        return [Route("/console/history", self._sign_in.page(self.show, "history"), methods=["GET"])]

    async def show(self, visit: Visit) -> Response:
        """Show what was; an unknown entry point means all of them, a day that cannot be read means today."""
        asked = visit.asked("entry_point")
        every = await self._history.entry_points()
        name = asked if asked in every else None
        wording = visit.wording._replace(zone=self._history.zone(name))
        today = wording.now.astimezone(wording.zone).date()
        day = visit.asked_day("day", today, latest=today)
        start, end = (
            datetime(each.year, each.month, each.day, tzinfo=wording.zone).astimezone(UTC)
            for each in (day, day + timedelta(days=1))
        )
        drawn_for = name or next(iter(every), "")
        monday = day - timedelta(days=day.weekday())
        week_start, week_end = week_bounds(monday, self._history.zone(drawn_for))
        changes, acts, totals, buckets = await asyncio.gather(
            self._history.changes(since=start, until=end, entry_point=name, limit=MOST_LINES + 1),
            self._switches.log(since=start, until=end, entry_point=name, limit=MOST_LINES),
            self._history.totals(since=start, until=end, entry_points=[name] if name else every),
            self._history.buckets(since=start, until=end, entry_point=name),
        )
        week, in_vain, before = await asyncio.gather(
            self._history.week(drawn_for, monday),
            self._history.in_vain(since=week_start, until=week_end, entry_point=drawn_for),
            self._history.state_before(name or "", start),
        )
        counts = Counts()
        for each in totals:
            counts.merge(each.counts)

        def draw() -> Response:
            return self._sign_in.pages.page(
                "history.html",
                visit.frame,
                kept=self._history.kept,
                entry_points=every,
                entry_point=name or "",
                day=day.isoformat(),
                day_name=wording.day(day),
                before=(day - timedelta(days=1)).isoformat(),
                after=(day + timedelta(days=1)).isoformat() if day < today else "",
                today=today.isoformat(),
                zone=wording.zone_name,
                lines=_lines(changes[:MOST_LINES], acts, min(end, wording.now), wording),
                held=_held(before, wording),
                cut=len(changes) > MOST_LINES,
                groups=list(_groups(counts, wording)),
                spreads=list(_spreads(counts, wording)),
                day_charts=list(day_lines(buckets, start, end, wording)),
                week_charts=[
                    state_chart(week, wording),
                    wait_chart(week, wording),
                    in_vain_chart(in_vain, monday, wording),
                ],
                week_name=wording.day(monday),
                drawn_for=drawn_for,
            )

        # hundreds of lines and fields: visitors on the event loop shall not wait for them
        return await asyncio.to_thread(draw)


def _lines(changes: Sequence[Change], acts: Sequence[Entry], end: datetime, wording: Wording) -> list[Line]:
    """Return changes and acts together, the newest first; each change lasted until the next of its entry point."""
    found: list[tuple[datetime, Line]] = []
    following: dict[str, datetime] = {}
    for change in changes:
        until = following.get(change.entry_point, end)
        following[change.entry_point] = change.at
        found.append((change.at, _change(change, until, wording)))
    found += [(act.at, _act(act, wording)) for act in acts]
    return [line for _, line in sorted(found, key=lambda each: each[0], reverse=True)]


def _change(change: Change, until: datetime, wording: Wording) -> Line:
    return Line(
        time=wording.time(change.at, seconds=True),
        iso=change.at.isoformat(timespec="seconds"),
        entry_point=change.entry_point,
        badge=badge(change.state, change.reason),
        text=_why(change, wording),
        numbers=wording.queue(change.wait_time, change.queue_depth),
        lasted=wording.duration((until - change.at).total_seconds()),
    )


def _held(change: Change | None, wording: Wording) -> Held | None:
    if change is None:
        return None
    since = wording.say(_("since %(moment)s"), moment=wording.moment(change.at))
    return Held(badge(change.state, change.reason), _why(change, wording), since)


def _why(change: Change, wording: Wording) -> str:
    """Return the sentence of a change; what was kept of one does not tell a person from the settings."""
    by_hand = _("It was closed by hand, or the settings switched it off.")
    return wording.say(by_hand if change.reason is Reason.SWITCHED_OFF else why(change.state, change.reason))


def _act(act: Entry, wording: Wording) -> Line:
    shown, sentence = _ACTS[act.act]
    values = {"by": act.by}
    if act.day is not None:
        values |= {"day": wording.day(act.day), "hours": hours_text(act.ranges, wording)}
    text = wording.say(sentence, **values)
    if act.until is not None:
        text += " " + wording.say(_("Until %(until)s."), until=wording.moment(act.until))
    if act.words is not None:
        text += " " + reason_text(act.words, wording)
    time = wording.time(act.at, seconds=True)
    return Line(time, act.at.isoformat(timespec="seconds"), act.entry_point, shown, text, "", "")


def _groups(counts: Counts, wording: Wording) -> Iterable[Group]:
    reasons = {reason.value: SHORT[reason] for reason in Reason}
    answers = {State.AVAILABLE.value: _("Open"), **reasons}
    clicks = {"opened": _("Chat opened"), **reasons}
    about_answers = _(
        "Answers that this server gave. A CDN and open tabs stand between them and visitors, so this is no number of "
        "people."
    )
    groups = (
        ("clicks", _("Clicks"), _("Every click on the button that asked this server for a chat: exact."), clicks),
        ("answers", _("Answers given"), about_answers, answers),
        ("tickets", _("Launch tickets"), _("One for each chat that was opened; taken up at its end."), _OUTCOMES),
        ("surveys", _("Surveys"), _("Forms that were begun, sent, and delivered to ECE."), _SURVEYS),
    )
    for group, name, about, words in groups:
        numbers = counts.of(group)
        steps = group in ("tickets", "surveys")  # each a part of the one before, so they add up to nothing
        whole = max(numbers.values(), default=0) if steps else sum(numbers.values())
        order = list(words) if steps else sorted(numbers, key=lambda each: -numbers[each])
        rows = tuple(
            Row(wording.say(words.get(each, each)), numbers[each], round(100 * numbers[each] / whole))
            for each in order
            if each in numbers
        )
        yield Group(wording.say(name), wording.say(about), rows, 0 if steps else whole)


def _spreads(counts: Counts, wording: Wording) -> Iterable[Spread]:
    for name, spread, words in (
        (_("Wait"), counts.wait, wording.duration),
        (_("Queue"), counts.depth, wording.decimal),
    ):
        if spread.lowest is not None and spread.highest is not None and spread.mean is not None:
            yield Spread(wording.say(name), words(spread.lowest), words(spread.mean), words(spread.highest))
