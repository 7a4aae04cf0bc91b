"""The client through its transport seam: what is asked, and what comes back."""

from __future__ import annotations

import httpx
import pytest

from tests.ece.mock_transport import ALLOWED, answers, client
from widget.domain.errors import (
    EceStatus,
    EceUnreadable,
)
from widget.domain.readings import AgentAvailability, Call, Capacity, ChatAllowed, Eligibility, LiveSessionStatus
from widget.ece.wire import Oddity

pytestmark = pytest.mark.anyio


async def test_each_call_goes_to_the_guides_address_and_gives_its_reading() -> None:
    bodies = {
        "agentAvailability": '<agentAvailability available="true"/>',
        "capacity": "<availableSlots><count>4</count></availableSlots>",
        "liveSessionStatus": "<sessionStatus><waitTime>3</waitTime><queueDepth>1</queueDepth></sessionStatus>",
        "checkEligibility": '<checkEligibility responseType="0"/>',
        "chatAllowed": ALLOWED,
    }
    urls = []

    def ece(request: httpx.Request) -> httpx.Response:
        urls.append(f"{request.method} {request.url}")
        return httpx.Response(200, text=bodies[request.url.path.split("/")[-2]])

    asked = client(ece)
    assert await asked.ask(Call.AGENT_AVAILABILITY, 1001) == AgentAvailability(True)
    assert await asked.ask(Call.CAPACITY, 1001) == Capacity(4)
    assert await asked.ask(Call.LIVE_SESSION_STATUS, 1001) == LiveSessionStatus(3, 1)
    assert await asked.ask(Call.CHECK_ELIGIBILITY, 1001) == Eligibility(None)
    assert await asked.ask(Call.CHAT_ALLOWED, 1001) == ChatAllowed(True)
    assert urls == [f"GET https://ece.example.com/system/egain/chat/entrypoint/{call}/1001" for call in bodies]
    for call in Call:
        await asked.ask(call, 2**63 - 1)
    assert urls[-1].endswith("/9223372036854775807")
    await asked.aclose()


async def test_settings_change_the_path_and_the_unit_of_the_wait() -> None:
    body = "<sessionStatus><waitTime>2.5</waitTime><queueDepth>0</queueDepth></sessionStatus>"
    seen: list[str] = []

    def ece(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(200, text=body)

    asked = client(ece, api_path="/ws/chat/entrypoint", wait_time_unit="minutes")
    assert await asked.ask(Call.LIVE_SESSION_STATUS, 7) == LiveSessionStatus(150, 0)
    assert seen == ["/system/ws/chat/entrypoint/liveSessionStatus/7"]


async def test_no_body_is_asked_for_packed_and_none_from_a_cache() -> None:
    seen: list[httpx.Headers] = []

    def ece(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(200, text=ALLOWED)

    await client(ece).ask(Call.CHAT_ALLOWED, 1)
    assert seen[0]["accept-encoding"] == "identity"
    assert seen[0]["accept"] == "application/xml, text/xml"
    assert "no-store" in seen[0]["cache-control"]
    assert "traceparent" not in seen[0]


async def test_cookies_are_never_kept() -> None:
    seen: list[bool] = []

    def ece(request: httpx.Request) -> httpx.Response:
        seen.append("cookie" in request.headers)
        return httpx.Response(200, text=ALLOWED, headers={"set-cookie": "JSESSIONID=1; Path=/"})

    asked = client(ece)
    for _ in range(3):
        await asked.ask(Call.CHAT_ALLOWED, 1)
    assert seen == [False] * 3


async def test_what_was_odd_about_an_answer_is_told() -> None:
    probe = await client(answers(200, "<checkEligibility responseType=7 />")).probe(Call.CHECK_ELIGIBILITY, 1)
    assert probe.oddities == {Oddity.REPAIRED, Oddity.UNKNOWN_REASON}


async def test_a_probe_tells_status_type_and_reading() -> None:
    probe = await client(answers(200, ALLOWED, content_type="application/xml;charset=utf-8")).probe(
        Call.CHAT_ALLOWED, 1
    )
    assert (probe.call, probe.status, probe.content_type) == (Call.CHAT_ALLOWED, 200, "application/xml")
    assert (probe.reading, probe.error) == (ChatAllowed(True), None)
    assert 0 <= probe.elapsed < 30


async def test_a_probe_that_fails_tells_what_it_saw() -> None:
    page = await client(answers(200, "<html/>", content_type="text/html")).probe(Call.CAPACITY, 1)
    assert (page.status, page.content_type, page.reading) == (200, "text/html", None)
    assert isinstance(page.error, EceUnreadable)
    down = await client(answers(500, "", content_type="\x7f" * 90)).probe(Call.CAPACITY, 1)
    assert (down.status, down.content_type) == (500, None)
    assert isinstance(down.error, EceStatus)
