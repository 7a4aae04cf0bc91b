"""The statements that count answers: totals are added up in the transaction that takes a survey.

So totals and rows agree after a kill at any line. Totals hold no text that a visitor typed and no session; they stay
when answers are purged. Forms that were begun are counted in memory and come with the batches of the history.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from widget.domain.asked import QuestionVersion
from widget.domain.outbox import OutboxMessage
from widget.store.inserting import insert_into, insert_unless_there
from widget.store.schema import answer_totals, questions

if TYPE_CHECKING:
    from widget.domain.history import Begun

FIRST_DAY = date(1970, 1, 1)
OF_ALL = ""  # the question of the total that counts whole surveys
BEGUN = "begun"  # that of the total that counts forms which were opened; no version of a question is named so
_Key = tuple[str, int, str, str, str, str]


@cache
def _adding(dialect: str) -> Any:
    made = insert_into(dialect, answer_totals)
    return made.on_conflict_do_update(
        index_elements=[*answer_totals.primary_key.columns],
        set_={"number": answer_totals.c.number + made.excluded.number},
    )


def count(connection: Connection, accepted: Sequence[tuple[OutboxMessage, datetime]]) -> None:
    """Add surveys that are new to the totals of their day (UTC).

    By the order of the key, so that two processes which count at the same time wait for each other in turn.
    """
    totals: Counter[_Key] = Counter()
    versions: dict[str, QuestionVersion] = {}
    for message, at in accepted:
        start = (message.survey, (at.date() - FIRST_DAY).days, message.entry_point, message.language)
        totals[(*start, OF_ALL, "")] += 1
        for chosen in message.chosen:
            version = chosen.version.id
            versions[version] = chosen.version
            for value in ("", *chosen.values):
                totals[(*start, version, value)] += 1
    if versions:
        rows = [_question(id, versions[id]) for id in sorted(versions)]
        connection.execute(insert_unless_there(connection.dialect.name, questions), rows)
    _add(connection, totals)


def count_begun(connection: Connection, begun: Sequence[Begun]) -> None:
    """Add forms that were begun to the totals of their day."""
    totals: Counter[_Key] = Counter()
    for each in begun:
        day = (each.day - FIRST_DAY).days
        totals[each.survey, day, each.entry_point, each.language, BEGUN, ""] += each.number
    _add(connection, totals)


def _add(connection: Connection, totals: Mapping[_Key, int]) -> None:
    names = [column.name for column in answer_totals.primary_key.columns]
    rows = [{**dict(zip(names, key, strict=True)), "number": totals[key]} for key in sorted(totals)]
    if rows:
        connection.execute(_adding(connection.dialect.name), rows)


def _question(id: str, version: QuestionVersion) -> dict[str, Any]:
    return {
        "version": id,
        "survey": version.survey,
        "question": version.question,
        "kind": version.kind.value,
        "text": json.dumps(version.text),
        "options": json.dumps(version.options),
        "place": version.place,
    }
