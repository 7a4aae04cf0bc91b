"""`/console/results`: what people said about their chats, with the queue as it was when they opened them."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from widget.application.results import FIGURE_COLUMNS, Report, Results, Search, figure_rows
from widget.domain.results import FEWEST, Given, Mark, Scope
from widget.domain.spreadsheet import BYTE_ORDER_MARK, cell
from widget.settings import EntryPointSettings
from widget.texts import marked as _
from widget.web.console.result_views import (
    answered_survey,
    question_view,
    signed,
    values,
)
from widget.web.console.sign_in import SignIn, Visit
from widget.web.console.wording import Wording

DAYS = (7, 30, 90, 365)
LONGEST_WORD = 200  # characters of a search


class ResultsPage:
    """Shows one survey and period; `languages` are those of visitors' pages, by tag and name."""

    def __init__(
        self,
        sign_in: SignIn,
        results: Results,
        entry_points: Mapping[str, EntryPointSettings],
        languages: Mapping[str, str],
    ) -> None:
        self._sign_in, self._results = sign_in, results
        self._entry_points, self._languages = entry_points, languages

    def routes(self) -> list[Route]:
        return [
            Route("/console/results", self._sign_in.page(self.show, "results"), methods=["GET"]),
            Route("/console/results.csv", self._sign_in.page(self.download, "results"), methods=["GET"]),
        ]

    async def show(self, visit: Visit) -> Response:
        """Show figures and answers; what is asked for and is not there is as if it was not asked for."""
        surveys, places, scope = await self._chosen(visit)
        report = await self._results.report(scope)
        search = _search(visit)
        before = _mark(visit.asked("before"))
        found = await self._results.find(scope, search, before)
        languages = await self._results.languages(scope.survey)
        wording = visit.wording._replace(zone=UTC)
        searched = _searched(search)

        def draw() -> Response:
            return self._sign_in.pages.page(
                "results.html",
                visit.frame,
                surveys=surveys,
                survey=scope.survey,
                entry_points=places,
                entry_point=scope.entry_point or "",
                languages=[(tag, self._languages[tag]) for tag in languages if tag in self._languages],
                language=scope.language or "",
                since=scope.since.isoformat(),
                until=scope.last.isoformat(),
                days=(scope.until - scope.since).days,  # as long is the period before, which `change` compares with
                periods=[(days, _period_address(scope, days, wording.now)) for days in DAYS],
                query=_query(scope),  # for links that add to it
                answered=report.answered,
                change=signed(report.answered - report.before, wording),
                rate=_rate(report, wording),
                fewest=FEWEST,
                questions=[question_view(each, wording) for each in report.questions],
                word=search.word,
                values=list(values(report, wording)),
                value=searched["value"],
                said=[answered_survey(each, found.versions, self._languages, wording) for each in found.given],
                whole=not search.written,  # surveys in which nothing was written are read too
                these=_query(scope, **searched, before=_text(before)),
                more=_query(scope, **searched, before=_text(found.next)) if found.next is not None else "",
                looked_far=found.next is not None and not found.given,
            )

        # a hundred figures and what people wrote: visitors on the event loop shall not wait for them
        return await asyncio.to_thread(draw)

    async def download(self, visit: Visit) -> Response:
        """Return what the page shows as CSV: the figures, or with `of=answers` the answers.

        Spreadsheets read it with the separators of the page's language: where a comma is the decimal mark, they would
        take "3.8" for a day in August, and the whole line for one cell.
        """
        decimal = visit.wording.decimal_mark
        _, _, scope = await self._chosen(visit)
        file = io.StringIO()
        file.write(BYTE_ORDER_MARK)
        writer = csv.writer(file, delimiter=";" if decimal == "," else ",", lineterminator="\r\n")  # RFC 4180
        if visit.asked("of") == "answers":
            found = await self._results.find(scope, _search(visit), _mark(visit.asked("before")))
            lines = _answer_lines(found.given)
        else:
            lines = (FIGURE_COLUMNS, *figure_rows(await self._results.report(scope)))
        for each in lines:
            writer.writerow(_cell(part, decimal) for part in each)
        headers = {"Content-Disposition": 'attachment; filename="results.csv"', "X-Robots-Tag": "noindex, nofollow"}
        return Response(file.getvalue().encode(), headers=headers, media_type="text/csv; charset=utf-8")

    async def _chosen(self, visit: Visit) -> tuple[Sequence[str], Sequence[str], Scope]:
        """Return the surveys and the entry points that there are to choose from, and what was chosen.

        Those that left the settings are behind the others, as long as anything of them is known.
        """
        surveys = await self._results.surveys()
        survey = visit.asked("survey")
        survey = survey if survey in surveys else next(iter(surveys), "")
        answered = await self._results.entry_points(survey)
        places = [*self._entry_points, *(name for name in answered if name and name not in self._entry_points)]
        return surveys, places, self._scope(visit, survey, places)

    def _scope(self, visit: Visit, survey: str, places: Sequence[str]) -> Scope:
        today = visit.wording.now.astimezone(UTC).date()
        until = visit.asked_day("until", today, latest=today) + timedelta(days=1)
        since = visit.asked_day("since", until - timedelta(days=30), latest=until - timedelta(days=1))
        entry_point, language = visit.asked("entry_point"), visit.asked("language")
        return Scope(
            survey,
            since,
            until,
            entry_point if entry_point in places else None,
            language if language in self._languages else None,
        )


def _period_address(scope: Scope, days: int, now: datetime) -> str:
    until = now.astimezone(UTC).date() + timedelta(days=1)
    return _query(replace(scope, since=until - timedelta(days=days), until=until))


def _query(scope: Scope, **more: str) -> str:
    parts = {"survey": scope.survey, "since": scope.since.isoformat(), "until": scope.last.isoformat()}
    parts |= {"entry_point": scope.entry_point or "", "language": scope.language or "", **more}
    return urlencode({name: text for name, text in parts.items() if text})


def _search(visit: Visit) -> Search:
    question, _colon, value = visit.asked("value").partition(":")
    return Search(visit.asked("word").strip()[:LONGEST_WORD], question, value, written=not visit.asked("all"))


def _searched(search: Search) -> dict[str, str]:
    value = f"{search.question}:{search.value}" if search.question else ""
    return {"word": search.word, "value": value, "all": "" if search.written else "1"}


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


def _cell(part: object, decimal: str) -> object:
    if isinstance(part, float):
        return str(part).replace(".", decimal)
    return cell(part) if isinstance(part, str) else part


def _answer_lines(given: Sequence[Given]) -> Iterable[Sequence[object]]:
    yield ("acceptedAt", "entryPoint", "language", "waitTime", "queueDepth", "question", "answer")
    for each in given:
        about = (each.mark.accepted_at.isoformat(), each.entry_point, each.language, each.wait_time, each.queue_depth)
        for answer in each.answers:
            yield (*about, answer.question, answer.answer)
