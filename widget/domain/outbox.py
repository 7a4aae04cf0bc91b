"""The outbox as values: a message is a promise to a visitor (pending → leased → delivered or dead)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from widget.domain.asked import Chosen

ECE = "ece"  # the destination of surveys
SMTP = "smtp"  # the mail server of `[smtp]`
WEBHOOKS = "webhooks."  # with the name of `[webhooks.NAME]` behind it
LONGEST_SID = 256  # characters
LARGEST_ROW = 2**63 - 1  # number of a row, as a database's BIGINT


def valid_sid(sid: str) -> bool:
    """Return whether this may be a session id of ECE: opaque, printable, bounded."""
    return 0 < len(sid) <= LONGEST_SID and sid.isprintable() and bool(sid.strip())


class MessageState(StrEnum):
    PENDING = "pending"
    LEASED = "leased"
    DELIVERED = "delivered"
    DEAD = "dead"
    PURGED = "purged"  # sid and answers are gone; the key stays, so that a replay still changes nothing


class RowKind(StrEnum):
    """What a row promises: a survey for ECE, a message that a visitor left, an alert about a survey."""

    SURVEY = "survey"
    MESSAGE = "message"
    ALERT = "alert"


class Pick(StrEnum):
    """Which of the due rows a claim takes first."""

    OLDEST = "oldest"
    LEAST_TRIED = "least_tried"  # of these the oldest
    NEWEST = "newest"  # of the least tried ones
    LIKE_LAST_TAKEN = "like_last_taken"  # of the entry point that a survey was last delivered for, of these the newest


class Answer(NamedTuple):
    """One answered question as ECE shall have it: the text in the survey's default language, several joined by `; `."""

    question_id: str
    question: str
    answer: str


class QueueThen(NamedTuple):
    """ECE's numbers at the moment when a chat was opened: seconds, and chats that wait."""

    wait_time: int | None
    queue_depth: int | None


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """What a visitor was thanked for. Values, not XML or a mail: a corrected format also mends rows that wait.

    `key` is a keyed hash of sid and survey: the same chat and survey never makes a second row, also after the row's
    answers were purged. `sid` is ECE's opaque session id, a secret.

    A message that a visitor left (`kind`) is the same: `answers` are the fields of its form by name, `sid` is the
    address of the person who wrote it (`domain.message.person`), `survey` is empty, and `key` is of the form and of
    what was typed. An alert has the sid and the answers of its survey, so that whoever purges one purges both.
    """

    key: str
    sid: str
    entry_point: str
    survey: str
    answers: tuple[Answer, ...]
    kind: RowKind = RowKind.SURVEY
    destination: str = ECE
    accepted_at: datetime | None = field(default=None, compare=False)  # known once it was read from the outbox
    # Of a survey, for the results: what was chosen, answer by answer, the language that the visitor read, and ECE's
    # numbers when the chat was opened. Not known any more once it was read from the outbox.
    chosen: tuple[Chosen, ...] = field(default=(), compare=False)
    language: str = field(default="", compare=False)
    queue: QueueThen | None = field(default=None, compare=False)


class ClaimedMessage(NamedTuple):
    """A message taken for a while. Only its `owner` may settle it, until somebody else takes it.

    `waiting_since` is `accepted_at`, or the moment at which an operator sent a dead message again.
    """

    id: int
    owner: str
    attempts: int
    possible_doubles: int
    accepted_at: datetime
    waiting_since: datetime
    message: OutboxMessage


class Claim(NamedTuple):
    """What one claim may take: up to `limit` due rows of a destination, held for `lease`."""

    limit: int
    owner: str
    now: datetime
    lease: timedelta
    destination: str = ECE
    pick: Pick = Pick.OLDEST
    entry_point: str = ""  # for Pick.LIKE_LAST_TAKEN
    untried: bool = False  # only rows that were never sent


class Settlement(NamedTuple):
    """What becomes of one claimed row. `next_attempt_at` and `reason` stay as they were where None."""

    claimed: ClaimedMessage
    state: MessageState
    attempts: int
    next_attempt_at: datetime | None = None
    settled_at: datetime | None = None
    reason: str | None = None
    waits_for_destination: bool = False
    possible_double: bool = False


class DeadRow(NamedTuple):
    """A row that became dead without a sending: it cannot be read, or waited too long."""

    id: int
    reason: str


class Taken(NamedTuple):
    """The outcome of one claim: what was leased, and the due rows that were set aside because they cannot be read."""

    messages: list[ClaimedMessage]
    set_aside: list[DeadRow]


class OutboxCounts(NamedTuple):
    """What `surveys list` and the metrics say. `oldest_waiting` is when the oldest undelivered one was accepted.

    `waiting_for` has the undelivered ones by destination. A row whose state is none of this release counts as dead.
    """

    by_state: dict[MessageState, int]
    oldest_waiting: datetime | None
    possible_doubles: int
    waiting_for: Mapping[str, int]

    def undeliverable(self, destinations: Collection[str]) -> dict[str, int]:
        """Return the rows by destination that wait for none of `destinations`, so that nobody delivers them."""
        return {name: number for name, number in sorted(self.waiting_for.items()) if name not in destinations}


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One row as an operator sees it: a fingerprint in place of the sid.

    `kind` is `survey`, `message` or `alert`, or one of a later release; `destination` is `ece`, `smtp` or
    `webhooks.NAME`. Of a message the fingerprint is that of the person's address.

    `answers` is None once purged, and where they cannot be read; `faults` names what cannot be read.
    """

    id: int
    state: MessageState
    fingerprint: str
    entry_point: str
    survey: str
    attempts: int
    accepted_at: datetime | None
    next_attempt_at: datetime | None
    settled_at: datetime | None
    reason: str | None
    possible_doubles: int
    answers: tuple[Answer, ...] | None
    faults: tuple[str, ...] = ()
    kind: str = RowKind.SURVEY.value
    destination: str = ECE
