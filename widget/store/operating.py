"""The statements of the operator's commands, of the metrics and of the clean-up by age."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, TextClause, and_, case, func, or_, select, true, update

from widget.domain.outbox import MessageState, OutboxCounts, OutboxRow, RowKind
from widget.store.reading import MOST_ATTEMPTS, moment_or_none, read_for_operator, unreadable
from widget.store.remembering import remember
from widget.store.schema import has_unknown_state, is_dead, is_settled, is_waiting, outbox
from widget.store.times import to_ms

_Condition = ColumnElement[bool] | TextClause
_STATES = {state.value: state for state in MessageState}
WAITING = (MessageState.PENDING, MessageState.LEASED)
UNSETTLED = (*WAITING, MessageState.DEAD)
NO_MOMENT = 2**47  # milliseconds: beyond any moment that this product writes, and in SQLite less than any text
FREED = "freed"  # remembered while files may hold what was purged
PAGE = 500  # rows read or changed by one transaction, so that visitors' rows never wait long behind an operator


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows an operator means: those that fit every part that is set. `everything` has to be said.

    Raise ValueError for a selection without any part, since an operation on all rows must not happen by accident.
    """

    states: tuple[MessageState, ...] = ()
    ids: tuple[int, ...] = ()
    sid: str | None = None
    person: str | None = None  # who left a message: the address, as `domain.message.person` gives it
    kinds: tuple[RowKind, ...] = ()
    entry_point: str | None = None
    survey: str | None = None
    accepted_from: datetime | None = None
    accepted_before: datetime | None = None
    settled_before: datetime | None = None
    everything: bool = False

    def __post_init__(self) -> None:
        if bool(list(self._parts())) == self.everything:
            raise ValueError("a selection names some rows, or everything and nothing else")

    def condition(self) -> ColumnElement[bool]:
        """Return the same as SQL."""
        return or_(*self.ranges())

    def ranges(self) -> list[ColumnElement[bool]]:
        """Return the same in parts, of which each can be found by an index; SQLite uses none for their union."""
        condition, at = and_(true(), *self._parts()), outbox.c.settled_at
        if self.settled_before is None:
            return [condition]
        # a damaged moment must not keep answers for good
        return [condition & part for part in (at < to_ms(self.settled_before), at > NO_MOMENT, at.is_(None))]

    def _parts(self) -> Iterator[_Condition]:
        if self.states:
            states = outbox.c.state.in_([state.value for state in self.states])
            yield or_(states, has_unknown_state) if MessageState.DEAD in self.states else states
        if self.ids:
            yield outbox.c.id.in_(self.ids)
        for column, value in (
            (outbox.c.sid, self.sid),
            (outbox.c.entry_point, self.entry_point),
            (outbox.c.survey, self.survey),
        ):
            if value is not None:
                yield column == value
        if self.person is not None:
            yield and_(outbox.c.kind == RowKind.MESSAGE.value, outbox.c.sid == self.person)
        if self.kinds:
            yield outbox.c.kind.in_([kind.value for kind in self.kinds])
        if self.accepted_from is not None:
            yield outbox.c.accepted_at >= to_ms(self.accepted_from)
        if self.accepted_before is not None:
            yield outbox.c.accepted_at < to_ms(self.accepted_before)
        if self.settled_before is not None:
            yield is_settled


def counts(connection: Connection) -> OutboxCounts:
    """Count all rows by state. The cost grows with their number."""
    return _counts(connection, [true()], tuple(MessageState))


def counts_of_unsettled(connection: Connection) -> OutboxCounts:
    """Count the rows that wait and those that are dead; the cost does not grow with what was delivered or purged."""
    return _counts(connection, [is_waiting, is_dead, has_unknown_state], UNSETTLED)


