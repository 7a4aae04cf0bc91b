"""From the form to the mail: what is typed arrives, and a mail server that is dead holds up nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.hazards import HAZARDS
from tests.mail_server import MailHost
from tests.message_rounds import host, sent_round, site
from tests.web.conftest import Site
from widget.domain.outbox import Answer, OutboxMessage, RowKind
from widget.mail.encoding import as_bytes
from widget.web.messages.mails import render_mail

__all__ = ["host", "site"]
pytestmark = pytest.mark.anyio
# What people and programs type where a header field could be made of it.
INJECTIONS = (
    "Ada\r\nBcc: eve@example.com",
    "Ada%0d%0aBcc:eve@example.com",
    "=?utf-8?q?Bcc=3A_eve=40example.com?=",
    "=?utf-8?b?QmNjOiBldmVAZXhhbXBsZS5jb20=?=",
    '"Ada" <eve@example.com>, Bob',
    "Ada (comment) \\ ; : @ [x] .",
    "\u202eadA\u202c \u200b \ufeff",
    ".\r\nQUIT\r\n",
    "ada+tag@sub.example.co.uk",
    "o'neil@example.com",
    "a@b",
    "ada@[127.0.0.1]",
    "ada@example.com\x00",
    "ada@example.com,eve@example.com",
    "ada@пример.рф",
    "<ada@example.com>",
    "=?x?=@example.com",
    "é" * 100,
    "राजेश कुमार शर्मा",
)


async def test_the_mail_parses_to_what_was_typed_and_no_header_is_injected(site: Site, host: MailHost) -> None:
    posted, arrived = await sent_round(site, host, (*INJECTIONS, *HAZARDS.values()))
    assert posted == 3 * (len(INJECTIONS) + len(HAZARDS))
    assert arrived > len(HAZARDS)


async def test_the_text_of_an_alert_puts_a_colon_behind_a_label_and_none_behind_a_question(site: Site) -> None:
    answers = (Answer("helpful", "How helpful was it?", "1"), Answer("comment", "Your words", "None."))
    row = OutboxMessage("k", "sid", "sales", "after_chat", answers, kind=RowKind.ALERT)
    text = render_mail(site.services.pages, row).text
    assert "How helpful was it?\n1\n" in text
    assert "Your words:\nNone.\n" in text


@pytest.mark.parametrize(
    ("address", "answered"), [("ada@example.com", True), ("ada@пример.рф", True), ("müller@example.com", False)]
)
async def test_a_mail_that_cannot_be_answered_says_where_to_write(site: Site, address: str, answered: bool) -> None:
    answers = (Answer("email", "E-mail", address), Answer("text", "Message", "Hello"))
    row = OutboxMessage("k", address, "sales", "", answers, kind=RowKind.MESSAGE)
    content = render_mail(site.services.pages, row)
    mail = as_bytes(content, key="k", sender="a@example.com", to=("b@example.com",), written=datetime.now(UTC))
    assert (b"Reply-To:" in mail) is answered
    for text in (content.text, content.html):
        assert ("does not reach the visitor. Write to" in text) is not answered
    assert ("Your answer goes to" in content.html) is answered
