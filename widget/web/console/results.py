"""`/console/results`: what people said about their chats, with the queue as it was when they opened them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from widget.application.results import FIGURE_COLUMNS, Question, Report, Results, Search, figure_rows
from widget.domain.results import FEWEST, Figures, Given, Mark, Scope, Share
from widget.domain.spreadsheet import BYTE_ORDER_MARK, cell
from widget.domain.survey import Kind
from widget.settings import EntryPointSettings
from widget.texts import marked as _
from widget.web.console.door import Door, Visit
from widget.web.console.pictures import Point, line
from widget.web.console.week import Picture, Table
from widget.web.console.wording import Wording

DAYS = (7, 30, 90, 365)
EARLIEST, LATEST = date(1971, 1, 1), date(2400, 1, 1)
LONGEST_WORD = 200  # characters of a search
_KINDS = {
    Kind.RATING: _("Rating"),
    Kind.NPS: _("0 to 10"),
    Kind.CHOICE: _("One choice"),
    Kind.CHOICES: _("Several choices"),
    Kind.YES_NO: _("Yes or no"),
    Kind.TEXT: _("Text"),
}
_GROUPS = {
    "detractors": _("Detractors (0 to 6)"),
    "passives": _("Passives (7 and 8)"),
    "promoters": _("Promoters (9 and 10)"),
}
_YES_NO = {"yes": _("Yes"), "no": _("No")}


class Row(NamedTuple):
    """One value: its words, how many chose it, their share in percent, and the interval in words."""

    words: str
    number: int
    percent: int
    share: str
    interval: str


class Shown(NamedTuple):
    """One version of a question; `score` and `change` are empty where too few answered."""

    text: str
    kind: str
    current: bool
    answered: int
    too_few: bool
    score_name: str
    score: str
    change: str
    top: str
    rows: tuple[Row, ...]
    groups: tuple[Row, ...]
    picture: Picture


class Said(NamedTuple):
    """One answered survey: when, where, how the queue was, and pairs of question and answer."""

    iso: str
    time: str
    entry_point: str
    language: str
    queue: str
    answers: tuple[tuple[str, str], ...]


class Value(NamedTuple):
    """A value of a question that answers can be searched for, as it stands in the query."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class ResultsContext:
    """The fields of `results.html`. Days are ISO 8601, UTC; texts are empty where nothing is chosen or known.

    `query` is the period and what it is of, encoded, for links that add to it.
    """

    surveys: tuple[str, ...]
    survey: str
    entry_points: tuple[str, ...]
    entry_point: str
    languages: tuple[tuple[str, str], ...]
    language: str
    since: str
    until: str
    periods: tuple[tuple[int, str], ...]
    query: str
    answered: int
    change: str
    rate: str
    fewest: int
    questions: tuple[Shown, ...]
    word: str
    values: tuple[Value, ...]
    value: str
    said: tuple[Said, ...]
    more: str
    looked_far: bool


