"""What was answered, read from SQL: totals (`counting.py` adds them up), and the answers themselves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, Protocol, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, func, or_, select, true

from widget.domain.asked import QuestionVersion
from widget.domain.outbox import MessageState, RowKind
from widget.domain.results import Given, GivenAnswer, Mark, Scope, Total
from widget.domain.survey import Kind
from widget.store.counting import BEGUN, FIRST_DAY, OF_ALL
from widget.store.reading import UnreadableRow, read_count, read_entries
from widget.store.schema import answer_totals, outbox, questions
from widget.store.times import from_ms, to_ms

_KINDS = {each.value: each for each in Kind}

T = TypeVar("T")


class Reads(Protocol):
    """Reads from the database, as `Outbox` and `HistoryStore` do; raises OutboxUnavailable."""

    async def read(self, work: Callable[[Connection], T]) -> T: ...


class ResultsStore:
    """Reads. Every method raises only OutboxUnavailable; days are UTC's."""

    def __init__(self, store: Reads) -> None:
        self._read = store.read

    async def surveys(self) -> list[str]:
        """Return every survey that anything was counted for."""
        return await self._distinct(answer_totals.c.survey)

    async def languages(self, survey: str) -> list[str]:
        """Return the languages in which a survey was answered."""
        return await self._distinct(answer_totals.c.language, answer_totals.c.survey == survey)

    async def entry_points(self, survey: str) -> list[str]:
        """Return the entry points at which a survey was answered."""
        return await self._distinct(answer_totals.c.entry_point, answer_totals.c.survey == survey)

    async def _distinct(self, column: Column[Any], *conditions: ColumnElement[bool]) -> list[str]:
        statement = select(column).where(*conditions).distinct()
        found = await self._read(lambda to: to.execute(statement).scalars().all())
        return sorted(each for each in found if isinstance(each, str))

    async def versions(self, survey: str) -> list[QuestionVersion]:
        """Return the versions of a survey's questions, by place."""
        statement = (
            select(questions).where(questions.c.survey == survey).order_by(questions.c.place, questions.c.version)
        )
        return [
            QuestionVersion(
                row.survey,
                row.question,
                _KINDS[row.kind],
                json.loads(row.text),
                tuple((value, words) for value, words in json.loads(row.options)),
                row.place,
            )
            for row in await self._read(lambda to: to.execute(statement).all())
            if row.kind in _KINDS  # a later release may have counted kinds that this one does not know
        ]

    async def answered(self, scope: Scope) -> int:
        """Return how many surveys were taken."""
        return await self._number(scope, OF_ALL)

    async def begun(self, scope: Scope) -> int:
        """Return how many forms were opened."""
        return await self._number(scope, BEGUN)

    async def totals(self, scope: Scope) -> list[Total]:
        """Return how often each value was chosen."""
        question, value = answer_totals.c.question, answer_totals.c.value
        statement = (
            select(question, value, func.sum(answer_totals.c.number))
            .where(_within(scope), question.not_in((OF_ALL, BEGUN)))
            .group_by(question, value)
        )
        return [Total(*row[:2], read_count(row[2])) for row in await self._read(lambda to: to.execute(statement).all())]

    async def by_day(self, scope: Scope, version: str) -> dict[date, dict[str, int]]:
        """Return numbers by value for each day on which a version of a question was answered."""
        day, value = answer_totals.c.day, answer_totals.c.value
        statement = (
            select(day, value, func.sum(answer_totals.c.number))
            .where(_within(scope), answer_totals.c.question == version)
            .group_by(day, value)
        )
        found: dict[date, dict[str, int]] = {}
        for number, chosen, total in await self._read(lambda to: to.execute(statement).all()):
            found.setdefault(FIRST_DAY + timedelta(days=number), {})[chosen] = read_count(total)
        return found

    async def given(self, scope: Scope, before: Mark | None, limit: int) -> list[Given]:
        """Return answered surveys, the newest first, from behind a mark on; rows that cannot be read are left out."""
        moment, id = outbox.c.accepted_at, outbox.c.id
        behind: ColumnElement[bool] = true()
        if before is not None:
            at = to_ms(before.accepted_at)
            behind = or_(moment < at, and_(moment == at, id < before.id))
        conditions = [
            *_in_scope(scope, outbox),
            outbox.c.kind == RowKind.SURVEY.value,
            outbox.c.state != MessageState.PURGED.value,
            moment >= _ms(scope.since),
            moment < _ms(scope.until),
            behind,
        ]
        columns = (id, moment, outbox.c.entry_point, outbox.c.language, outbox.c.wait_time, outbox.c.queue_depth)
        statement = select(*columns, outbox.c.answers).where(*conditions).order_by(moment.desc(), id.desc())
        return [_given(row) for row in await self._read(lambda to: to.execute(statement.limit(limit)).all())]

    async def _number(self, scope: Scope, question: str) -> int:
        total = func.coalesce(func.sum(answer_totals.c.number), 0)
        statement = select(total).where(_within(scope), answer_totals.c.question == question)
        return read_count(await self._read(lambda to: to.execute(statement).scalar_one()))


def _within(scope: Scope) -> ColumnElement[bool]:
    return and_(
        *_in_scope(scope, answer_totals),
        answer_totals.c.day >= (scope.since - FIRST_DAY).days,
        answer_totals.c.day < (scope.until - FIRST_DAY).days,
    )


def _in_scope(scope: Scope, table: Table) -> Iterator[ColumnElement[bool]]:
    yield table.c.survey == scope.survey
    if scope.entry_point is not None:
        yield table.c.entry_point == scope.entry_point
    if scope.language is not None:
        yield table.c.language == scope.language


def _ms(day: date) -> int:
    return (day - FIRST_DAY).days * 86_400_000


def _given(row: Any) -> Given:
    """Return a row as far as it can be read: one that is damaged has no answers."""
    try:
        answers = _given_answers(row.answers)
    except UnreadableRow:
        answers = ()
    return Given(
        Mark(from_ms(row.accepted_at), row.id),
        row.entry_point,
        row.language or "",
        row.wait_time,
        row.queue_depth,
        answers,
    )


def _given_answers(value: object) -> tuple[GivenAnswer, ...]:
    """Return the answers with the version of their question and the values chosen. Raise UnreadableRow."""
    given = []
    for (_, question, answer), entry in read_entries(value):
        version, chosen = entry.get("version", ""), entry.get("chosen", [])
        if not isinstance(version, str) or not isinstance(chosen, list):
            raise UnreadableRow("answers has an entry whose version or values cannot be read")
        given.append(GivenAnswer(question, answer, version, tuple(str(each) for each in chosen)))
    return tuple(given)
