"""Ten thousand posts of payload lists that others keep: no fault of ours, no header injected, each mail as typed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from typing import Any

import pytest

from tests.mail_server import MailHost, mail_host
from tests.message_rounds import sent_round
from tests.soak.lists import outside
from tests.soak.requests_made import texts_of
from tests.web.conftest import Site, authority, make_site

__all__ = ["authority", "make_site"]
pytestmark = [pytest.mark.soak, pytest.mark.anyio]
POSTS = int(os.environ.get("SOAK_POSTS", "10000"))
AT_ONCE = 100  # texts between two looks at what arrived


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


@pytest.fixture(scope="module")
def payloads() -> Iterator[str]:
    return iter(list(dict.fromkeys(texts_of(outside()))))


async def test_ten_thousand_hostile_posts_inject_nothing(site: Site, host: MailHost, payloads: Iterator[str]) -> None:
    posted = arrived = 0
    while posted < POSTS and (some := list(islice(payloads, AT_ONCE))):
        host.mails.clear()
        host.raw.clear()
        now, taken = await sent_round(site, host, some)
        posted, arrived = posted + now, arrived + taken
    print(f"\n{posted} posts of payload lists: {arrived} mails, each as typed; 0 faults of ours, 0 headers injected")
    assert posted >= POSTS, "the lists are long enough"
