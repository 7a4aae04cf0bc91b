"""The statements of the delivery loop: claim for a while, and settle only what is still one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, or_, select, update

from widget.domain.outbox import ClaimedMessage, MessageState, SurveyMessage
from widget.store.accepting import load_answers
from widget.store.schema import is_waiting, outbox
from widget.store.times import from_ms, to_ms

# A due time or a lease further ahead than this was written by a clock that has been set back since; nothing in this
# product waits or leases that long.
FURTHEST_AHEAD = timedelta(hours=1)

_PENDING, _LEASED = MessageState.PENDING.value, MessageState.LEASED.value


@dataclass(frozen=True, slots=True)
class Claim:
    limit: int
    owner: str
    now: datetime
    lease: timedelta


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of one claimed row; `values` are columns."""

    claimed: ClaimedMessage
    values: dict[str, Any]
    possible_double: bool = False


def claim(connection: Connection, claims: Sequence[Claim]) -> list[list[ClaimedMessage]]:
    """Serve each claim in turn."""
    return [_claim(connection, each) for each in claims]


def _claim(connection: Connection, wanted: Claim) -> list[ClaimedMessage]:
    """Lease the oldest rows that are due, or whose lease ran out since their owner died.

    PostgreSQL skips rows that another process is claiming; SQLite has one writer at a time and needs no such word.
    """
    until = wanted.now + wanted.lease
    due = (
        select(outbox.c.id)
        .where(_due(wanted.now))
        .order_by(outbox.c.accepted_at, outbox.c.id)
        .limit(wanted.limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(outbox)
        .where(outbox.c.id.in_(due.scalar_subquery()))
        .values(
            state=_LEASED,
            lease_owner=wanted.owner,
            leased_until=to_ms(until),
            # whoever held it may have died between ECE's answer and the settling
            possible_doubles=outbox.c.possible_doubles + case((outbox.c.state == _LEASED, 1), else_=0),
        )
        .returning(
            outbox.c.id,
            outbox.c.key,
            outbox.c.sid,
            outbox.c.entry_point,
            outbox.c.survey,
            outbox.c.answers,
            outbox.c.attempts,
            outbox.c.accepted_at,
            outbox.c.waiting_since,
        )
    )
    rows = sorted(connection.execute(statement), key=lambda row: (row.accepted_at, row.id))
    return [_claimed(row, wanted.owner, until) for row in rows]


def _due(now: datetime) -> ColumnElement[bool]:
    at, ahead = to_ms(now), to_ms(now + FURTHEST_AHEAD)
    return and_(
        is_waiting,
        or_(
            and_(outbox.c.state == _PENDING, or_(outbox.c.next_attempt_at <= at, outbox.c.next_attempt_at > ahead)),
            and_(outbox.c.state == _LEASED, or_(outbox.c.leased_until <= at, outbox.c.leased_until > ahead)),
        ),
    )


def _claimed(row: Row[Any], owner: str, until: datetime) -> ClaimedMessage:
    return ClaimedMessage(
        id=row.id,
        owner=owner,
        leased_until=until,
        attempts=row.attempts,
        accepted_at=from_ms(row.accepted_at),
        waiting_since=from_ms(row.waiting_since),
        message=SurveyMessage(row.key, row.sid, row.entry_point, row.survey, load_answers(row.answers)),
    )


def settle(connection: Connection, settlements: Sequence[Settlement]) -> list[bool]:
    """Settle each row that is still leased by its owner; say for each whether it was."""
    return [_settle(connection, each) for each in settlements]


def _settle(connection: Connection, settlement: Settlement) -> bool:
    values: dict[Any, Any] = {outbox.c.lease_owner: None, outbox.c.leased_until: None}
    values |= {outbox.c[name]: value for name, value in settlement.values.items()}
    if settlement.possible_double:
        values[outbox.c.possible_doubles] = outbox.c.possible_doubles + 1
    statement = (
        update(outbox)
        .where(
            outbox.c.id == settlement.claimed.id,
            outbox.c.state == _LEASED,
            outbox.c.lease_owner == settlement.claimed.owner,
        )
        .values(values)
    )
    return connection.execute(statement).rowcount == 1


def hasten(connection: Connection, moments: Sequence[datetime]) -> list[int]:
    """Make rows due that wait only because ECE did not serve, since it serves again."""
    return [
        connection.execute(
            update(outbox)
            .where(
                is_waiting,
                outbox.c.state == _PENDING,
                outbox.c.waits_for_ece.is_(True),
                outbox.c.next_attempt_at > to_ms(now),
            )
            .values(next_attempt_at=to_ms(now), waits_for_ece=False)
        ).rowcount
        for now in moments
    ]


def give_up_before(connection: Connection, accepted: Sequence[tuple[datetime, datetime]]) -> list[int]:
    """Make rows dead that were tried and wait since before the first moment of each pair; the second is now."""
    return [
        connection.execute(
            update(outbox)
            .where(
                is_waiting,
                outbox.c.state == _PENDING,
                outbox.c.attempts > 0,
                outbox.c.waiting_since < to_ms(before),
            )
            .values(
                state=MessageState.DEAD.value,
                settled_at=to_ms(now),
                reason="max_age; last: " + outbox.c.reason,
            )
        ).rowcount
        for before, now in accepted
    ]


def next_due(connection: Connection, moments: Sequence[datetime]) -> list[datetime | None]:
    """Give the moment at which the next waiting row is due, or None where nothing waits."""
    found = connection.execute(
        select(outbox.c.next_attempt_at)
        .where(is_waiting, outbox.c.state == _PENDING)
        .order_by(outbox.c.next_attempt_at)
        .limit(1)
    ).scalar()
    return [None if found is None else from_ms(found) for _ in moments]
