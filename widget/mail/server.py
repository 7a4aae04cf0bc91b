"""A session with the mail server of `[smtp]` (RFC 5321), step by step, each failure with the step it came at.

TLS: with `smtps` it comes first; with `smtp` the server's STARTTLS is used where it is offered (RFC 3207), and always
before a password. The certificate has to fit, with one exception: on this machine (a loopback address) and without a
password, where it does not fit, as the one that Debian's packages make, the session goes on without TLS.

What a server says in its answers is never told on: it may repeat what a visitor wrote. Its three digits are.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException, SMTPTimeoutError

from widget.domain.errors import MailServerDown, cause_of
from widget.settings import SmtpSettings
from widget.settings.certificates import trusting

STEP_TIMEOUT = 20.0  # seconds for one command and its answer
GOODBYE = 2.0
FAILURES = (SMTPException, OSError, ValueError)  # of a step; a time-out is an OSError
_PORTS = {"smtp": 25, "smtps": 465}


class Step(StrEnum):
    """Where a session fails, in its order."""

    CONNECTION = "connection"
    TLS = "tls"
    GREETING = "greeting"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails go, and as whom. `tls` is made once: it reads certificates from the disk."""

    host: str
    port: int
    tls_first: bool
    user: str
    password: str = field(repr=False)
    tls: ssl.SSLContext = field(repr=False)

    @classmethod
    def of(cls, settings: SmtpSettings) -> MailServer:
        parts = urlsplit(settings.url.get_secret_value())
        return cls(
            host=parts.hostname or "",
            port=parts.port or _PORTS[parts.scheme],
            tls_first=parts.scheme == "smtps",
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            tls=trusting(settings.ca_file),
        )

    @property
    def on_this_machine(self) -> bool:
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@asynccontextmanager
async def session(server: MailServer) -> AsyncIterator[aiosmtplib.SMTP]:
    """Yield a session that is greeted, encrypted where it may be, and logged in. Raise MailServerDown."""
    client = await _greeted(server)
    try:
        if not server.tls_first and client.supports_extension("starttls"):
            client = await _encrypted(client, server)
        if server.user:
            await _log_in(client, server)
        yield client
        with contextlib.suppress(SMTPException, OSError):
            await client.quit(timeout=GOODBYE)
    finally:
        client.close()


async def _greeted(server: MailServer) -> aiosmtplib.SMTP:
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.tls_first,
        start_tls=False,
        tls_context=server.tls,
        timeout=STEP_TIMEOUT,
        local_hostname=socket.gethostname(),  # the library's own way asks the name service, which may block
    )
    try:
        await client.connect()
        await client.ehlo()
    except SMTPResponseException as error:
        client.close()
        raise down(Step.GREETING, error) from error
    except FAILURES as error:
        client.close()
        raise down(Step.TLS if cause_of(error, ssl.SSLError) else Step.CONNECTION, error) from error
    return client


async def _encrypted(client: aiosmtplib.SMTP, server: MailServer) -> aiosmtplib.SMTP:
    try:
        await client.starttls()
        await client.ehlo()
    except FAILURES as error:
        client.close()
        if server.on_this_machine and not server.user and cause_of(error, ssl.SSLError):
            return await _greeted(server)
        raise down(Step.TLS, error) from error
    return client


async def _log_in(client: aiosmtplib.SMTP, server: MailServer) -> None:
    if client.get_transport_info("sslcontext") is None and not server.on_this_machine:
        raise MailServerDown("it offers no STARTTLS, and a password is not sent in the open", step=Step.TLS)
    if not client.supports_extension("auth"):
        raise MailServerDown("it offers no login, so that user and password of [smtp] url are none", step=Step.LOGIN)
    try:
        await client.login(server.user, server.password)
    except FAILURES as error:
        raise down(Step.LOGIN, error) from error


_WORDS = {
    Step.CONNECTION: "no connection could be made",
    Step.GREETING: "it does not let us in",
    Step.TLS: "TLS could not be begun",
    Step.LOGIN: "it refuses the user or the password of [smtp] url",
}


def down(step: Step, error: BaseException) -> MailServerDown:
    """Return the failure of a step before any mail, in words of ours."""
    words = _WORDS[step]
    if unfit := cause_of(error, ssl.SSLCertVerificationError):
        words = f"its certificate does not fit: {unfit.verify_message.rstrip('.')}"
    elif unnamed := cause_of(error, socket.gaierror):
        words = "no name server answers" if unnamed.errno == socket.EAI_AGAIN else "its name leads to no address"
    elif cause_of(error, SMTPTimeoutError, TimeoutError):
        words = "it does not answer in time"
    elif cause_of(error, ConnectionRefusedError):
        words = "nothing listens there"
    return MailServerDown(words, status=status_of(error), step=step)


def status_of(error: BaseException) -> int | None:
    """Return the three digits of the server's answer, None where there was none."""
    code = error.code if isinstance(error, SMTPResponseException) else None
    return code if code is not None and 200 <= code <= 599 else None
