"""The statements of the delivery loop: claim for a while, and settle only what is still one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Text,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

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
    least_tried: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of one claimed row. `next_attempt_at` and `reason` stay as they were where None."""

    claimed: ClaimedMessage
    state: MessageState
    attempts: int
    next_attempt_at: datetime | None = None
    settled_at: datetime | None = None
    reason: str | None = None
    waits_for_ece: bool = False
    possible_double: bool = False


def _is_due() -> ColumnElement[bool]:
    at, ahead = bindparam("at", type_=BigInteger), bindparam("ahead", type_=BigInteger)
    due, lease = outbox.c.next_attempt_at, outbox.c.leased_until
    return and_(
        is_waiting,
        or_(
            and_(outbox.c.state == _PENDING, or_(due <= at, due > ahead)),
            and_(outbox.c.state == _LEASED, or_(lease <= at, lease > ahead)),
        ),
    )


# PostgreSQL skips rows that another process is claiming; SQLite has one writer at a time and drops that clause.
def _claiming(*order: ColumnElement[Any]) -> ReturningUpdate[Any]:
    due = (
        select(outbox.c.id).where(_is_due()).order_by(*order).limit(bindparam("most")).with_for_update(skip_locked=True)
    )
    return (
        update(outbox)
        .where(outbox.c.id.in_(due.scalar_subquery()))
        .values(
            state=_LEASED,
            lease_owner=bindparam("owner"),
            leased_until=bindparam("until"),
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


# Made once: building a statement costs more than running it.
_CLAIM = {
    False: _claiming(outbox.c.accepted_at, outbox.c.id),
    True: _claiming(outbox.c.attempts, outbox.c.accepted_at, outbox.c.id),
}
_SETTLE = (
    update(outbox)
    .where(
        outbox.c.id == bindparam("row"),
        outbox.c.state == _LEASED,
        outbox.c.lease_owner == bindparam("owner"),
    )
    .values(
        state=bindparam("becomes"),
        attempts=bindparam("tried"),
        next_attempt_at=func.coalesce(bindparam("due", type_=BigInteger), outbox.c.next_attempt_at),
        settled_at=bindparam("settled"),
        reason=func.coalesce(bindparam("why", type_=Text), outbox.c.reason),
        waits_for_ece=bindparam("waits"),
        possible_doubles=outbox.c.possible_doubles + bindparam("doubles", type_=Integer),
        lease_owner=None,
        leased_until=None,
    )
)


def claim(connection: Connection, claims: Sequence[Claim]) -> list[list[ClaimedMessage]]:
    """Serve each claim in turn: lease the oldest rows that are due, or whose lease ran out since their owner died."""
    return [_claim(connection, each) for each in claims]


def _claim(connection: Connection, wanted: Claim) -> list[ClaimedMessage]:
    until = wanted.now + wanted.lease
    found = connection.execute(
        _CLAIM[wanted.least_tried],
        {
            "at": to_ms(wanted.now),
            "ahead": to_ms(wanted.now + FURTHEST_AHEAD),
            "most": wanted.limit,
            "owner": wanted.owner,
            "until": to_ms(until),
        },
    )
    rows = sorted(found, key=lambda row: (row.accepted_at, row.id))
    return [_claimed(row, wanted.owner, until) for row in rows]


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
    return [connection.execute(_SETTLE, _settling(each)).rowcount == 1 for each in settlements]


def _settling(settlement: Settlement) -> dict[str, Any]:
    due, settled = settlement.next_attempt_at, settlement.settled_at
    return {
        "row": settlement.claimed.id,
        "owner": settlement.claimed.owner,
        "becomes": settlement.state.value,
        "tried": settlement.attempts,
        "due": None if due is None else to_ms(due),
        "settled": None if settled is None else to_ms(settled),
        "why": settlement.reason,
        "waits": settlement.waits_for_ece,
        "doubles": int(settlement.possible_double),
    }


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
