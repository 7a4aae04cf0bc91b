"""A real mail server on the loopback interface (aiosmtpd), which does what a test tells it."""

from __future__ import annotations

import asyncio
import email
import email.policy
import queue
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.ports import free_port

TAKEN = "250 OK"


class MailHost:
    """What the server is told, and the mails that it took. `answers` are given in turn, then it takes everything."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.encrypted: list[bool] = []
        self.logins: list[str] = []
        self.sender_answers: list[str] = []
        self.recipient_answers: list[str] = []
        self.content_answers: list[str] = []
        self.drops_after_content = 0  # takes so many mails and closes the connection without an answer
        self.dead = False  # cuts every connection
        self.port = free_port()

    async def handle_EHLO(
        self, server: Any, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if self.dead:
            server.transport.abort()
        return responses

    async def handle_MAIL(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.sender_answers.pop(0) if self.sender_answers else TAKEN

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.recipient_answers.pop(0) if self.recipient_answers else TAKEN
        if answer == TAKEN:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        answer = self.content_answers.pop(0) if self.content_answers else TAKEN
        if answer == TAKEN:
            content = envelope.original_content or b""
            self.raw.append(content)
            parsed = email.message_from_bytes(content, policy=email.policy.default)
            assert isinstance(parsed, EmailMessage)
            self.mails.append(parsed)
            self.encrypted.append(session.ssl is not None)
        if self.drops_after_content:
            self.drops_after_content -= 1
            server.transport.abort()
        return answer

    def authenticate(self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password == b"right/@", handled=False)


@asynccontextmanager
async def mail_host(
    *, tls: ssl.SSLContext | None = None, tls_first: bool = False, login: bool = False
) -> AsyncIterator[MailHost]:
    """Run a server; `tls` is offered as STARTTLS unless it comes first."""
    host, connections = MailHost(), set()

    def connected() -> SMTP:
        connection = SMTP(
            host,
            hostname="mail.example.com",
            tls_context=None if tls_first else tls,
            authenticator=host.authenticate if login else None,
            auth_require_tls=tls is not None and not tls_first,
            loop=asyncio.get_running_loop(),
            data_size_limit=None,
        )
        connections.add(connection)
        return connection

    server = await asyncio.get_running_loop().create_server(
        connected, "127.0.0.1", host.port, ssl=tls if tls_first else None
    )
    try:
        yield host
    finally:
        server.close()
        for connection in connections:
            if connection.transport is not None:
                connection.transport.close()
        await asyncio.sleep(0)


@contextmanager
def mail_host_beside(**how: Any) -> Iterator[MailHost]:
    """Run a server on a loop of its own in a thread, for tests of commands."""
    ready: queue.SimpleQueue[tuple[MailHost, asyncio.AbstractEventLoop, asyncio.Event]] = queue.SimpleQueue()

    async def serve() -> None:
        async with mail_host(**how) as host:
            ended = asyncio.Event()
            ready.put((host, asyncio.get_running_loop(), ended))
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    host, loop, ended = ready.get(timeout=30)
    try:
        yield host
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()


def addresses(mail: EmailMessage, field: str) -> list[tuple[str, str]]:
    """Return names and addresses of a header field as Python's parser reads them."""
    return [(each.display_name, each.addr_spec) for each in mail[field].addresses]


def body(mail: EmailMessage, kind: str = "plain") -> str:
    """Return the text of a mail with the line ends that were typed."""
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
