"""Hostile texts through the whole way of a message: the form, the outbox, a real mail server, Python's own parser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest

from tests.mail_server import MailHost, addresses, body, mail_host
from tests.waiting import until
from tests.web.conftest import Site
from widget.application.messages import FORM_LIFETIME

FIELDS = ["Content-Type", "MIME-Version", "From", "To", "Reply-To", "Subject", "Date", "Message-ID"]
FIELDS += ["Auto-Submitted", "X-Auto-Response-Suppress"]
OTHERS = {"name": "Ada", "email": "ada@example.com", "phone": "", "text": "Hello"}


@pytest.fixture
async def host() -> AsyncIterator[MailHost]:
    async with mail_host() as host:
        yield host


@pytest.fixture
async def site(make_site: Callable[[], Site], table: dict[str, Any], host: MailHost) -> AsyncIterator[Site]:
    table["messages"], table["limits"] = {"required": []}, {"submits": "off"}
    table["smtp"] = {"url": f"smtp://127.0.0.1:{host.port}", "from": "chat@example.com", "to": ["office@example.com"]}
    site = make_site()
    await site.services.start()
    yield site
    await site.services.stop()


async def sent_round(site: Site, host: MailHost, texts: Iterable[str]) -> tuple[int, int]:
    """Post each text as name, as address and as message; return how many were posted and how many arrived.

    Fail for any answer but thanks and faults, for a mail with another header field than ours, and for one that does not
    parse to what was typed.
    """
    posted, taken = 0, []
    for text in texts:
        typed = text.encode("utf-8", "replace").decode()
        for field in ("name", "email", "text"):
            token = site.services.tokens.sign_message_form(
                "sales", expires=site.time.now() + FORM_LIFETIME - timedelta(seconds=5)
            )
            fields = OTHERS | {field: typed, "form": token}
            answer = await site.ask("POST", "/message/sales", data=fields)
            assert answer.status_code in (200, 422), (field, text)
            posted += 1
            if answer.status_code == 200:
                taken.append(fields)
    await until(lambda: len(host.mails) >= len(taken), seconds=60 + len(taken))
    left = [_seen(fields) for fields in taken]
    for mail in host.mails:
        said = body(mail)
        found = next((each for each in left if _says(said, each)), None)
        assert found is not None, said
        left.remove(found)
        assert addresses(mail, "To") == [("", "office@example.com")], found
        local, _, domain = found["email"].rpartition("@")
        if local.isascii():
            ((name, address),) = addresses(mail, "Reply-To")
            assert address == f"{local}@{domain.encode('idna').decode()}", found
            assert _folded(name) == _folded(found["name"]), found
        assert list(mail.keys()) == [each for each in FIELDS if each != "Reply-To" or local.isascii()], found
    assert left == []
    assert all(len(line) <= 998 for raw in host.raw for line in raw.split(b"\r\n"))
    return posted, len(host.mails)


def _seen(fields: dict[str, Any]) -> dict[str, str]:
    from widget.domain.text import clean

    return {name: clean(str(fields[name])).strip() if name != "text" else clean(fields[name]) for name in OTHERS}


def _says(said: str, typed: dict[str, str]) -> bool:
    name = f"Name:\n{typed['name']}\n\n" if typed["name"] else ""
    return said.startswith(f"{name}E-mail:\n{typed['email']}\n\nMessage:\n{typed['text']}\n\n")


def _folded(text: str) -> str:
    """A run of blanks in a header field is one blank (RFC 5322, section 2.2.3)."""
    return " ".join(text.split())
