"""Take a message that a visitor leaves: thanks only for what is on disk.

Against programs that post into every form there is no tracking: the form carries the moment at which it was made,
signed, and is refused sooner than a person types and a day later; a field that nobody sees has to stay empty; a network
leaves one message a minute. Whoever is refused gets the form again with all that was typed.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from widget.domain.errors import OutboxUnavailable, TokenError
from widget.domain.grants import MessageFormGrant
from widget.domain.message import (
    CONSENT,
    EMAIL,
    CheckedMessage,
    MessageFault,
    MessageFaultCode,
    MessageForm,
    check_message,
    message_answers,
    person,
)
from widget.domain.outbox import OutboxMessage, RowKind

FORM_LIFETIME = timedelta(days=1)
SHORTEST_TIME = timedelta(seconds=2)


class FormTokens(Protocol):
    """Signs and verifies; raises TokenInvalid and TokenExpired."""

    def sign_message_form(self, entry_point: str, *, expires: datetime) -> str: ...
    def verify_message_form(self, token: str) -> MessageFormGrant: ...


class MessageOutbox(Protocol):
    """Keeps messages. Every call raises OutboxUnavailable when the database does not serve."""

    async def enqueue(self, message: OutboxMessage) -> bool:
        """Return once the row is on disk: True when it is new, False when its key was there before."""
        ...

    async def holds(self, key: str) -> bool:
        """Return whether a row of this key was promised before."""
        ...

    async def hash_key(self) -> bytes: ...


class Posted(NamedTuple):
    """A posted form: its fields, the signed form it belongs to, what stands in the trap, and where it comes from."""

    fields: Mapping[str, Sequence[str]]
    form: str
    trap: str
    network: str


class MessageSubmission(NamedTuple):
    """The outcome. `accepted`: the message is on disk, from this post or the same one before (`new` tells).

    Otherwise there are faults in `checked`, `storage_down`, or seconds to `wait`.
    """

    checked: CheckedMessage
    accepted: bool = False
    new: bool = False
    storage_down: bool = False
    wait: int | None = None

    @property
    def outcome(self) -> str:
        """Return in one word what became of the post, for the metrics."""
        if self.accepted:
            return "accepted" if self.new else "repeated"
        return "refused" if self.storage_down else "limited" if self.wait is not None else "faulty"


class Messages:
    """The form of `[messages]`, from its drawing to the row.

    `take` counts a message of a network, and returns the seconds to wait where it is one too many; `give_back` counts
    it no longer.
    """

    def __init__(
        self,
        form: MessageForm,
        *,
        tokens: FormTokens,
        outbox: MessageOutbox,
        take: Callable[[str], Awaitable[int | None]],
        give_back: Callable[[str], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        self.form = form
        self._tokens = tokens
        self._outbox = outbox
        self._take = take
        self._give_back = give_back
        self._now = now

    def fresh(self, entry_point: str) -> str:
        """Sign a new form."""
        return self._tokens.sign_message_form(entry_point, expires=self._now() + FORM_LIFETIME)

    async def leave(self, entry_point: str, posted: Posted, *, language: str, consent: str) -> MessageSubmission:
        """Check a posted form and put it on disk. `consent` is the sentence as the visitor read it, "" for none."""
        checked = check_message(self.form, posted.fields)
        signed, whole = self._judge(entry_point, posted)
        if whole is not None:
            checked = replace(checked, faults=(MessageFault(whole), *checked.faults))
        if checked.faults or signed is None:
            return MessageSubmission(checked)
        try:
            return await self._store(entry_point, posted, checked, signed, language=language, consent=consent)
        except OutboxUnavailable:
            return MessageSubmission(checked, storage_down=True)

    def _judge(self, entry_point: str, posted: Posted) -> tuple[MessageFormGrant | None, MessageFaultCode | None]:
        """Return what speaks against the whole form. A clock that was set back refuses nobody."""
        try:
            signed = self._tokens.verify_message_form(posted.form)
        except TokenError:
            return None, MessageFaultCode.STALE
        if signed.entry_point != entry_point:
            return None, MessageFaultCode.STALE
        if posted.trap:
            return signed, MessageFaultCode.TRAP
        since = self._now() - (signed.expires - FORM_LIFETIME)
        return signed, MessageFaultCode.TOO_SOON if timedelta(0) <= since < SHORTEST_TIME else None

    async def _store(
        self,
        entry_point: str,
        posted: Posted,
        checked: CheckedMessage,
        signed: MessageFormGrant,
        *,
        language: str,
        consent: str,
    ) -> MessageSubmission:
        key = message_key(await self._outbox.hash_key(), signed.id, checked.values)
        wait = await self._take(posted.network)
        if wait is not None:
            # a second press of the button is no second message
            return MessageSubmission(checked, accepted=await self._outbox.holds(key), wait=wait)
        row = OutboxMessage(
            key=key,
            sid=person(checked.values[EMAIL]),
            entry_point=entry_point,
            survey="",
            answers=message_answers(
                checked.values, consent=consent if checked.values.get(CONSENT) else "", language=language
            ),
            kind=RowKind.MESSAGE,
            destination=self.form.destination,
        )
        try:
            return MessageSubmission(checked, accepted=True, new=await self._outbox.enqueue(row))
        except OutboxUnavailable:
            await self._give_back(posted.network)
            raise


def message_key(hash_key: bytes, form: str, values: Mapping[str, str]) -> str:
    """Return the identity of what was typed into one form: the same post twice is one message, a changed one is not."""
    typed = json.dumps(values, sort_keys=True)  # ASCII, whatever was typed
    return hmac.digest(hash_key, f"message\0{form}\0{typed}".encode(), "sha256").hex()
