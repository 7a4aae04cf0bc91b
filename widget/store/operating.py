"""The statements of the operator's commands, of the metrics and of the clean-up by age."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from widget.domain.outbox import MessageState, OutboxCounts, OutboxRow
from widget.store.accepting import load_answers
from widget.store.schema import is_waiting, outbox
from widget.store.times import from_ms, to_ms

PAGE = 500  # rows read or changed by one transaction, so that visitors' rows never wait long behind an operator

_SETTLED = [MessageState.DELIVERED.value, MessageState.DEAD.value]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows an operator means."""

    states: tuple[MessageState, ...] = ()
    ids: tuple[int, ...] = ()
    sid: str | None = None
    settled_before: datetime | None = None

    def condition(self) -> ColumnElement[bool]:
        """Give the same as SQL."""
        parts: list[ColumnElement[bool]] = [outbox.c.id > 0]
        if self.states:
            parts.append(outbox.c.state.in_([state.value for state in self.states]))
        if self.ids:
            parts.append(outbox.c.id.in_(self.ids))
        if self.sid is not None:
            parts.append(outbox.c.sid == self.sid)
        if self.settled_before is not None:
            parts.append(outbox.c.state.in_(_SETTLED))
            parts.append(outbox.c.settled_at < to_ms(self.settled_before))
        condition = parts[0]
        for part in parts[1:]:
            condition = condition & part
        return condition


def counts(connection: Connection) -> OutboxCounts:
    """Count the rows by state."""
    found = connection.execute(
        select(outbox.c.state, func.count(), func.sum(outbox.c.possible_doubles)).group_by(outbox.c.state)
    ).all()
    oldest = connection.execute(select(func.min(outbox.c.accepted_at)).where(is_waiting)).scalar()
    numbers = {str(state): number for state, number, _ in found}
    return OutboxCounts(
        by_state={state: numbers.get(state.value, 0) for state in MessageState},
        oldest_waiting=None if oldest is None else from_ms(oldest),
        possible_doubles=sum(int(doubles) for _, _, doubles in found),
    )


def number_of(connection: Connection, selection: Selection) -> int:
    """Count the rows that an operator means."""
    return connection.execute(select(func.count()).where(selection.condition())).scalar_one()


def page(
    connection: Connection, selection: Selection, after: int, limit: int, fingerprint_key: bytes
) -> list[OutboxRow]:
    """Give rows by id, from the first after `after`."""
    statement = select(outbox).where(selection.condition(), outbox.c.id > after).order_by(outbox.c.id).limit(limit)
    return [_row(row, fingerprint_key) for row in connection.execute(statement)]


def newest(connection: Connection, selection: Selection, limit: int, fingerprint_key: bytes) -> list[OutboxRow]:
    """Give the last rows, the newest first."""
    statement = select(outbox).where(selection.condition()).order_by(outbox.c.id.desc()).limit(limit)
    return [_row(row, fingerprint_key) for row in connection.execute(statement)]


def _row(row: Row[Any], fingerprint_key: bytes) -> OutboxRow:
    waiting = row.state == MessageState.PENDING.value
    return OutboxRow(
        id=row.id,
        state=MessageState(row.state),
        fingerprint=fingerprint(row.sid, fingerprint_key),
        entry_point=row.entry_point,
        survey=row.survey,
        attempts=row.attempts,
        accepted_at=from_ms(row.accepted_at),
        next_attempt_at=from_ms(row.next_attempt_at) if waiting else None,
        settled_at=None if row.settled_at is None else from_ms(row.settled_at),
        reason=row.reason,
        possible_doubles=row.possible_doubles,
        answers=None if row.answers is None else load_answers(row.answers),
    )


def fingerprint(sid: str | None, key: bytes) -> str:
    """Give a short name for a sid that tells two apart and gives nothing away; empty once purged."""
    if sid is None:
        return ""
    return hmac.new(key, b"fingerprint\0" + sid.encode(errors="replace"), hashlib.sha256).hexdigest()[:12]


def send_again(connection: Connection, selection: Selection, now: datetime) -> int:
    """Make dead rows pending, with all their attempts and their time before them again."""
    return connection.execute(
        update(outbox)
        .where(selection.condition(), outbox.c.state == MessageState.DEAD.value)
        .values(
            state=MessageState.PENDING.value,
            attempts=0,
            next_attempt_at=to_ms(now),
            waiting_since=to_ms(now),
            settled_at=None,
            waits_for_ece=False,
        )
    ).rowcount


def purge(connection: Connection, selection: Selection, now: datetime, limit: int) -> int:
    """Take sid and answers out of up to `limit` rows, whatever their state; the key stays. Give how many."""
    some = (
        select(outbox.c.id)
        .where(selection.condition(), outbox.c.state != MessageState.PURGED.value)
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return connection.execute(
        update(outbox)
        .where(outbox.c.id.in_(some.scalar_subquery()))
        .values(
            state=MessageState.PURGED.value,
            sid=None,
            answers=None,
            entry_point="",
            survey="",
            reason=None,
            lease_owner=None,
            leased_until=None,
            settled_at=to_ms(now),
        )
    ).rowcount
