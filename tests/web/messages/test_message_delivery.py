"""From the form to the mail: what is typed arrives, and a mail server that is dead holds up nothing else."""

from __future__ import annotations

import pytest

from tests.hazards import HAZARDS
from tests.mail_server import MailHost
from tests.message_rounds import host, sent_round, site
from tests.web.conftest import Site
from widget.domain.outbox import Answer, OutboxMessage, RowKind
from widget.web.messages.letters import Letters

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
    text = Letters(site.services.pages)(row).text
    assert "How helpful was it?\n1\n" in text
    assert "Your words:\nNone.\n" in text
