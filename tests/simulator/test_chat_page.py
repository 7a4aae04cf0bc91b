"""The chat page and the addresses of its script."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.hand_clock import HandClock
from widget.simulator.world import World

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("root", ["", "/system", "/webchatprod"])
@pytest.mark.parametrize("file", ["index.html", "chat.html"])
async def test_the_page_opens_under_any_root_and_template(ece: httpx.AsyncClient, root: str, file: str) -> None:
    response = await ece.get(f"{root}/templates/chat/aqua/{file}?entryPointId=1001&locale=en-US&ticket=abc.def")
    assert response.status_code == 200
    assert 'action="http://127.0.0.1:8000/survey/start"' in response.text
    assert 'name="ticket" value="abc.def"' in response.text
    assert 'data-entry-point="1001"' in response.text


async def test_the_form_may_go_to_the_widget_server_alone_and_says_where_it_comes_from(
    ece: httpx.AsyncClient,
) -> None:
    response = await ece.get("/templates/chat/aqua/index.html?entryPointId=1001")
    assert "form-action http://127.0.0.1:8000" in response.headers["content-security-policy"]
    assert "frame-ancestors" not in response.headers["content-security-policy"]
    assert response.headers["referrer-policy"] != "no-referrer"


@pytest.mark.parametrize(
    ("query", "language", "direction"),
    [
        ("locale=de-DE", "de", "ltr"),
        ("locale=ar_SA", "ar", "rtl"),
        ("languageCode=de&countryCode=DE", "de", "ltr"),
        ("locale=xx", "en", "ltr"),
        ("locale=../../etc", "en", "ltr"),
        ("", "en", "ltr"),
    ],
)
async def test_the_page_speaks_the_language_asked_for(
    ece: httpx.AsyncClient, query: str, language: str, direction: str
) -> None:
    text = (await ece.get(f"/templates/chat/aqua/index.html?entryPointId=1001&{query}")).text
    assert f'<html lang="{language}" dir="{direction}">' in text


async def test_what_stands_in_the_address_is_escaped(ece: httpx.AsyncClient) -> None:
    text = (await ece.get("/templates/chat/aqua/index.html", params={"ticket": '"><script>x</script>'})).text
    assert "<script>x" not in text


async def test_an_entry_point_that_does_not_exist_says_so(ece: httpx.AsyncClient) -> None:
    for query in ("entryPointId=9", "entryPointId=x", ""):
        text = (await ece.get(f"/templates/chat/aqua/index.html?{query}")).text
        assert "This entry point does not exist." in text
    answer = (await ece.post("/simulator/chat/start", json={"entryPointId": "9"})).json()
    assert answer == {"state": "refused", "reason": "invalid_entry_point"}


async def test_a_visitor_waits_is_served_and_ends(ece: httpx.AsyncClient, world: World) -> None:
    await ece.post("/control/entry-points/1001", json={"agents": 1, "slots_per_agent": 1, "handling_time": 60})
    first = (await ece.post("/simulator/chat/start", json={"entryPointId": "1001"})).json()
    second = (await ece.post("/simulator/chat/start", json={"entryPointId": "1001"})).json()
    assert first["state"] == "running"
    assert (second["state"], second["position"], second["wait"]) == ("waiting", 1, 60.0)
    assert re.fullmatch(r"[0-9]{6}_[0-9a-f]{24}", first["sid"])
    assert first["sid"] != second["sid"]
    await ece.post("/simulator/chat/end", json={"sid": first["sid"]})
    assert (await ece.post("/simulator/chat/state", json={"sid": second["sid"]})).json() == {"state": "running"}
    assert (await ece.post("/simulator/chat/state", json={"sid": first["sid"]})).json() == {"state": "ended"}


async def test_a_closed_entry_point_refuses_with_its_reason(ece: httpx.AsyncClient) -> None:
    answer = (await ece.post("/simulator/chat/start", json={"entryPointId": "1003"})).json()
    assert answer == {"state": "refused", "reason": "entry_point_inactive"}


async def test_a_visitor_who_is_silent_leaves_the_queue(ece: httpx.AsyncClient, clock: HandClock, world: World) -> None:
    started = (await ece.post("/simulator/chat/start", json={"entryPointId": "1001"})).json()
    for _ in range(5):
        clock.passes(40)
        kept = (await ece.post("/simulator/chat/state", json={"sid": started["sid"]})).json()
        assert kept["state"] == "running"
    clock.passes(60)
    assert (await ece.post("/simulator/chat/state", json={"sid": started["sid"]})).json() == {"state": "ended"}
    assert not world.chats


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"x" * 5000])
async def test_nonsense_starts_no_chat(ece: httpx.AsyncClient, body: bytes) -> None:
    assert (await ece.post("/simulator/chat/start", content=body)).json()["state"] == "refused"
    assert (await ece.post("/simulator/chat/state", content=body)).json()["state"] == "ended"