def _counts(connection: Connection, conditions: Sequence[_Condition], states: Sequence[MessageState]) -> OutboxCounts:
    doubles = outbox.c.possible_doubles
    readable = func.sum(case((doubles.between(0, MOST_ATTEMPTS), doubles), else_=0))
    by_state, sum_of_doubles, waiting_for = dict.fromkeys(states, 0), 0, Counter[str]()
    groups = (outbox.c.state, outbox.c.destination)
    for condition in conditions:
        query = select(*groups, func.count(), readable).where(condition).group_by(*groups)
        for written, destination, number, doubled in connection.execute(query):
            state = _STATES.get(written, MessageState.DEAD)
            by_state[state] += number
            sum_of_doubles += int(doubled)
            if state in WAITING:
                waiting_for[_label(destination)] += number
    oldest = connection.execute(select(func.min(outbox.c.accepted_at)).where(is_waiting)).scalar()
    return OutboxCounts(by_state, moment_or_none(oldest), sum_of_doubles, waiting_for)


def _label(destination: object) -> str:
    """Return a destination's name as metrics can have it: a damaged one may be no UTF-8."""
    return "".join(each if " " <= each <= "~" else "?" for each in str(destination))


def number_of(connection: Connection, selection: Selection) -> int:
    """Count the rows that an operator means."""
    return connection.execute(select(func.count()).where(selection.condition())).scalar_one()


def page(
    connection: Connection, selection: Selection, after: int | None, limit: int, fingerprint_key: bytes
) -> list[OutboxRow]:
    """Return rows by id, from the first after `after`; None for the very first."""
    following = true() if after is None else outbox.c.id > after
    statement = select(*_COLUMNS).where(selection.condition(), following).order_by(outbox.c.id).limit(limit)
    return [read_for_operator(row, fingerprint_key) for row in connection.execute(statement)]


def newest(
    connection: Connection, selection: Selection, limit: int, fingerprint_key: bytes, before: int | None = None
) -> list[OutboxRow]:
    """Return the last rows, or the last ones before the row `before`, the newest first."""
    earlier = true() if before is None else outbox.c.id < before
    statement = select(*_COLUMNS).where(selection.condition(), earlier).order_by(outbox.c.id.desc()).limit(limit)
    return [read_for_operator(row, fingerprint_key) for row in connection.execute(statement)]


def set_aside(connection: Connection, selection: Selection) -> list[int]:
    """Return the ids of the selected rows that were set aside because they cannot be read."""
    cannot_be_read = or_(has_unknown_state, is_dead & outbox.c.reason.startswith(unreadable(""), autoescape=True))
    statement = select(outbox.c.id).where(selection.condition(), cannot_be_read).order_by(outbox.c.id)
    return list(connection.execute(statement).scalars())


# Not `waits_for_ece`, which the driver cannot read when it is damaged, and nobody is shown.
_COLUMNS = tuple(column for column in outbox.columns if column is not outbox.c.waits_for_ece)


def send_again(connection: Connection, selection: Selection, now: datetime) -> int:
    """Make dead rows pending, with all their attempts and their time before them again."""
    return connection.execute(
        update(outbox)
        .where(selection.condition(), or_(is_dead, has_unknown_state))
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
    """Take sid and answers out of up to `limit` rows, whatever their state; the key stays. Return how many."""
    done = 0
    for condition in selection.ranges():
        if done < limit:
            done += _purge(connection, condition, now, limit - done)
    if done:
        remember(connection, FREED, secrets.token_hex(8))  # until the files were cleaned, also after a kill
    return done


def _purge(connection: Connection, condition: ColumnElement[bool], now: datetime, limit: int) -> int:
    # in no order: SQLite would read the whole table in the order of ids
    some = select(outbox.c.id).where(condition, outbox.c.state != MessageState.PURGED.value).limit(limit)
    return connection.execute(
        update(outbox)
        .where(outbox.c.id.in_(some.scalar_subquery()))
        .values(
            state=MessageState.PURGED.value,
            sid=None,
            answers=None,
            entry_point="",
            survey="",
            language=None,
            wait_time=None,
            queue_depth=None,
            reason=None,
            lease_owner=None,
            leased_until=None,
            settled_at=to_ms(now),
        )
    ).rowcount
