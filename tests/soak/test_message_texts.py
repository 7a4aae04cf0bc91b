"""Ten thousand posts of payload lists that others keep: no fault of ours, no header injected, each mail as typed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice

import pytest

from tests.mail_server import MailHost
from tests.message_rounds import host, sent_round, site
from tests.soak.lists import outside
from tests.soak.requests_made import texts_of
from tests.web.conftest import Site, authority, make_site

__all__ = ["authority", "host", "make_site", "site"]
pytestmark = [pytest.mark.soak, pytest.mark.anyio]
POSTS = int(os.environ.get("SOAK_POSTS", "10000"))
AT_ONCE = 100  # texts between two looks at what arrived


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
