"""The statements that make a promise: a survey's row, and a ticket's binding."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, delete, select

from widget.domain.asked import Chosen
from widget.domain.outbox import Answer, MessageState, OutboxMessage, RowKind
from widget.store import counting
from widget.store.inserting import insert_unless_there
from widget.store.schema import outbox, tickets
from widget.store.times import to_ms

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


@cache
def _enqueue(dialect: str) -> Any:
    return insert_unless_there(dialect, outbox).returning(outbox.c.key)


def enqueue(
    connection: Connection, accepted: Sequence[tuple[OutboxMessage, OutboxMessage | None, datetime]]
) -> list[bool]:
    """Insert the messages by one statement; return for each whether it is new.

    The second of each goes in with the first, and only when that is new: a replay of a survey that was purged must not
    leave its answers in an alert.
    """
    new = _insert(connection, [(message, at) for message, _, at in accepted])
    outcomes, following, surveys = [], [], []
    for message, follower, at in accepted:
        is_new = message.key in new
        new.discard(message.key)  # the second of two equal ones in the same batch is not new
        outcomes.append(is_new)
        if is_new and follower is not None:
            following.append((follower, at))
        if is_new and message.kind is RowKind.SURVEY:
            surveys.append((message, at))
    if following:
        _insert(connection, following)
    if surveys:
        counting.count(connection, surveys)
    return outcomes


def _insert(connection: Connection, accepted: Sequence[tuple[OutboxMessage, datetime]]) -> set[str]:
    """Insert the rows that are not there; return the keys of those that are new.

    Rows go in by the order of their keys: two processes that insert the same ones then wait for each other instead of
    each holding what the other wants.
    """
    rows: dict[str, dict[str, Any]] = {}
    for message, at in accepted:
        rows.setdefault(message.key, _row(message, at))
    statement = _enqueue(connection.dialect.name)
    return set(connection.execute(statement, [rows[key] for key in sorted(rows)]).scalars())


def has_key(connection: Connection, key: str) -> bool:
    """Return whether there is a row of this key, in whatever state."""
    return connection.execute(select(outbox.c.id).where(outbox.c.key == key)).first() is not None


def _row(message: OutboxMessage, at: datetime) -> dict[str, Any]:
    moment = to_ms(at)
    return {
        "key": message.key,
        "sid": message.sid,
        "entry_point": message.entry_point,
        "survey": message.survey,
        "answers": dump_answers(message.answers, message.chosen),
        "state": MessageState.PENDING.value,
        "attempts": 0,
        "next_attempt_at": moment,
        "accepted_at": moment,
        "waiting_since": moment,
        "kind": message.kind.value,
        "destination": message.destination,
        "language": message.language,
        "wait_time": message.queue.wait_time if message.queue else None,
        "queue_depth": message.queue.queue_depth if message.queue else None,
    }


def dump_answers(answers: Sequence[Answer], chosen: Sequence[Chosen] = ()) -> str:
    """Write answers as ASCII JSON: PostgreSQL refuses a NUL in text, and both drivers a lone surrogate.

    With `chosen`, which has one for each answer, the values and the question's version stand beside the words.
    """
    entries: list[dict[str, Any]] = [
        {"question_id": a.question_id, "question": a.question, "answer": a.answer} for a in answers
    ]
    if chosen:
        for entry, each in zip(entries, chosen, strict=True):
            entry |= {"version": each.version.id, "chosen": each.values}
    return _encode(entries)


def bind_tickets(connection: Connection, bindings: Sequence[tuple[str, str, datetime]]) -> list[str]:
    """Bind each ticket to its sid's hash unless it is bound; return the hash that it is bound to."""
    bound = []
    for ticket, sid_hash, expires in bindings:
        connection.execute(
            insert_unless_there(connection.dialect.name, tickets),
            {"ticket": ticket, "sid_hash": sid_hash, "expires_at": to_ms(expires)},
        )
        found = connection.execute(select(tickets.c.sid_hash).where(tickets.c.ticket == ticket)).scalar_one()
        bound.append(found if isinstance(found, str) else "")  # SQLite returns any type from any column
    return bound


def is_bound(connection: Connection, ticket: str) -> bool:
    """Return whether a ticket is bound to any hash."""
    return connection.execute(select(tickets.c.ticket).where(tickets.c.ticket == ticket)).first() is not None


def forget_expired_tickets(connection: Connection, now: datetime) -> int:
    """Delete bindings whose ticket is refused by its own expiry anyway."""
    return connection.execute(delete(tickets).where(tickets.c.expires_at < to_ms(now))).rowcount