class ResultsPage:
    """Shows one survey and period."""

    def __init__(self, door: Door, results: Results, entry_points: Mapping[str, EntryPointSettings]) -> None:
        self._door, self._results, self._entry_points = door, results, entry_points

    def routes(self) -> list[Route]:
        return [
            Route("/console/results", self._door.page(self.show, "results"), methods=["GET"]),
            Route("/console/results.csv", self._door.page(self.download, "results"), methods=["GET"]),
        ]

    async def show(self, visit: Visit) -> Response:
        """Show figures and answers; what is asked for and is not there is as if it was not asked for."""
        surveys = await self._results.surveys()
        scope = self._scope(visit, surveys)
        report = await self._results.report(scope)
        search = _search(visit)
        found = await self._results.find(scope, search, _mark(visit.asked("before")))
        wording = Wording(visit.wording.texts, visit.wording.language, UTC, visit.wording.now)
        languages = await self._results.languages(scope.survey)
        query = _query(scope)
        searched = urlencode({name: text for name, text in _searched(search).items() if text})
        context = ResultsContext(
            surveys=tuple(surveys),
            survey=scope.survey,
            entry_points=tuple(self._entry_points),
            entry_point=scope.entry_point or "",
            languages=tuple((tag, wording.texts.name(tag)) for tag in languages if tag),
            language=scope.language or "",
            since=scope.since.isoformat(),
            until=(scope.until - timedelta(days=1)).isoformat(),
            periods=tuple((days, _period_address(scope, days, wording.now)) for days in DAYS),
            query=query,
            answered=report.answered,
            change=_signed(report.answered - report.before, wording),
            rate=_rate(report, wording),
            fewest=FEWEST,
            questions=tuple(_shown(each, wording) for each in report.questions),
            word=search.word,
            values=tuple(_values(report, wording)),
            value=f"{search.question}:{search.value}" if search.question else "",
            said=tuple(_said(each, wording) for each in found.given),
            more=f"{query}&{searched}&before={_text(found.next)}" if found.next is not None else "",
            looked_far=found.next is not None and not found.given,
        )
        return self._door.pages.page("results.html", visit.frame, context)

    async def download(self, visit: Visit) -> Response:
        """Return what the page shows as CSV: the figures, or with `of=answers` the answers."""
        scope = self._scope(visit, await self._results.surveys())
        file = io.StringIO()
        file.write(BYTE_ORDER_MARK)
        writer = csv.writer(file, lineterminator="\r\n")  # RFC 4180
        if visit.asked("of") == "answers":
            found = await self._results.find(scope, _search(visit), _mark(visit.asked("before")))
            lines = _answer_lines(found.given)
        else:
            lines = (FIGURE_COLUMNS, *figure_rows(await self._results.report(scope)))
        for each in lines:
            writer.writerow(cell(part) if isinstance(part, str) else part for part in each)
        headers = {"Content-Disposition": 'attachment; filename="results.csv"', "X-Robots-Tag": "noindex, nofollow"}
        return Response(file.getvalue().encode(), headers=headers, media_type="text/csv; charset=utf-8")

    def _scope(self, visit: Visit, surveys: Sequence[str]) -> Scope:
        today = visit.wording.now.astimezone(UTC).date()
        until = _day(visit.asked("until"), today) + timedelta(days=1)
        since = min(_day(visit.asked("since"), until - timedelta(days=30)), until - timedelta(days=1))
        survey, entry_point, language = (visit.asked(name) for name in ("survey", "entry_point", "language"))
        return Scope(
            survey if survey in surveys else next(iter(surveys), ""),
            since,
            until,
            entry_point if entry_point in self._entry_points else None,
            language if language in visit.wording.texts.languages else None,
        )


def _period_address(scope: Scope, days: int, now: datetime) -> str:
    until = now.astimezone(UTC).date() + timedelta(days=1)
    period = Scope(scope.survey, until - timedelta(days=days), until, scope.entry_point, scope.language)
    return _query(period)


def _query(scope: Scope) -> str:
    last = scope.until - timedelta(days=1)
    parts = {"survey": scope.survey, "since": scope.since.isoformat(), "until": last.isoformat()}
    parts |= {"entry_point": scope.entry_point or "", "language": scope.language or ""}
    return urlencode({name: text for name, text in parts.items() if text})


def _day(text: str, otherwise: date) -> date:
    try:
        return min(max(date.fromisoformat(text), EARLIEST), LATEST)
    except ValueError:
        return otherwise


def _search(visit: Visit) -> Search:
    question, _colon, value = visit.asked("value").partition(":")
    return Search(visit.asked("word").strip()[:LONGEST_WORD], question, value)


def _searched(search: Search) -> dict[str, str]:
    return {"word": search.word, "value": f"{search.question}:{search.value}" if search.question else ""}


def _mark(text: str) -> Mark | None:
    """Return the place that a link of ours named; what is none is the beginning."""
    moment, _dot, id = text.partition(".")
    if not (moment.isdecimal() and id.isdecimal() and len(moment) < 15 and len(id) < 19):
        return None
    return Mark(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(moment)), int(id))


def _text(mark: Mark | None) -> str:
    if mark is None:
        return ""
    return f"{(mark.accepted_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)}.{mark.id}"


def _rate(report: Report, wording: Wording) -> str:
    if not report.begun:
        return ""
    share = wording.percent(min(1.0, report.answered / report.begun))
    return wording.say(_("%(share)s of %(number)s that were begun"), share=share, number=wording.number(report.begun))


def _shown(question: Question, wording: Wording) -> Shown:
    found = question.figures
    kind = found.version.kind
    score = "" if found.score is None else wording.decimal(found.score)
    return Shown(
        text=found.version.text,
        kind=wording.say(_KINDS[kind]),
        current=question.current,
        answered=found.answered,
        too_few=found.answered < FEWEST and kind in (Kind.RATING, Kind.NPS),
        score_name=wording.say(_("Net Promoter Score") if kind is Kind.NPS else _("Mean")),
        score=score,
        change="" if found.change is None else _signed(found.change, wording),
        top=_top(found, wording),
        rows=tuple(_row(each, kind, wording) for each in found.shares),
        groups=tuple(_row(each, kind, wording, wording.say(_GROUPS[each.value])) for each in found.groups),
        picture=_picture(question, wording),
    )


