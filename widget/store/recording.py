"""The statements of the history: batches of counts and changes, and what is read of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, text, true, tuple_

from widget.domain.counted import COUNTS
from widget.domain.evaluation import State
from widget.domain.history import Batch, Bucket, Change, Counts, Process, Span, Spread, is_news
from widget.domain.readings import Reason
from widget.store.counting import count_begun
from widget.store.inserting import insert_into
from widget.store.reading import read_count
from widget.store.schema import SPREADS, changes, count_column, counts, processes
from widget.store.times import from_ms, to_ms

WRITE_LOCK = 0x4543_4557_0002  # of PostgreSQL: one process writes its batch at a time
PAGE = 2000  # rows deleted by one transaction
_STATES = {each.value: each for each in State}
_REASONS = {each.value: each for each in Reason}
_COUNT_COLUMNS = {each: counts.c[count_column(each)] for each in COUNTS}
_SPREAD_COLUMNS = [
    counts.c[f"{spread}_{part}"] for spread in SPREADS for part in ("samples", "total", "lowest", "highest")
]
_NO_COUNTS: dict[str, Any] = dict.fromkeys(map(count_column, COUNTS), 0)


@cache
def _add_counts(dialect: str) -> Any:
    """Return the statement that adds counts to a bucket's, or makes the bucket."""
    made = insert_into(dialect, counts)
    lower, higher = (func.min, func.max) if dialect == "sqlite" else (func.least, func.greatest)
    summed = [
        *_COUNT_COLUMNS.values(),
        *(counts.c[f"{spread}_{part}"] for spread in SPREADS for part in ("samples", "total")),
    ]
    new: dict[str, ColumnElement[Any]] = {column.name: column + made.excluded[column.name] for column in summed}
    for spread in SPREADS:
        for part, of in (("lowest", lower), ("highest", higher)):
            old, added = counts.c[f"{spread}_{part}"], made.excluded[f"{spread}_{part}"]
            new[f"{spread}_{part}"] = func.coalesce(of(old, added), old, added)  # SQLite's are null if one is
    return made.on_conflict_do_update(index_elements=[*counts.primary_key.columns], set_=new)


@cache
def _note_process(dialect: str) -> Any:
    """Return the statement that keeps a process' figures, and gives a row only if its batch is a new one."""
    made = insert_into(dialect, processes)
    return made.on_conflict_do_update(
        index_elements=[processes.c.name],
        set_={"batch": made.excluded.batch, "seen_at": made.excluded.seen_at},
        where=processes.c.batch < made.excluded.batch,
    ).returning(processes.c.name)


