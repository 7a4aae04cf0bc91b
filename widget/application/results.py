"""What people said, tied to the queue as it was: figures by question, a line over time, and the answers to read.

Figures come from totals, which reach back as far as surveys were counted; the answers themselves as far as
`storage.retention` keeps them. Every coroutine raises OutboxUnavailable while the database is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple, Protocol

from widget.domain.asked import QuestionVersion, versions_of
from widget.domain.results import Figures, Given, Mark, Scope, Share, Step, Total, by_version, figures, is_typed, steps
from widget.domain.survey import Survey

GIVEN_AT_ONCE = 25
READ_AT_ONCE = 500
FIGURE_COLUMNS = (
    *("question", "text", "kind", "current", "answered", "score"),
    *("value", "words", "number", "share", "low", "high"),
)
MOST_READ = 10_000  # rows looked at for one page of found answers; then the page says from where to go on


class Reads(Protocol):
    """What this needs of the database; `store/results.py` says what each returns."""

    async def surveys(self) -> list[str]: ...

    async def languages(self, survey: str) -> list[str]: ...

    async def entry_points(self, survey: str) -> list[str]: ...

    async def versions(self, survey: str) -> list[QuestionVersion]: ...

    async def answered(self, scope: Scope) -> int: ...

    async def begun(self, scope: Scope) -> int: ...

    async def totals(self, scope: Scope) -> list[Total]: ...

    async def by_day(self, scope: Scope, version: str) -> dict[date, dict[str, int]]: ...

    async def given(self, scope: Scope, before: Mark | None, limit: int) -> list[Given]: ...


class Question(NamedTuple):
    """One version of a question with its figures and its line; `current` says that it is put so now."""

    figures: Figures
    line: tuple[Step, ...]
    current: bool


class Report(NamedTuple):
    """The figures of one survey: `answered` times in the period, `before` in the one before.

    `begun` are the forms that were opened in the period, 0 where `[history]` counts none.
    """

    scope: Scope
    answered: int
    before: int
    begun: int
    questions: tuple[Question, ...]


class Search(NamedTuple):
    """Which answers to read: with a word in any of them, with a value of a question, where something was written."""

    word: str = ""
    question: str = ""
    value: str = ""
    written: bool = False

    def finds(self, given: Given, versions: Mapping[str, QuestionVersion]) -> bool:
        """Return whether an answered survey is meant."""
        word = self.word.casefold()
        if word and not any(word in answer.answer.casefold() for answer in given.answers):
            return False
        if self.written and not any(is_typed(answer, versions.get(answer.version)) for answer in given.answers):
            return False
        if not self.question:
            return True
        return any(
            answer.version in versions
            and versions[answer.version].question == self.question
            and (not self.value or self.value in answer.chosen)
            for answer in given.answers
        )


class FoundAnswers(NamedTuple):
    """Answers to read, the newest first. `next` is where to go on, None at the end; `versions` are their questions'."""

    given: tuple[Given, ...]
    next: Mark | None
    versions: Mapping[str, QuestionVersion]


class Results:
    """Reads. `surveys` are those of the settings."""

    def __init__(self, store: Reads, surveys: Mapping[str, Survey]) -> None:
        self._store, self._surveys = store, surveys

    async def surveys(self) -> list[str]:
        """Return those of the settings, then those that were answered before they were taken out of them."""
        counted = await self._store.surveys()
        return [*self._surveys, *(name for name in counted if name not in self._surveys)]

    async def languages(self, survey: str) -> list[str]:
        """Return the languages in which a survey was answered."""
        return await self._store.languages(survey)

    async def entry_points(self, survey: str) -> list[str]:
        """Return the entry points at which a survey was answered."""
        return await self._store.entry_points(survey)

    async def report(self, scope: Scope) -> Report:
        """Return all figures of a survey; versions of a question that nobody answered in the period are left out."""
        answered, before, begun, versions, totals, totals_before = await asyncio.gather(
            self._store.answered(scope),
            self._store.answered(scope.previous),
            self._store.begun(scope),
            self._store.versions(scope.survey),
            self._store.totals(scope),
            self._store.totals(scope.previous),
        )
        survey = self._surveys.get(scope.survey)
        current = {each.id for each in versions_of(survey).values()} if survey is not None else set()
        numbers, numbers_before = by_version(totals), by_version(totals_before)
        questions = []
        for version in sorted(versions, key=lambda each: (each.id not in current, each.place)):
            if version.id in numbers:
                by_day = await self._store.by_day(scope, version.id)
                line = steps(scope.since, scope.until, by_day, version.kind)
                found = figures(version, numbers[version.id], numbers_before.get(version.id))
                questions.append(Question(found, line, version.id in current))
        return Report(scope, answered, before, begun, tuple(questions))

    async def find(self, scope: Scope, search: Search, after: Mark | None = None) -> FoundAnswers:
        """Return answers to read, from behind a mark on.

        At most `MOST_READ` surveys are looked at for one page, so that a word that nobody wrote does not read them all.
        """
        versions = {each.id: each for each in await self._store.versions(scope.survey)}
        found: list[Given] = []
        for _ in range(MOST_READ // READ_AT_ONCE):
            given = await self._store.given(scope, after, READ_AT_ONCE)
            for each in given:
                after = each.mark
                if search.finds(each, versions):
                    found.append(each)
                    if len(found) == GIVEN_AT_ONCE:
                        return FoundAnswers(tuple(found), after, versions)
            if len(given) < READ_AT_ONCE:
                return FoundAnswers(tuple(found), None, versions)
        return FoundAnswers(tuple(found), after, versions)


def figure_rows(report: Report) -> Iterator[tuple[str | int | float | bool, ...]]:
    """Yield the figures of a report as rows of `FIGURE_COLUMNS`, one for each value; empty where there is no number."""
    for each in report.questions:
        found = each.figures
        about = (found.version.question, found.version.text, found.version.kind.value, each.current, found.answered)
        score = "" if found.score is None else round(found.score, 2)
        for share in found.shares or (Share("", "", found.answered, None, None, None),):
            parts = ("" if part is None else round(part, 4) for part in (share.share, share.low, share.high))
            yield (*about, score, share.value, share.words, share.number, *parts)
