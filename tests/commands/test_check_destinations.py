"""`check` opens the mail server step by step and asks for each webhook; nothing is sent."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from click.testing import CliRunner

from tests.commands.test_check import Ece, config, ece
from tests.mail_server import MailHost, mail_host_beside
from tests.ports import free_port
from tests.webhook_receiver import SECRET, webhook_receiver
from widget.cli import main

__all__ = ["Ece", "config", "ece"]


def checked(config: Path, text: str) -> dict[str, Any]:
    config.write_text(config.read_text() + text)
    result = CliRunner().invoke(main, ["check", "--json", "--config", str(config)])
    table: dict[str, Any] = json.loads(result.stdout)
    assert (result.exit_code == 0) == table["allWell"]
    return table


def smtp(host: MailHost, *, scheme: str = "smtp", login: str = "", ca: str = "") -> str:
    lines = f'\n[smtp]\nurl = "{scheme}://{login}127.0.0.1:{host.port}"\n'
    lines += 'from = "chat@example.com"\nto = ["o@example.com"]\n'
    return lines + (f'ca_file = "{ca}"\n' if ca else "")


def wrong(table: dict[str, Any], section: str) -> str:
    (found,) = [each for each in table[section]["findings"] if each["severity"] == "wrong"]
    return str(found["what"])


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_a_mail_server_that_lets_us_in_is_well(config: Path, tls: ssl.SSLContext) -> None:
    with mail_host_beside(tls=tls, login=True) as host:
        table = checked(config, smtp(host, login="ada:right%2F%40@", ca=str(config.parent / "ca.pem")))
    assert table["smtp"]["state"] == "it greets us and would take mails, with TLS"
    assert (table["smtp"]["findings"], host.mails) == ([], [])


def test_a_login_that_is_refused_is_told_as_that_step(config: Path, tls: ssl.SSLContext) -> None:
    with mail_host_beside(tls=tls, login=True) as host:
        table = checked(config, smtp(host, login="ada:wrong@", ca=str(config.parent / "ca.pem")))
    assert "at the step login: it refuses the user or the password of [smtp] url (535)" in wrong(table, "smtp")
    assert "wrong" not in json.dumps(table["smtp"]["findings"]).replace('"severity": "wrong"', "")


def test_a_certificate_that_does_not_fit_is_told_as_that_step(config: Path, tls: ssl.SSLContext) -> None:
    with mail_host_beside(tls=tls, tls_first=True) as host:
        table = checked(config, smtp(host, scheme="smtps"))
    assert "at the step tls: its certificate does not fit: " in wrong(table, "smtp")


def test_a_mail_server_that_is_not_there_is_told_as_that_step(config: Path) -> None:
    host = MailHost()
    assert "at the step connection: nothing listens there" in wrong(checked(config, smtp(host)), "smtp")


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            {"sender_answers": ["553 5.7.1 not yours"]},
            "at the step sender: it refuses the address of [smtp] from (553)",
        ),
        (
            {"recipient_answers": ["550 5.7.1 no relay"] * 2},
            "at the step recipient: it refuses every address of [smtp] to (550)",
        ),
        ({"recipient_answers": ["550 5.1.1 unknown"]}, "the mail server refuses o@example.com of `to`"),
    ],
)
def test_addresses_that_the_server_refuses_are_told_before_any_mail(
    config: Path, answers: dict[str, list[str]], said: str
) -> None:
    with mail_host_beside() as host:
        for step, given in answers.items():
            getattr(host, step).extend(given)
        table = checked(config, smtp(host).replace('"o@example.com"', '"o@example.com", "desk@example.com"'))
    assert said in wrong(table, "smtp")
    assert host.mails == []


def test_a_server_that_asks_to_come_back_is_well(config: Path) -> None:
    with mail_host_beside() as host:
        host.recipient_answers.append("451 4.7.1 greylisted")
        table = checked(config, smtp(host))
    assert table["allWell"]
    assert "it asks to come back (451), as greylisting does" in json.dumps(table["smtp"])


def test_mails_that_go_unencrypted_are_noted(config: Path) -> None:
    with mail_host_beside() as host:
        table = checked(config, smtp(host))
    assert table["smtp"]["findings"][0]["what"] == "mails go there unencrypted"


def test_webhooks_are_reached_and_get_nothing(config: Path) -> None:
    with webhook_receiver() as receiver:
        table = checked(
            config,
            f'\n[webhooks.crm]\nurl = "{receiver.url}"\nsecret = "{SECRET}"\n'
            f'\n[webhooks.gone]\nurl = "http://127.0.0.1:{free_port()}/"\nsecret = "{SECRET}"\n',
        )
    assert (table["webhooks.crm"]["state"], receiver.events) == ("it answers (HEAD: 405)", [])
    assert wrong(table, "webhooks.gone") == "the receiver cannot be reached: no connection could be made"
