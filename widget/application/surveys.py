"""Open a survey by its signed link, start one from a launch ticket, take the answers: thanks only for what is on disk.

The ports are what this module needs from outside: signed texts, the outbox, and one building of what ECE will get.

From the form to ECE's XML:

    web/surveys/routes.py             opens the link of the post: `tokens.py` reads its sid, entry point and survey
      Surveys.submit                  checks the answers and makes the row, and that of an alert
    store/outbox.py                   has `writer.py` commit it by the statements of `accepting.py`
    application/delivery/             `destination_loop.py` claims the row by those of `store/delivering.py`
    ece/sink.py                       chooses the form of the call, `client.py` makes it
    ece/wire.py                       `survey_xml` writes sid and answers
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from widget.domain.answers import Checked, FaultCode, FieldFault, Fields, answers, check, chosen_of
from widget.domain.asked import versions_of
from widget.domain.errors import EceUnsendable, SurveyUnknown, TicketTaken
from widget.domain.grants import SurveyGrant, Ticket
from widget.domain.outbox import LONGEST_SID, OutboxMessage, QueueThen, RowKind, valid_sid
from widget.domain.survey import Survey, is_met
from widget.settings import EntryPointSettings


class TokenVerifier(Protocol):
    """Signs and verifies; raises TokenInvalid and TokenExpired."""

    def sign_survey(
        self, sid: str, entry_point: str, survey: str, expires: datetime, *, queue: QueueThen | None = None
    ) -> str: ...
    def verify_survey(self, token: str) -> SurveyGrant: ...
    def verify_ticket(self, token: str) -> Ticket: ...


class SurveyOutbox(Protocol):
    """Keeps what visitors were thanked for. Every call raises OutboxUnavailable when the database does not serve."""

    async def enqueue(self, message: OutboxMessage, follower: OutboxMessage | None = None) -> bool:
        """Return once the row is on disk: True when it is new, False when its key was there before.

        `follower` is on disk with it, by the same transaction, and only where it is new.
        """
        ...

    async def bind_ticket(self, ticket_id: str, sid_hash: str, expires: datetime) -> str:
        """Bind the ticket to this chat unless it is bound; return the hash it was bound to first."""
        ...

    async def hash_key(self) -> bytes:
        """Return the key of the hashes: random, made once, kept with the rows.

        Not one of the signing keys: those are replaced, and a replay after that must still meet its row.
        """
        ...


class OpenSurvey(NamedTuple):
    """A verified link and the survey it opens."""

    grant: SurveyGrant
    survey: Survey


class SurveyLink(NamedTuple):
    token: str
    expires: datetime
    locale: str = ""


class Submission(NamedTuple):
    """The outcome of a post. `accepted`: the answers are on disk, from this post or an earlier one (`new` tells)."""

    checked: Checked
    accepted: bool
    new: bool = False


def survey_key(hash_key: bytes, sid: str, survey: str) -> str:
    """Return the identity of one chat's answers to one survey; neither part can hold the NUL between them."""
    return hmac.digest(hash_key, f"survey\0{sid}\0{survey}".encode(), "sha256").hex()


def sid_hash(hash_key: bytes, sid: str) -> str:
    """Return what a ticket is bound to: the session id itself need not be stored for that."""
    return hmac.digest(hash_key, f"ticket\0{sid}".encode(), "sha256").hex()


def alert_of(survey: OutboxMessage, destination: str) -> OutboxMessage:
    """Return the row that tells people of a survey at once; it waits, and is purged, beside that of the survey."""
    key = hashlib.sha256(f"alert\0{survey.key}".encode()).hexdigest()
    return replace(survey, key=key, kind=RowKind.ALERT, destination=destination)


