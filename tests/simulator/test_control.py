"""The control page and its JSON addresses."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.hand_clock import HandClock
from widget.simulator.world import World

pytestmark = pytest.mark.anyio


async def test_the_page_shows_every_entry_point_under_a_strict_policy(ece: httpx.AsyncClient, world: World) -> None:
    response = await ece.get("/")
    assert response.status_code == 200
    for each in world.entry_points.values():
        assert each.name in response.text
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/", "/system/templates/chat/aqua/index.html?entryPointId=1001"])
async def test_no_page_has_inline_style_or_script(ece: httpx.AsyncClient, path: str) -> None:
    text = (await ece.get(path)).text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert re.findall(r"<script[^>]*>(?!</script>)", text) == []


async def test_the_files_of_the_pages_are_served(ece: httpx.AsyncClient) -> None:
    for name in ("control.css", "control.js", "chat.css", "chat.js", "icon.svg"):
        assert (await ece.get(f"/simulator/assets/{name}")).status_code == 200


async def test_a_change_answers_with_the_whole_state(ece: httpx.AsyncClient) -> None:
    response = await ece.post("/control/entry-points/1001", json={"agents": 5, "slots_per_agent": 4})
    entry_point = response.json()["entry_points"]["1001"]
    assert (entry_point["slots"], entry_point["free_slots"]) == (20, 20)


async def test_the_queue_follows_the_clock(ece: httpx.AsyncClient, clock: HandClock) -> None:
    await ece.post("/control/entry-points/1001", json={"arrivals_per_minute": 30})
    clock.passes(120)
    state = (await ece.get("/control/state")).json()
    assert state["entry_points"]["1001"]["arrived"] > 30
    await ece.post("/control/entry-points/1001", json={"frozen": True})
    before = (await ece.get("/control/state")).json()["entry_points"]["1001"]
    clock.passes(120)
    assert (await ece.get("/control/state")).json()["entry_points"]["1001"] == before


async def test_time_can_be_made_to_pass(ece: httpx.AsyncClient) -> None:
    await ece.post("/control/entry-points/1001", json={"arrivals_per_minute": 30})
    state = (await ece.post("/control/advance", json={"seconds": 300})).json()
    assert state["entry_points"]["1001"]["arrived"] > 80


async def test_a_form_without_script_leads_back_to_the_page(ece: httpx.AsyncClient, world: World) -> None:
    response = await ece.post(
        "/control/entry-points/1001",
        data={"agents": "7", "fixed_wait": "", "active": "false"},
        headers={"accept": "text/html"},
    )
    assert (response.status_code, response.headers["location"]) == (303, "/#entry-point-1001")
    assert world.entry_points[1001].queue.agents == 7
    assert world.entry_points[1001].fixed_wait is None
    assert world.entry_points[1001].queue.active is False


@pytest.mark.parametrize(
    ("path", "change", "field"),
    [
        ("/control/entry-points/1001", {"agents": -1}, "agents"),
        ("/control/entry-points/1001", {"agents": "many"}, "agents"),
        ("/control/entry-points/1001", {"fixed_wait": "NaN"}, "fixed_wait"),
        ("/control/entry-points/1001", {"forced_reason": '"><x'}, "forced_reason"),
        ("/control/entry-points/1001", {"agentz": 1}, "agentz"),
        ("/control/faults", {"kind": "earthquake"}, "kind"),
        ("/control/faults", {"kind": "slow", "call": "nothing"}, "call"),
        ("/control/wire", {"namespaces": "none"}, "namespaces"),
        ("/control/wire", {"colour": "red"}, "colour"),
        ("/control/advance", {"seconds": 1e9}, "seconds"),
        ("/control/service", {}, "running"),
    ],
)
async def test_a_wrong_change_is_refused_in_words(
    ece: httpx.AsyncClient, path: str, change: dict[str, object], field: str
) -> None:
    response = await ece.post(path, json=change)
    assert response.status_code == 422
    assert response.json()["faults"][0]["field"] == field
    assert response.json()["faults"][0]["message"]


async def test_an_entry_point_that_does_not_exist_is_not_found(ece: httpx.AsyncClient) -> None:
    assert (await ece.post("/control/entry-points/1", json={})).status_code == 404


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"\xff", 400), (b'"x"', 422), (b" " * 20_000, 413)])
async def test_a_body_that_is_no_change_is_refused(ece: httpx.AsyncClient, body: bytes, status: int) -> None:
    assert (await ece.post("/control/faults", content=body)).status_code == status


async def test_another_site_cannot_post_a_change(ece: httpx.AsyncClient) -> None:
    for path in ("/control/reset", "/control/faults", "/control/surveys/clear"):
        response = await ece.post(path, headers={"origin": "http://evil.example"})
        assert response.status_code == 403
    allowed = await ece.post("/control/faults/clear", headers={"origin": "http://ece.example"})
    assert allowed.status_code == 200


async def test_what_was_received_is_escaped_on_the_page(ece: httpx.AsyncClient) -> None:
    body = (
        '<egainSurvey sid="&lt;script&gt;"><survey><question>&lt;img src=x&gt;</question>'
        "<answer>&lt;b&gt;</answer></survey></egainSurvey>"
    )
    await ece.post("/egain/chat/endpoint/survey", content=body, headers={"content-type": "text/xml"})
    for path in ("/", "/control/lists"):
        text = (await ece.get(path)).text
        assert "&lt;script&gt;" in text
        assert "<img src=x>" not in text


async def test_reset_puts_everything_back(ece: httpx.AsyncClient, world: World) -> None:
    await ece.post("/control/faults", json={"kind": "500"})
    await ece.post("/control/service", json={"running": False})
    await ece.post("/control/reset")
    state = (await ece.get("/control/state")).json()
    assert (state["faults"], state["service_running"]) == ({}, True)


async def test_clearing_the_lists_empties_them(ece: httpx.AsyncClient, world: World) -> None:
    await ece.post("/egain/chat/endpoint/survey", content=b"<x/>", headers={"content-type": "text/xml"})
    assert (len(world.surveys), len(world.complaints)) == (1, 1)
    await ece.post("/control/surveys/clear")
    assert (len(world.surveys), len(world.complaints)) == (0, 0)
