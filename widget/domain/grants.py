"""What the signed texts say that browsers carry: survey links, launch tickets, forms of messages, sessions."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from widget.domain.outbox import QueueThen


class SurveyGrant(NamedTuple):
    """What a survey link says: who may answer what, and until when. `sid` is a secret."""

    sid: str
    entry_point: str
    survey: str
    expires: datetime
    queue: QueueThen | None = None


class Ticket(NamedTuple):
    """What a launch ticket says: one chat was opened at this entry point, in this language of the page.

    `queue` is how ECE's queue was then.
    """

    id: str
    entry_point: str
    locale: str
    expires: datetime
    queue: QueueThen | None = None


class Session(NamedTuple):
    """What an operator's cookie says: who signed in, and until when.

    `proof` is a keyed hash of `id` under the operator token, so that a session ends with its token.
    """

    id: str
    who: str
    proof: str
    expires: datetime


class MessageFormGrant(NamedTuple):
    """What a form says that leaves a message: it is one of ours, for this entry point."""

    id: str
    entry_point: str
    expires: datetime
