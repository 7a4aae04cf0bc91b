"""The statements of what is switched by hand: a log that is only added to."""

from __future__ import annotations

import json
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, text, true

from widget.domain.hours import read_range
from widget.domain.survey import Translations
from widget.domain.switches import Act, Entry
from widget.store.schema import switches
from widget.store.times import from_ms, to_ms

APPEND_LOCK = 0x4543_4557_0003  # of PostgreSQL: an id is seen by all before a higher one is given out


def append(connection: Connection, entry: Entry) -> int:
    """Add an entry; return its id."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": APPEND_LOCK})
    return int(connection.execute(insert(switches).returning(switches.c.id), _row(entry)).scalar_one())


def log_after(connection: Connection, known: int) -> tuple[int, list[Entry]] | None:
    """Return the last id, 0 without any, and the whole log; None when the last id is `known`."""
    newest = int(connection.execute(select(func.max(switches.c.id))).scalar() or 0)
    return None if newest == known else (newest, read_log(connection))


def read_log(
    connection: Connection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    entry_point: str | None = None,
    limit: int | None = None,
) -> list[Entry]:
    """Return entries from `since` to before `until`, the newest first; those of a later release's kind are left out."""
    conditions: list[ColumnElement[bool]] = [true()]
    if since is not None:
        conditions.append(switches.c.at >= to_ms(since))
    if until is not None:
        conditions.append(switches.c.at < to_ms(until))
    if entry_point is not None:
        conditions.append(switches.c.entry_point == entry_point)
    statement = select(switches).where(*conditions).order_by(switches.c.id.desc()).limit(limit)
    return [each for each in map(_entry, connection.execute(statement)) if each is not None]


def purge(connection: Connection, before: datetime) -> int:
    """Delete what is older and not in force; return how many."""
    in_force = select(func.max(switches.c.id)).group_by(switches.c.entry_point, switches.c.day)
    gone = delete(switches).where(switches.c.at < to_ms(before), switches.c.id.not_in(in_force))
    return connection.execute(gone).rowcount


def _row(entry: Entry) -> dict[str, Any]:
    words = None if entry.words is None else json.dumps(dict(entry.words.by_language))
    return {
        "at": to_ms(entry.at),
        "entry_point": entry.entry_point,
        "act": entry.act.value,
        "by_whom": entry.by,
        "until": None if entry.until is None else to_ms(entry.until),
        "words": words,
        "day": None if entry.day is None else entry.day.isoformat(),
        "ranges": " ".join(map(str, entry.ranges)),
    }


def _entry(row: Row[Any]) -> Entry | None:
    try:
        return Entry(
            entry_point=row.entry_point,
            act=Act(row.act),
            by=row.by_whom,
            at=from_ms(row.at),
            until=None if row.until is None else from_ms(row.until),
            words=None if row.words is None else Translations(MappingProxyType(json.loads(row.words))),
            day=None if row.day is None else date.fromisoformat(row.day),
            ranges=tuple(map(read_range, (row.ranges or "").split())),
            id=row.id,
        )
    except ValueError:
        return None
