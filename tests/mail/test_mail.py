"""Mails over a real mail server: what arrives, under which TLS and login, and what each refusal means for the row."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.mail_server import MailHost, addresses, body, mail_host
from widget.domain import pace, retry
from widget.domain.errors import MailError, MailServerDown
from widget.domain.message import MailContent
from widget.domain.outbox import Answer, OutboxMessage, RowKind
from widget.mail import MailSink, Step
from widget.mail.server import down
from widget.settings import SmtpSettings

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
ROW = OutboxMessage(
    key="0123456789abcdef" * 4,
    sid="ada@example.com",
    entry_point="sales",
    survey="",
    answers=(Answer("name", "Name", "Ada"), Answer("email", "E-mail", "ada@example.com")),
    kind=RowKind.MESSAGE,
    destination="smtp",
    accepted_at=AT,
)


def content(row: OutboxMessage) -> MailContent:
    return MailContent("Message from Ada", "Hello\n.\nworld", "<p>Hello</p>", ("Ada", "ada@example.com"))


def sink(
    host: MailHost,
    *,
    scheme: str = "smtp",
    login: str = "",
    ca: Path | None = None,
    to: Sequence[str] = ("office@example.com",),
) -> MailSink:
    table: dict[str, Any] = {
        "url": f"{scheme}://{login}127.0.0.1:{host.port}",
        "from": "chat@example.com",
        "to": list(to),
        "ca_file": ca,
    }
    return MailSink(SmtpSettings.model_validate(table), content)


def server_tls(ca: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def ca(tmp_path: Path) -> trustme.CA:
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    return made


async def failure(sending: MailSink) -> MailError:
    with pytest.raises(MailError) as caught:
        await sending.submit(ROW)
    return caught.value


async def test_a_row_arrives_as_a_mail_in_text_and_html_that_can_be_answered() -> None:
    async with mail_host() as host:
        await sink(host, to=("office@example.com", "desk@example.com")).submit(ROW)
    (mail,) = host.mails
    assert addresses(mail, "Reply-To") == [("Ada", "ada@example.com")]
    assert addresses(mail, "From") == [("", "chat@example.com")]
    assert addresses(mail, "To") == [("", "office@example.com"), ("", "desk@example.com")]
    assert (mail["Subject"], mail["Auto-Submitted"]) == ("Message from Ada", "auto-generated")
    assert mail["Date"].datetime == AT
    assert (body(mail), body(mail, "html")) == ("Hello\n.\nworld", "<p>Hello</p>")


async def test_each_sending_of_a_row_has_the_message_id_of_its_key() -> None:
    async with mail_host() as host:
        host.drops_after_content = 1
        lost = await failure(sink(host))
        await sink(host).submit(ROW)
    assert lost.maybe_received
    assert lost.retryable
    first, second = host.raw
    assert first == second
    assert host.mails[0]["Message-ID"] == f"<{ROW.key[:32]}@example.com>"


async def test_starttls_is_used_where_it_is_offered_and_always_before_a_password(
    ca: trustme.CA, tmp_path: Path
) -> None:
    async with mail_host(tls=server_tls(ca), login=True) as host:
        await sink(host, login="ada:right%2F%40@", ca=tmp_path / "ca.pem").submit(ROW)
    assert (host.encrypted, host.logins) == ([True], ["ada"])


async def test_with_smtps_tls_comes_first(ca: trustme.CA, tmp_path: Path) -> None:
    async with mail_host(tls=server_tls(ca), tls_first=True) as host:
        await sink(host, scheme="smtps", ca=tmp_path / "ca.pem").submit(ROW)
    assert len(host.mails) == 1


async def test_the_issuing_authority_alone_is_trust_enough(ca: trustme.CA, tmp_path: Path) -> None:
    issuing = ca.create_child_ca()
    issuing.cert_pem.write_to_path(tmp_path / "issuing.pem")
    async with mail_host(tls=server_tls(issuing), tls_first=True) as host:
        await sink(host, scheme="smtps", ca=tmp_path / "issuing.pem").submit(ROW)
    assert len(host.mails) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "x"), "no name server answers"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "its name leads to no address"),
    ],
)
def test_a_name_server_that_is_away_is_no_unknown_name(error: OSError, words: str) -> None:
    assert down(Step.CONNECTION, error).detail == words


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize(("name", "trusted"), [("127.0.0.1", False), ("other.example.com", True)])
async def test_a_certificate_that_does_not_fit_ends_the_session_before_the_password(
    ca: trustme.CA, tmp_path: Path, scheme: str, name: str, trusted: bool
) -> None:
    async with mail_host(tls=server_tls(ca, name), tls_first=scheme == "smtps", login=True) as host:
        error = await failure(
            sink(host, scheme=scheme, login="u:right%2F%40@", ca=tmp_path / "ca.pem" if trusted else None)
        )
    assert (error.step, error.serves_nobody, host.logins, host.mails) == (Step.TLS, True, [], [])
    assert error.detail.startswith("its certificate does not fit: ")


async def test_on_this_machine_a_certificate_of_the_distribution_is_no_hindrance_without_a_password(
    ca: trustme.CA,
) -> None:
    async with mail_host(tls=server_tls(ca, "snakeoil.invalid")) as host:
        await sink(host).submit(ROW)
    assert host.encrypted == [False]


async def test_a_login_that_is_refused_stops_the_lane_and_kills_no_row(ca: trustme.CA, tmp_path: Path) -> None:
    async with mail_host(tls=server_tls(ca), login=True) as host:
        error = await failure(sink(host, login="ada:wrong@", ca=tmp_path / "ca.pem"))
    assert (error.step, error.status, error.retryable, pace.serves_nobody(error)) == (Step.LOGIN, 535, True, True)
    assert "user or the password" in retry.described(error)


async def test_a_server_without_a_login_is_named() -> None:
    async with mail_host() as host:
        error = await failure(sink(host, login="ada:right@"))
    assert (error.step, error.serves_nobody) == (Step.LOGIN, True)


@pytest.mark.parametrize(
    ("step", "answer", "down", "again"),
    [
        ("sender", "450 4.7.1 greylisted, try later", False, True),
        ("sender", "421 4.3.2 shutting down", True, True),
        ("sender", "530 5.7.0 Must issue a STARTTLS command first", True, True),
        ("sender", "553 5.1.8 no such sender <ada@example.com>", True, True),
        ("recipient", "451 4.7.1 greylisted", False, True),
        ("recipient", "550 5.1.1 <office@example.com> unknown", True, True),
        ("content", "452 4.3.1 disk full", False, True),
        ("content", "554 5.7.1 'Ada' is spam", False, False),
    ],
)
async def test_each_answer_means_what_the_standard_says(step: str, answer: str, down: bool, again: bool) -> None:
    async with mail_host() as host:
        getattr(host, f"{step}_answers").append(answer)
        error = await failure(sink(host))
        if not down:
            await sink(host).submit(ROW)
            assert len(host.mails) == 1
    status = int(answer[:3])
    assert (error.status, error.step, error.retryable, error.serves_nobody) == (status, step, again, down)
    assert not error.maybe_received
    said = retry.described(error)
    assert str(status) in said
    assert not {"Ada", "ada@example.com", "office@example.com"} & set(said.replace("'", " ").split())


async def test_recipients_that_are_refused_do_not_keep_the_mail_from_the_others(log_lines: Any) -> None:
    async with mail_host() as host:
        host.recipient_answers = ["550 5.1.1 unknown", "250 OK"]
        await sink(host, to=("gone@example.com", "office@example.com")).submit(ROW)
    assert len(host.mails) == 1
    assert '"mail_recipients_refused"' in log_lines.getvalue()
    assert "gone@" not in log_lines.getvalue()


async def test_a_server_that_is_not_there_is_down() -> None:
    async with mail_host() as host:
        pass
    error = await failure(sink(host))
    assert isinstance(error, MailServerDown)
    assert (error.step, error.detail) == (Step.CONNECTION, "nothing listens there")
