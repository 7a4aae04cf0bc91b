"""Send rows of the outbox as mails; each failure says whether it can help to try again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import aiosmtplib
import structlog
from aiosmtplib import SMTPResponseException

from widget.domain.errors import MailError, MailServerDown
from widget.domain.message import MailContent
from widget.domain.outbox import OutboxMessage
from widget.mail.encoding import as_bytes
from widget.mail.server import FAILURES, MailServer, Step, session, status_of
from widget.settings import SmtpSettings

MAIL_LIMIT = timedelta(seconds=45)  # of one sending; some servers answer late on purpose
_BUSY = 421  # the server closes the connection whatever was sent (RFC 5321, section 4.2.2)
_WANTS_MORE = (530, 534, 535, 538)  # a login, or TLS, comes first (RFC 4954)
# What the envelope says comes from the settings: who mends them has all mails sent that waited.
_ABOUT_THE_SETTINGS = {
    Step.SENDER: "it refuses the address of [smtp] from",
    Step.RECIPIENT: "it refuses every address of [smtp] to",
}

log = structlog.get_logger(__name__)


class MailSink:
    """Where the delivery loop sends rows for `smtp` (its port `Sink`). `write` makes the content of its mail.

    One connection for each mail: they are few, and a server that restarts then breaks none. There is no way to ask a
    mail server whether it has a mail. One whose answer was lost is sent again under the same Message-ID.
    """

    def __init__(self, settings: SmtpSettings, write: Callable[[OutboxMessage], MailContent]) -> None:
        self._server = MailServer.of(settings)
        self._sender, self._to = settings.sender, settings.to
        self._write = write

    async def submit(self, message: OutboxMessage) -> None:
        """Send one row; return once the server has taken it, raise MailError otherwise."""
        written = message.accepted_at or datetime.now(UTC)
        content = await asyncio.to_thread(self._write, message)  # renders templates
        mail = as_bytes(content, key=message.key, sender=self._sender, to=self._to, written=written)
        step = Step.CONNECTION
        try:
            async with asyncio.timeout(MAIL_LIMIT.total_seconds()), session(self._server) as client:
                refused = await _address(client, self._sender, self._to)
                if refused:
                    log.warning("mail_recipients_refused", refused=len(refused), of=len(self._to))
                step = Step.CONTENT
                await client.data(mail)
        except FAILURES as error:
            raise _failed(step, error) from error


class Reached(NamedTuple):
    """How far a mail would come: whether under TLS, and the recipients that would not get it."""

    encrypted: bool
    refused: tuple[str, ...]


async def reach(server: MailServer, sender: str, to: Sequence[str]) -> Reached:
    """Go as far as a mail would, and send none: for `check`. Raise MailError."""
    async with session(server) as client:
        refused = await _address(client, sender, to)
        return Reached(client.get_transport_info("sslcontext") is not None, refused)


async def _address(client: aiosmtplib.SMTP, sender: str, to: Sequence[str]) -> tuple[str, ...]:
    """Name sender and recipients; return the recipients that are refused. Raise MailError where none is left.

    Where some are refused the others get the mail: a second one would double theirs.
    """
    step, refused = Step.SENDER, list[tuple[str, SMTPResponseException]]()
    try:
        await client.mail(sender)
        step = Step.RECIPIENT
        for address in to:
            try:
                await client.rcpt(address)
            except SMTPResponseException as error:
                if error.code == _BUSY:
                    raise
                refused.append((address, error))
        if len(refused) == len(to):
            raise next((error for _, error in refused if error.code < 500), refused[0][1])
    except FAILURES as error:
        raise _failed(step, error) from error
    return tuple(address for address, _ in refused)


def _failed(step: Step, error: BaseException) -> MailError:
    """Return what a failure means once the session stood: an answer is about this mail, unless it is about everybody.

    Without an answer after the content it is open whether the server has the mail.
    """
    status = status_of(error)
    if status is None and step is not Step.CONTENT:
        return MailServerDown("the connection broke, or it does not answer in time", step=step)
    if status is None:
        return MailError("the connection broke before it said whether it has the mail", maybe_received=True, step=step)
    if status == _BUSY:
        return MailServerDown("it is not available now", status=status, step=step)
    if status in _WANTS_MORE:
        return MailServerDown("it wants a login or TLS first", status=status, step=step)
    if status < 500:
        return MailError("it takes this mail later", status=status, step=step)
    if step in _ABOUT_THE_SETTINGS:
        return MailServerDown(_ABOUT_THE_SETTINGS[step], status=status, step=step)
    return MailError("it refuses what the mail says", status=status, retryable=False, step=step)