def write(connection: Connection, batch: Batch) -> bool:
    """Write a batch in the running transaction; False, and nothing done, when it was written before."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": WRITE_LOCK})
    process = batch.process
    figures = {
        "name": process.name,
        "batch": batch.number,
        "role": process.role,
        "host": process.host,
        "pid": process.pid,
        "version": process.version,
        "started_at": to_ms(process.started),
        "seen_at": to_ms(process.seen),
    }
    if connection.execute(_note_process(dialect), figures).first() is None:
        return False
    if batch.counts:
        connection.execute(_add_counts(dialect), [_count_row(span, bucket) for span, bucket in batch.counts])
    _write_changes(connection, batch.changes, process.seen)
    count_begun(connection, batch.begun)
    return True


def _write_changes(connection: Connection, seen: Sequence[Change], now: datetime) -> None:
    last: dict[str, Change | None] = {}
    news: list[dict[str, Any]] = []
    for each in seen:
        if each.entry_point not in last:
            last[each.entry_point] = last_change(connection, each.entry_point)
        if is_news(last[each.entry_point], each, now):
            last[each.entry_point] = each
            news.append(_change_row(each))
    if news:
        connection.execute(insert(changes), news)


def _count_row(span: Span, bucket: Bucket) -> dict[str, Any]:
    row = {**_NO_COUNTS, "entry_point": bucket.entry_point, "span": int(span), "start": to_ms(bucket.start)}
    for count, number in bucket.counts.numbers.items():
        row[count_column(count)] = number
    for name, spread in (("wait", bucket.counts.wait), ("depth", bucket.counts.depth)):
        row |= {f"{name}_samples": spread.samples, f"{name}_total": spread.total}
        row |= {f"{name}_lowest": spread.lowest, f"{name}_highest": spread.highest}
    return row


def _change_row(change: Change) -> dict[str, Any]:
    return {
        "entry_point": change.entry_point,
        "at": to_ms(change.at),
        "state": change.state.value,
        "reason": change.reason.value if change.reason else "",
        "wait_time": change.wait_time,
        "queue_depth": change.queue_depth,
    }


def last_change(connection: Connection, entry_point: str, before: datetime | None = None) -> Change | None:
    """Return the last change of an entry point, or the last one before a moment."""
    earlier = true() if before is None else changes.c.at < to_ms(before)
    statement = select(changes).where(changes.c.entry_point == entry_point, earlier).order_by(changes.c.id.desc())
    row = connection.execute(statement.limit(1)).first()
    return None if row is None else _change(row)


def last_changes(
    connection: Connection, entry_points: Iterable[str], before: datetime | None = None
) -> dict[str, Change]:
    """Return the last change of each entry point that has one, or the last one before a moment."""
    found = {name: last_change(connection, name, before) for name in entry_points}
    return {name: change for name, change in found.items() if change is not None}


def read_changes(
    connection: Connection, since: datetime, until: datetime, entry_point: str | None, limit: int | None
) -> list[Change]:
    """Return changes from `since` to before `until`, the newest first: the last to happen, whatever the clock said."""
    statement = select(changes).where(changes.c.at.between(to_ms(since), to_ms(until) - 1)).limit(limit)
    if entry_point is None:
        statement = statement.order_by(changes.c.at.desc(), changes.c.id.desc())  # as the index has them
    else:
        statement = statement.where(changes.c.entry_point == entry_point).order_by(changes.c.id.desc())
    found = [_change(row) for row in connection.execute(statement)]
    return sorted(found, key=lambda change: change.id, reverse=True)


def _change(row: Row[Any]) -> Change:
    """Return a change; what a later release named is the nearest that this one knows."""
    reason = _REASONS.get(row.reason, Reason.OTHER) if row.reason else None
    state = _STATES.get(row.state, State.UNKNOWN)
    return Change(row.entry_point, from_ms(row.at), state, reason, row.wait_time, row.queue_depth, row.id)


def read_counts(
    connection: Connection, span: Span, since: datetime, until: datetime, entry_points: Collection[str] | None
) -> list[Bucket]:
    """Return the buckets that start from `since` to before `until`, of these entry points or of all."""
    columns = (counts.c.entry_point, counts.c.start, *_COUNT_COLUMNS.values(), *_SPREAD_COLUMNS)
    statement = select(*columns).where(*_within(span, since, until, entry_points)).order_by(counts.c.start)
    return [_bucket(row[0], row[1:]) for row in connection.execute(statement)]


def read_sums(connection: Connection, span: Span, since: datetime, until: datetime) -> list[Bucket]:
    """Return the same added up over all entry points: a bucket without a name for each start."""
    sums = [func.sum(column) for column in _COUNT_COLUMNS.values()]
    put: dict[str, Any] = {"samples": func.sum, "total": func.sum, "lowest": func.min, "highest": func.max}
    sums += [put[column.name.partition("_")[2]](column) for column in _SPREAD_COLUMNS]
    within = _within(span, since, until, None)
    statement = select(counts.c.start, *sums).where(*within).group_by(counts.c.start).order_by(counts.c.start)
    return [_bucket("", row) for row in connection.execute(statement)]


def read_in_vain(
    connection: Connection, span: Span, since: datetime, until: datetime, entry_points: Collection[str] | None
) -> list[tuple[datetime, int, int]]:
    """Return for each start the clicks that opened a chat and those that opened none, over the entry points."""
    opened = counts.c.clicks_opened
    refused = sum(
        (column for (group, name), column in _COUNT_COLUMNS.items() if group == "clicks" and column is not opened),
        start=0,
    )
    within = _within(span, since, until, entry_points)
    statement = select(counts.c.start, func.sum(opened), func.sum(refused)).where(*within).group_by(counts.c.start)
    return [(from_ms(start), read_count(yes), read_count(no)) for start, yes, no in connection.execute(statement)]


def read_names(connection: Connection) -> list[str]:
    """Return every entry point that anything was counted for."""
    found = select(counts.c.entry_point).where(counts.c.span == int(Span.DAY)).distinct()
    return sorted(connection.execute(found).scalars())


def read_processes(connection: Connection, seen_since: datetime) -> list[Process]:
    """Return the processes that wrote at or after a moment, by their start."""
    statement = select(processes).where(processes.c.seen_at >= to_ms(seen_since)).order_by(processes.c.started_at)
    return [
        Process(row.name, row.role, row.host, row.pid, row.version, from_ms(row.started_at), from_ms(row.seen_at))
        for row in connection.execute(statement)
    ]


def purge(connection: Connection, before: datetime) -> int:
    """Delete up to `PAGE` rows of each table that are older; return how many. Each entry point's last change stays."""
    moment, done = to_ms(before), 0
    key = tuple_(*counts.primary_key.columns)
    for span in Span:
        old = select(*counts.primary_key.columns).where(counts.c.span == int(span), counts.c.start < moment).limit(PAGE)
        done += connection.execute(delete(counts).where(key.in_(old))).rowcount
    old_ids = list(connection.execute(select(changes.c.id).where(changes.c.at < moment).limit(PAGE)).scalars())
    if old_ids:
        newest = select(func.max(changes.c.id)).group_by(changes.c.entry_point)
        gone = delete(changes).where(changes.c.id.in_(old_ids), changes.c.id.not_in(newest))
        done += connection.execute(gone).rowcount
    done += connection.execute(delete(processes).where(processes.c.seen_at < moment)).rowcount
    return done


def _within(
    span: Span, since: datetime, until: datetime, entry_points: Collection[str] | None
) -> Iterable[ColumnElement[bool]]:
    yield counts.c.span == int(span)
    yield counts.c.start >= to_ms(since)
    yield counts.c.start < to_ms(until)
    if entry_points is not None:
        yield counts.c.entry_point.in_(entry_points)


def _bucket(entry_point: str, row: Sequence[Any]) -> Bucket:
    """Return a bucket from its start, its counts and its two spreads, in the order of the columns."""
    found = zip(COUNTS, map(read_count, row[1:-8]), strict=True)
    numbers = {count: number for count, number in found if number}
    return Bucket(entry_point, from_ms(row[0]), Counts(numbers, _spread(row[-8:-4]), _spread(row[-4:])))


def _spread(row: Sequence[Any]) -> Spread:
    samples, total, *ends = row
    lowest, highest = (None if end is None else read_count(end) for end in ends)
    return Spread(read_count(samples), read_count(total), lowest, highest)
