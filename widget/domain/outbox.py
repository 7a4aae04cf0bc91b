"""The outbox as values: a message is a promise to a visitor (pending → leased → delivered or dead)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MessageState(StrEnum):
    PENDING = "pending"
    LEASED = "leased"
    DELIVERED = "delivered"
    DEAD = "dead"
    PURGED = "purged"  # sid and answers are gone; the key stays, so that a replay still changes nothing


@dataclass(frozen=True, slots=True)
class Answer:
    """One answered question as ECE shall have it: the text in the survey's default language, several joined by `; `."""

    question_id: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class SurveyMessage:
    """What a visitor was thanked for. Values, not XML: a corrected wire format also mends rows that wait.

    `key` is a keyed hash of sid and survey: the same chat and survey never makes a second row, also after the row's
    answers were purged. `sid` is ECE's opaque session id, a secret.
    """

    key: str
    sid: str
    entry_point: str
    survey: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message taken for a while. Only its `owner` may settle it, and only before `leased_until`.

    `waiting_since` is `accepted_at`, or the moment at which an operator sent a dead message again.
    """

    id: int
    owner: str
    leased_until: datetime
    attempts: int
    accepted_at: datetime
    waiting_since: datetime
    message: SurveyMessage


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """What `surveys list` and the metrics say. `oldest_waiting` is when the oldest undelivered one was accepted."""

    by_state: dict[MessageState, int]
    oldest_waiting: datetime | None
    possible_doubles: int


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One row as an operator sees it: a fingerprint in place of the sid. `answers` is None once purged."""

    id: int
    state: MessageState
    fingerprint: str
    entry_point: str
    survey: str
    attempts: int
    accepted_at: datetime
    next_attempt_at: datetime | None
    settled_at: datetime | None
    reason: str | None
    possible_doubles: int
    answers: tuple[Answer, ...] | None
