"""The status as a client polls it that reads `response` alone, and gives up for good after anything but a 200."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.ece_stand_in import CLOSED
from tests.web.conftest import Site
from widget.domain.errors import EceRefused
from widget.domain.readings import Call, LiveSessionStatus

pytestmark = pytest.mark.anyio

WORDS = ("AVAILABLE", "BUSY", "UNAVAILABLE", "ERROR")
EVERY = 5  # seconds


@dataclass
class PollingClient:
    """What the webchat client of alphagov/frontend does with an answer."""

    site: Site
    shown: str = ""
    gave_up: bool = False

    async def poll(self) -> str:
        """Ask once, and return what is shown."""
        assert not self.gave_up
        answer = await self.site.get(
            "/v1/status/sales",
            headers={"content-type": "application/x-www-form-urlencoded", "origin": "https://www.gov.example"},
        )
        self.gave_up = answer.status_code != 200 or answer.headers["access-control-allow-origin"] != "*"
        word = answer.json().get("response")
        self.shown = word if word in WORDS and not self.gave_up else "ERROR"
        await self.site.settle()
        self.site.time.passes(EVERY)
        return self.shown


async def test_it_goes_through_open_full_nobody_open_away_and_back(
    table: dict[str, Any], make_site: Callable[[], Site]
) -> None:
    table["entry_points"]["sales"]["max_queue_depth"] = 5
    site = make_site()
    ece, client = site.ece, PollingClient(site)

    async def shows(word: str, within: int) -> None:
        polls = [await client.poll() for _ in range(within)]
        assert polls[-1] == word, polls
        assert set(polls[polls.index(word) :]) == {word}, "no flicker"

    await shows("AVAILABLE", 2)
    ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=60, queue_depth=6)
    await shows("BUSY", 3)
    ece.answers[Call.CHAT_ALLOWED] = CLOSED
    await shows("UNAVAILABLE", 3)
    ece.recovers()
    await shows("AVAILABLE", 4)
    ece.fails(EceRefused())
    await shows("ERROR", 14)
    ece.recovers()
    await shows("AVAILABLE", 8)
    assert not client.gave_up
