"""With the distribution's own mail server each message arrives once; when that dies, each still arrives."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.mail_server import body
from tests.soak.exim import Exim
from tests.web.conftest import Site, authority, make_site
from widget.application.messages import FORM_LIFETIME

__all__ = ["authority", "make_site"]
pytestmark = [pytest.mark.soak, pytest.mark.anyio]
MESSAGES = 200


@pytest.fixture
def exim() -> Iterator[Exim]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # Exim delivers as a user of its own, who may not enter pytest's folders
        exim = Exim(Path(folder) / "exim")
        exim.start()
        yield exim
        exim.kill()


@pytest.fixture
def site(make_site: Callable[[], Site], table: dict[str, Any], exim: Exim) -> Site:
    table["messages"], table["limits"] = {"required": []}, {"submits": "off"}
    table["smtp"] = {"url": f"smtp://127.0.0.1:{exim.port}", "from": "chat@example.com", "to": ["office@example.com"]}
    return make_site()


@pytest.mark.parametrize("deaths", [0, 5])
async def test_each_message_arrives_once_and_none_is_lost_when_the_server_dies(
    site: Site, exim: Exim, deaths: int
) -> None:
    await site.services.start()
    for number in range(MESSAGES):
        expires = site.time.now() + FORM_LIFETIME - timedelta(seconds=5)
        fields = {"email": "ada@example.com", "text": f"message-{number}"}
        fields["form"] = site.services.tokens.sign_message_form("sales", expires=expires)
        assert (await site.ask("POST", "/message/sales", data=fields)).status_code == 200
        if deaths and number % (MESSAGES // deaths) == 0:
            await asyncio.to_thread(exim.kill)
            await asyncio.to_thread(exim.start)
    async with asyncio.timeout(120):
        while len(arrived := await asyncio.to_thread(lambda: texts_of(exim))) < MESSAGES:
            site.time.passes(seconds=1)  # what waits for its next try is due
            await asyncio.sleep(0.1)
    await asyncio.sleep(2)
    arrived = await asyncio.to_thread(lambda: texts_of(exim))
    await site.services.stop()
    again = sum(arrived.values()) - len(arrived)
    print(f"\nExim, {deaths} deaths: {MESSAGES} thanked, {len(arrived)} arrived, {again} of them again")
    assert set(arrived) == {f"message-{number}" for number in range(MESSAGES)}
    assert again <= deaths * 2, "only those whose answer was lost"


def texts_of(exim: Exim) -> Counter[str]:
    return Counter(body(mail).rpartition("Message:\n")[2].split("\n")[0] for mail in exim.mails())
