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
    """A message taken for a while. Only its `owner` may settle it, and only before `leased_until`."""

    id: int
    owner: str
    leased_until: datetime
    attempts: int
    accepted_at: datetime
    message: SurveyMessage