def _top(found: Figures, wording: Wording) -> str:
    if found.top is None or found.top.share is None or found.answered < FEWEST:
        return ""
    words = _words(found.top, found.version.kind, wording)
    return wording.say(_("%(share)s chose %(value)s"), share=wording.percent(found.top.share), value=words)


def _row(share: Share, kind: Kind, wording: Wording, words: str | None = None) -> Row:
    if share.share is None or share.low is None or share.high is None:
        return Row(words or _words(share, kind, wording), share.number, 0, "", "")
    interval = f"{wording.percent(share.low)}–{wording.percent(share.high)}"
    return Row(
        words or _words(share, kind, wording),
        share.number,
        round(100 * share.share),
        wording.percent(share.share),
        interval,
    )


def _words(share: Share, kind: Kind, wording: Wording) -> str:
    """Return a value as it is read; a number has its label behind it."""
    if share.words != share.value:
        return f"{share.value}: {share.words}" if share.value.isdecimal() else share.words
    return wording.say(_YES_NO[share.value]) if kind is Kind.YES_NO else share.value


def _picture(question: Question, wording: Wording) -> Picture:
    found, steps = question.figures, question.line
    kind = found.version.kind
    scored = kind in (Kind.RATING, Kind.NPS)
    lowest, highest = 0.0, float(max((each.answered for each in steps), default=0))
    if kind is Kind.NPS:
        lowest, highest = -100.0, 100.0
    elif scored:
        highest = float(len(found.version.options))
    points = [
        Point(
            at / max(1, len(steps) - 1),
            (None if each.score is None else each.score - lowest) if scored else float(each.answered),
        )
        for at, each in enumerate(steps)
    ]
    name = wording.say(_("Over time")) if scored else wording.say(_("Answers over time"))
    about = wording.say(_("A piece of the line has %(number)s answers at least."), number=FEWEST) if scored else ""
    head = [wording.say(_("From")), wording.say(_("Answers"))]
    if scored:
        head.append(wording.say(_("Net Promoter Score") if kind is Kind.NPS else _("Mean")))
    rows = tuple(
        (
            wording.day(each.day),
            wording.number(each.answered),
            *(["" if each.score is None else wording.decimal(each.score)] if scored else []),
        )
        for each in steps
        if each.answered
    )
    drawing = line(points, name=name, highest=highest - lowest, mirrored=wording.direction == "rtl")
    return Picture(name, about, drawing, (), Table(tuple(head), rows))


def _values(report: Report, wording: Wording) -> Iterable[Value]:
    """Yield what answers can be searched for: each value of each question that is put now."""
    for question in report.questions:
        version = question.figures.version
        if question.current and version.kind is not Kind.TEXT:
            for share in question.figures.shares:
                words = _words(share, version.kind, wording)
                yield Value(f"{version.question}:{share.value}", f"{version.text} {words}")


def _said(given: Given, wording: Wording) -> Said:
    numbers = []
    if given.wait_time is not None:
        numbers.append(wording.say(_("wait %(wait)s"), wait=wording.duration(given.wait_time)))
    if given.queue_depth is not None:
        numbers.append(wording.say(_("%(number)s waiting"), number=wording.number(given.queue_depth)))
    return Said(
        iso=given.mark.accepted_at.isoformat(timespec="seconds"),
        time=wording.moment(given.mark.accepted_at),
        entry_point=given.entry_point,
        language=wording.texts.name(given.language) if given.language in wording.texts.languages else "",
        queue=", ".join(numbers),
        answers=tuple((each.question, each.answer) for each in given.answers),
    )


def _signed(number: float, wording: Wording) -> str:
    sign = "+" if round(number, 1) > 0 else "−" if round(number, 1) < 0 else "±"
    return sign + wording.decimal(abs(number))


def _answer_lines(given: Sequence[Given]) -> Iterable[Sequence[object]]:
    yield ("acceptedAt", "entryPoint", "language", "waitTime", "queueDepth", "question", "answer")
    for each in given:
        about = (each.mark.accepted_at.isoformat(), each.entry_point, each.language, each.wait_time, each.queue_depth)
        for answer in each.answers:
            yield (*about, answer.question, answer.answer)
