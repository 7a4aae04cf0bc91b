"""What surveys said in a period, for `ece-widget report`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from rich.table import Table
from rich.text import Text

from widget.application.results import FIGURE_COLUMNS, Report, Results, figure_rows
from widget.commands.terminal import WIDE, console
from widget.domain.history import period_of
from widget.domain.results import FEWEST, Scope
from widget.domain.spreadsheet import cell
from widget.domain.survey import Kind


async def read(
    results: Results, since: date, until: date, entry_points: Sequence[str], surveys: Sequence[str], by: str | None
) -> list[Report]:
    """Return a report for each survey, entry point and period in which anybody answered; days are UTC's."""
    found = []
    places: list[str | None] = [*entry_points] or [None]
    for survey in surveys or await results.surveys():
        for first, end in _periods(since, until, by):
            for entry_point in places:
                report = await results.report(Scope(survey, first, end, entry_point))
                if report.answered:
                    found.append(report)
    return found


def as_object(report: Report) -> dict[str, Any]:
    """Return a report as JSON has it."""
    scope = report.scope
    questions: dict[tuple[str, str], dict[str, Any]] = {}
    for row in figure_rows(report):
        figures = dict(zip(FIGURE_COLUMNS, (None if part == "" else part for part in row), strict=True))
        about = {name: figures.pop(name) for name in FIGURE_COLUMNS[:6]}
        question = questions.setdefault((str(about["question"]), str(about["text"])), {**about, "values": []})
        if figures["value"] is not None:
            question["values"].append(figures)
    return {
        "survey": scope.survey,
        "entryPoint": scope.entry_point,
        "first": scope.since.isoformat(),
        "last": scope.last.isoformat(),
        "answered": report.answered,
        "begun": report.begun,
        "questions": list(questions.values()),
    }


def print_csv(found: Sequence[Report]) -> None:
    """Print a line for each value of each question."""
    writer = csv.writer(sys.stdout, lineterminator="\r\n")  # RFC 4180
    writer.writerow(["survey", "entryPoint", "first", "last", *FIGURE_COLUMNS])
    for report in found:
        scope = report.scope
        about = (scope.survey, scope.entry_point, scope.since.isoformat(), scope.last.isoformat())
        for row in figure_rows(report):
            writer.writerow(cell(part) if isinstance(part, str) else part for part in (*about, *row))


def print_tables(found: Sequence[Report]) -> None:
    """Print a table for each report: a line for each question."""
    output = console(WIDE)
    for report in found:
        table = Table("question", "kind", box=None, pad_edge=False)
        for name in ("answers", "score", "most chosen"):
            table.add_column(name, justify="right" if name != "most chosen" else "left")
        for question in report.questions:
            figures = question.figures
            most = max(figures.shares, key=lambda share: share.number, default=None)
            few = figures.version.kind in (Kind.RATING, Kind.NPS) and figures.answered < FEWEST
            table.add_row(
                Text(figures.version.text),
                figures.version.kind.value,
                str(figures.answered),
                "too few" if few else "" if figures.score is None else f"{figures.score:.2f}",
                Text("" if most is None or most.share is None else f"{most.words} {most.share:.0%}"),
            )
        output.print()
        output.print(Text(_title(report)))
        output.print(table)


def _title(report: Report) -> str:
    scope = report.scope
    place = f" at {scope.entry_point}" if scope.entry_point else ""
    begun = f" of {report.begun} that were begun" if report.begun else ""
    return f"{scope.survey}{place}, {scope.since} to {scope.last}: {report.answered} answered{begun}"


def _periods(since: date, until: date, by: str | None) -> Iterator[tuple[date, date]]:
    first = since
    while first < until:
        end = until if by is None else min(until, period_of(first, by)[1] + timedelta(days=1))
        yield first, end
        first = end