class SurveyLinks:
    """Signs survey links: what the settings know, and how long a link lives."""

    def __init__(
        self,
        definitions: Mapping[str, Survey],
        entry_points: Mapping[str, EntryPointSettings],
        *,
        tokens: TokenVerifier,
        now: Callable[[], datetime],
        lifetime: float,
    ) -> None:
        self.definitions = definitions
        self.versions = {name: versions_of(survey) for name, survey in definitions.items()}
        self.entry_points = entry_points
        self.tokens = tokens
        self._now = now
        self._lifetime = timedelta(seconds=lifetime)

    def link(
        self, sid: str, entry_point: str, survey: str | None = None, *, queue: QueueThen | None = None
    ) -> SurveyLink:
        """Sign a link; `queue` is how it was when the chat was opened.

        Raise ValueError for a bad session id, SurveyUnknown for unknown names.
        """
        if not valid_sid(sid):
            raise ValueError(f"a session id has 1 to {LONGEST_SID} printable characters")
        known = self.entry_points.get(entry_point)
        if known is None:
            raise SurveyUnknown(f"no entry point is called {entry_point!r}")
        name = known.survey if survey is None else survey
        if name is None:
            raise SurveyUnknown(f"{entry_point!r} has no survey of its own; name one")
        if name not in self.definitions:
            raise SurveyUnknown(f"no survey is called {name!r}")
        expires = (self._now() + self._lifetime).replace(microsecond=0)
        return SurveyLink(self.tokens.sign_survey(sid, entry_point, name, expires, queue=queue), expires)

    def open(self, token: str) -> OpenSurvey:
        """Verify a link; raise TokenInvalid, TokenExpired, SurveyUnknown."""
        grant = self.tokens.verify_survey(token)
        survey = self.definitions.get(grant.survey)
        if grant.entry_point not in self.entry_points or survey is None:
            raise SurveyUnknown("the settings do not have it any more")
        return OpenSurvey(grant, survey)


class Surveys:
    """Everything a visitor does with a survey before its delivery.

    `rehearse` builds what ECE will get and throws it away; it raises EceUnsendable when that cannot be written.
    """

    def __init__(
        self, links: SurveyLinks, *, outbox: SurveyOutbox, rehearse: Callable[[OutboxMessage], object]
    ) -> None:
        self.links = links
        self._outbox = outbox
        self._rehearse = rehearse

    def ticket_entry_point(self, ticket: str) -> str:
        """Name the entry point a ticket was made for; raise TokenInvalid, TokenExpired."""
        return self.links.tokens.verify_ticket(ticket).entry_point

    async def start(self, ticket: str, sid: str) -> SurveyLink:
        """Return the survey link of a chat that has ended.

        The first session id to come with a ticket is bound to it for as long as the ticket lives; the same one again
        gives the same survey, another one raises TicketTaken.
        """
        launched = self.links.tokens.verify_ticket(ticket)
        link = self.links.link(sid, launched.entry_point, queue=launched.queue)
        mine = sid_hash(await self._outbox.hash_key(), sid)
        first = await self._outbox.bind_ticket(launched.id, mine, launched.expires)
        # as bytes: what stands in a table may be any text, and only ASCII may be compared as text
        if not hmac.compare_digest(first.encode(errors="surrogateescape"), mine.encode()):
            raise TicketTaken("the ticket belongs to another chat")
        return SurveyLink(link.token, link.expires, launched.locale)

    async def submit(self, opened: OpenSurvey, fields: Fields, *, language: str = "") -> Submission:
        """Check the answers and put them on disk; raise OutboxUnavailable, and then nothing was promised.

        `language` is the one that the visitor read.
        """
        checked = check(opened.survey, fields)
        if checked.faults:
            return Submission(checked, accepted=False)
        grant, versions = opened.grant, self.links.versions[opened.grant.survey]
        message = OutboxMessage(
            key=survey_key(await self._outbox.hash_key(), grant.sid, grant.survey),
            sid=grant.sid,
            entry_point=grant.entry_point,
            survey=grant.survey,
            answers=answers(opened.survey, checked, versions),
            chosen=chosen_of(opened.survey, checked, versions),
            language=language,
            queue=grant.queue,
        )
        try:
            self._rehearse(message)
        except EceUnsendable:
            return Submission(replace(checked, faults=(FieldFault(FaultCode.UNSENDABLE),)), accepted=False)
        rule = opened.survey.alert_if
        alert = None
        if rule is not None and is_met(rule.question, rule.answers, checked.visible, checked.filled.chosen):
            alert = alert_of(message, rule.destination)
        return Submission(checked, accepted=True, new=await self._outbox.enqueue(message, alert))


def without_abandoned(survey: Survey, fields: Fields, page: int) -> Fields:
    """Take out answers that a visitor left behind by going back: of questions hidden now, on other pages than this.

    They travel in hidden fields, so nobody can see or empty them any more.
    """
    visible = check(survey, fields).visible
    gone = {
        name
        for question in survey.questions
        if question.id not in visible and question.page != page
        for name in (question.id, question.other_field)
    }
    return {name: values for name, values in fields.items() if name not in gone}
