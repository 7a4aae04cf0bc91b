"""Read rows as values; one that cannot be read is a fault of that row and of no other.

What stands in a table may be damaged, or written by a later release. Every reader here gets columns as the driver
returned them, and SQLite returns any type from any column.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from widget.domain.outbox import Answer, ClaimedMessage, MessageState, OutboxMessage, OutboxRow, RowKind
from widget.store.times import from_ms

MOST_ATTEMPTS = 1_000_000  # more than a row can have in years: a larger number is damage, and one more may not fit
MOST_COUNTED = 10**12  # answers, or seconds
_EARLIEST, _LATEST = -(2**45), 2**47  # milliseconds: the years 855 to 6429, which a `datetime` holds
_FIELDS = ("question_id", "question", "answer")


class UnreadableRow(Exception):
    """A column does not hold what this release writes there; the message names the column and no value of it."""


def read_claimed(row: Row[Any], owner: str) -> ClaimedMessage:
    """Return the message of a claimed row. Raise UnreadableRow."""
    return ClaimedMessage(
        id=row.id,
        owner=owner,
        attempts=_number(row.attempts, "attempts"),
        possible_doubles=_number(row.possible_doubles, "possible_doubles"),
        accepted_at=(accepted_at := _moment(row.accepted_at, "accepted_at")),
        waiting_since=_moment(row.waiting_since, "waiting_since"),
        message=OutboxMessage(
            key=_text(row.key, "key"),
            sid=_text(row.sid, "sid"),
            entry_point=_text(row.entry_point, "entry_point"),
            survey=_text(row.survey, "survey"),
            answers=read_answers(row.answers),
            kind=RowKind(row.kind),  # a claim takes no other
            destination=_text(row.destination, "destination"),
            accepted_at=accepted_at,
        ),
    )


def read_answers(value: object) -> tuple[Answer, ...]:
    """Return the answers; fields that a later release added to one are left out. Raise UnreadableRow."""
    return tuple(Answer(*texts) for texts, _ in read_entries(value))


def read_entries(value: object) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Yield the texts that each entry of the answers must have, with the whole entry. Raise UnreadableRow."""
    try:
        found = json.loads(_text(value, "answers"))
    except (ValueError, RecursionError):
        raise UnreadableRow("answers is no JSON") from None
    if not isinstance(found, list):
        raise UnreadableRow("answers is no list")
    for each in found:
        fields = [each.get(name) for name in _FIELDS] if isinstance(each, dict) else []
        texts = [field for field in fields if isinstance(field, str)]
        if len(texts) != len(_FIELDS):
            raise UnreadableRow("answers has an entry that is no question with its answer")
        yield texts, each


def read_for_operator(row: Row[Any], fingerprint_key: bytes) -> OutboxRow:
    """Return the row as far as it can be read; `reason` names what cannot. An unknown state counts as dead."""
    faults: list[str] = []

    def known(read: Any, *arguments: object) -> Any:
        try:
            return read(*arguments)
        except UnreadableRow as fault:
            faults.append(str(fault))
            return None

    state = known(read_state, row.state) or MessageState.DEAD
    purged = state is MessageState.PURGED
    sid = None if purged and row.sid is None else known(_text, row.sid, "sid")
    answers = None if purged and row.answers is None else known(read_answers, row.answers)
    waiting = state is MessageState.PENDING
    about = OutboxRow(
        id=row.id,
        state=state,
        fingerprint=fingerprint(sid, fingerprint_key),
        entry_point=known(_text, row.entry_point, "entry_point") or "",
        survey=known(_text, row.survey, "survey") or "",
        attempts=known(_number, row.attempts, "attempts") or 0,
        accepted_at=known(_moment, row.accepted_at, "accepted_at"),
        next_attempt_at=known(_moment, row.next_attempt_at, "next_attempt_at") if waiting else None,
        settled_at=None if row.settled_at is None else known(_moment, row.settled_at, "settled_at"),
        reason=None if row.reason is None else known(_text, row.reason, "reason"),
        possible_doubles=known(_number, row.possible_doubles, "possible_doubles") or 0,
        answers=answers,
        kind=known(_text, row.kind, "kind") or "",
        destination=known(_text, row.destination, "destination") or "",
    )
    if not faults:
        return about
    return dataclasses.replace(about, reason=unreadable("; ".join(faults)), faults=tuple(faults))


def unreadable(fault: object) -> str:
    """Return the reason of a row that was set aside because it cannot be read."""
    return f"unreadable: {fault}"


def read_state(value: object) -> MessageState:
    """Return the state. Raise UnreadableRow for one that this release does not know."""
    try:
        return MessageState(value)  # type: ignore[arg-type]  # refused by value
    except ValueError:
        raise UnreadableRow("state is none of this release") from None


def read_count(value: Any) -> int:
    """Return what was counted or added up, which damaged numbers may have taken out of any range."""
    return int(min(max(value, 0), MOST_COUNTED)) if isinstance(value, int | float | Decimal) else 0


def moment_or_none(value: object) -> datetime | None:
    """Return a table's moment, or None for none and for what is no moment."""
    try:
        return _moment(value, "")
    except UnreadableRow:
        return None


def fingerprint(sid: str | None, key: bytes) -> str:
    """Return a short name for a sid that tells two apart and says nothing else about it; empty once purged."""
    if sid is None:
        return ""
    return hmac.new(key, b"fingerprint\0" + sid.encode(errors="replace"), hashlib.sha256).hexdigest()[:12]


def _text(value: object, column: str) -> str:
    if not isinstance(value, str):
        raise UnreadableRow(f"{column} is empty" if value is None else f"{column} is no text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UnreadableRow(f"{column} is no UTF-8") from None  # SQLite stores any bytes as text
    return value


def _number(value: object, column: str) -> int:
    if not isinstance(value, int) or not 0 <= value <= MOST_ATTEMPTS:
        raise UnreadableRow(f"{column} is no count")
    return value


def _moment(value: object, column: str) -> datetime:
    if not isinstance(value, int) or not _EARLIEST <= value <= _LATEST:
        raise UnreadableRow(f"{column} is no moment")
    return from_ms(value)
