"""The statements of the delivery loop: claim for a while, and settle only what is still one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Integer,
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

from widget.domain.outbox import Claim, DeadRow, MessageState, Pick, RowKind, Settlement, Taken
from widget.domain.retry import TOO_OLD
from widget.store.reading import MOST_ATTEMPTS, UnreadableRow, read_claimed, unreadable
from widget.store.schema import is_waiting, outbox
from widget.store.times import to_ms

# A due time or a lease further ahead than this was written by a clock that has been set back since; nothing in this
# product waits or leases that long.
FURTHEST_AHEAD = timedelta(hours=1)

_KINDS = tuple(kind.value for kind in RowKind)  # a row of another kind waits for a release that knows it
GIVEN_UP_AT_ONCE = 500  # rows in one transaction

_PENDING, _LEASED = MessageState.PENDING.value, MessageState.LEASED.value


def _is_due() -> ColumnElement[bool]:
    at, ahead = bindparam("at", type_=BigInteger), bindparam("ahead", type_=BigInteger)
    due, lease = outbox.c.next_attempt_at, outbox.c.leased_until
    return and_(
        is_waiting,
        outbox.c.kind.in_(_KINDS),
        outbox.c.destination == bindparam("goes_to"),
        # not a greatest number of attempts: a damaged number could be greater still, and its row never be found
        or_(bindparam("tried_too", type_=Boolean), outbox.c.attempts <= 0),
        or_(
            and_(outbox.c.state == _PENDING, or_(due <= at, due > ahead)),
            and_(outbox.c.state == _LEASED, or_(lease <= at, lease > ahead, lease.is_(None))),
        ),
    )


# PostgreSQL skips rows that another process is claiming; SQLite has one writer at a time and drops that clause.
def _claiming(*order: ColumnElement[Any]) -> ReturningUpdate[Any]:
    due = (
        select(outbox.c.id).where(_is_due()).order_by(*order).limit(bindparam("most")).with_for_update(skip_locked=True)
    )
    doubles = outbox.c.possible_doubles
    return (
        update(outbox)
        .where(outbox.c.id.in_(due.scalar_subquery()))
        .values(
            state=_LEASED,
            lease_owner=bindparam("owner"),
            leased_until=bindparam("until"),
            # whoever held it may have died between ECE's answer and the settling; a damaged number is not added to
            possible_doubles=doubles + case((and_(outbox.c.state == _LEASED, doubles < MOST_ATTEMPTS), 1), else_=0),
        )
        .returning(
            outbox.c.id,
            outbox.c.key,
            outbox.c.sid,
            outbox.c.entry_point,
            outbox.c.survey,
            outbox.c.answers,
            outbox.c.attempts,
            outbox.c.possible_doubles,
            outbox.c.accepted_at,
            outbox.c.waiting_since,
            outbox.c.kind,
            outbox.c.destination,
        )
    )


_oldest = (outbox.c.accepted_at, outbox.c.id)
_newest = (outbox.c.accepted_at.desc(), outbox.c.id.desc())
_of_the_entry_point = case((outbox.c.entry_point == bindparam("like", type_=Text), 0), else_=1)
# Made once: building a statement costs more than running it.
_CLAIM = {
    Pick.OLDEST: _claiming(*_oldest),
    Pick.LEAST_TRIED: _claiming(outbox.c.attempts, *_oldest),
    Pick.NEWEST: _claiming(outbox.c.attempts, *_newest),
    Pick.LIKE_LAST_TAKEN: _claiming(_of_the_entry_point, outbox.c.attempts, *_newest),
}
_SET_ASIDE = (
    update(outbox)
    .where(outbox.c.id == bindparam("row"))
    .values(
        state=MessageState.DEAD.value,
        settled_at=bindparam("settled"),
        reason=bindparam("why", type_=Text),
        lease_owner=None,
        leased_until=None,
    )
)
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


def claim(connection: Connection, wanted: Claim) -> Taken:
    """Lease rows that are due, or whose lease ran out since their owner died.

    A row that cannot be read becomes dead in the same transaction, so that it holds up no other.
    """
    values = {
        "at": to_ms(wanted.now),
        "ahead": to_ms(wanted.now + FURTHEST_AHEAD),
        "most": wanted.limit,
        "owner": wanted.owner,
        "until": to_ms(wanted.now + wanted.lease),
        "goes_to": wanted.destination,
        "tried_too": not wanted.untried,
    }
    if wanted.pick is Pick.LIKE_LAST_TAKEN:
        values["like"] = wanted.entry_point
    messages, set_aside = [], []
    for row in connection.execute(_CLAIM[wanted.pick], values).all():
        try:
            messages.append(read_claimed(row, wanted.owner))
        except UnreadableRow as fault:
            set_aside.append(DeadRow(row.id, unreadable(fault)))
    for dead in set_aside:
        connection.execute(_SET_ASIDE, {"row": dead.id, "settled": to_ms(wanted.now), "why": dead.reason})
    return Taken(sorted(messages, key=lambda each: (each.accepted_at, each.id)), set_aside)


def settle(connection: Connection, settlements: Sequence[Settlement]) -> list[bool]:
    """Settle each row that is still leased by its owner; return for each whether it was."""
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
        "waits": settlement.waits_for_destination,
        "doubles": int(settlement.possible_double),
    }


def end_leases(connection: Connection, gone: Callable[[Sequence[str]], Sequence[str]], now: datetime) -> int:
    """End the leases of owners that are gone now; return how many. Who claims such a row counts a possible double."""
    leased = and_(is_waiting, outbox.c.state == _LEASED)
    owners = connection.execute(select(outbox.c.lease_owner).where(leased).distinct()).scalars()
    ended = gone([owner for owner in owners if isinstance(owner, str)])
    changed = update(outbox).where(leased, outbox.c.lease_owner.in_(ended)).values(leased_until=to_ms(now))
    return connection.execute(changed).rowcount if ended else 0


def hasten(connection: Connection, destination: str, now: datetime) -> int:
    """Make rows due that wait only because their destination did not serve, since it serves again; return how many."""
    return connection.execute(
        update(outbox)
        .where(
            is_waiting,
            outbox.c.state == _PENDING,
            outbox.c.destination == destination,
            outbox.c.waits_for_ece.is_(True),
            outbox.c.next_attempt_at > to_ms(now),
        )
        .values(next_attempt_at=to_ms(now), waits_for_ece=False)
    ).rowcount


def give_up_before(connection: Connection, before: datetime, now: datetime) -> list[DeadRow]:
    """Make some rows dead that were tried and wait since before a moment; return them, none where none is left."""
    some = (
        select(outbox.c.id)
        .where(
            is_waiting,
            outbox.c.kind.in_(_KINDS),
            outbox.c.state == _PENDING,
            outbox.c.attempts > 0,
            outbox.c.waiting_since < to_ms(before),
        )
        .limit(GIVEN_UP_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    given_up = connection.execute(
        update(outbox)
        .where(outbox.c.id.in_(some.scalar_subquery()))
        .values(
            state=MessageState.DEAD.value,
            settled_at=to_ms(now),
            reason=TOO_OLD + func.coalesce(outbox.c.reason, "unknown"),
        )
        .returning(outbox.c.id, outbox.c.reason)
    )
    return [DeadRow(row.id, str(row.reason)) for row in given_up]
