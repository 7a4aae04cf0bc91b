"""The five GET calls over HTTP."""

from __future__ import annotations

import httpx
import pytest
from lxml import etree

from widget.simulator.world import GET_CALLS, World

pytestmark = pytest.mark.anyio
API = "/egain/chat/entrypoint"


async def read(ece: httpx.AsyncClient, call: str, entry_point: int = 1001) -> etree._Element:
    response = await ece.get(f"/system{API}/{call}/{entry_point}")
    assert response.status_code == 200
    return etree.fromstring(response.content.replace(b"responseType=0 ", b'responseType="0" '))


@pytest.mark.parametrize("call", GET_CALLS)
@pytest.mark.parametrize("root", ["", "/system", "/webchatprod", "/chat/system"])
@pytest.mark.parametrize("api", [API, "/ws/chat/entrypoint"])
async def test_every_call_answers_under_any_context_root(
    ece: httpx.AsyncClient, world: World, call: str, root: str, api: str
) -> None:
    response = await ece.get(f"{root}{api}/{call}/1001")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/xml"
    assert response.content.startswith(b"<?xml")
    assert world.traffic[call].received == 1


async def test_a_fresh_entry_point_is_open_and_its_agents_are_free(ece: httpx.AsyncClient) -> None:
    assert (await read(ece, "chatAllowed")).get("allowed") == "true"
    assert (await read(ece, "agentAvailability")).get("available") == "true"
    assert (await read(ece, "checkEligibility")).get("responseType") == "0"
    assert [child.text for child in await read(ece, "capacity")] == ["6"]
    assert [child.text for child in await read(ece, "liveSessionStatus")] == ["0.0", "0"]


async def test_all_agents_away_closes_and_back_opens(ece: httpx.AsyncClient) -> None:
    await ece.post("/control/entry-points/1001", json={"away": True})
    assert dict((await read(ece, "chatAllowed")).attrib) == {"allowed": "false", "reason": "agent_not_available"}
    assert (await read(ece, "agentAvailability")).get("available") == "false"
    assert [child.text for child in await read(ece, "capacity")] == ["0"]
    await ece.post("/control/wire", json={"response_type": "quoted"})
    assert (await read(ece, "checkEligibility")).get("responseType") == "1"
    await ece.post("/control/entry-points/1001", json={"away": False})
    assert (await read(ece, "chatAllowed")).get("allowed") == "true"


async def test_a_full_queue_says_so_while_agents_are_available(ece: httpx.AsyncClient, world: World) -> None:
    world.wire = world.wire.__class__(response_type="quoted")
    await ece.post("/control/entry-points/1001", json={"agents": 1, "slots_per_agent": 1, "max_chats": 3})
    await ece.post("/control/entry-points/1001", json={"waiting": 3})
    assert (await read(ece, "chatAllowed")).get("reason") == "queue_depth_reached"
    assert (await read(ece, "checkEligibility")).get("responseType") == "2"
    assert (await read(ece, "agentAvailability")).get("available") == "true"
    assert [child.text for child in await read(ece, "liveSessionStatus")] == ["360.0", "2"]


async def test_availability_that_is_not_required_is_always_true(ece: httpx.AsyncClient) -> None:
    assert (await read(ece, "agentAvailability", 1004)).get("available") == "true"
    assert (await read(ece, "chatAllowed", 1004)).get("allowed") == "true"
    assert [child.text for child in await read(ece, "capacity", 1004)] == ["0"]


@pytest.mark.parametrize(
    ("path", "change", "reason"),
    [
        ("/control/service", {"running": False}, "service_not_running"),
        ("/control/entry-points/1001", {"active": False}, "entry_point_inactive"),
        ("/control/entry-points/1001", {"forced_reason": "Other"}, "Other"),
        ("/control/entry-points/1001", {"forced_reason": "full_moon"}, "full_moon"),
    ],
)
async def test_every_reason_can_be_given(
    ece: httpx.AsyncClient, path: str, change: dict[str, object], reason: str
) -> None:
    await ece.post(path, json=change)
    assert (await read(ece, "chatAllowed")).get("reason") == reason


async def test_an_unknown_entry_point_is_named_invalid_by_chat_allowed_alone(
    ece: httpx.AsyncClient, world: World
) -> None:
    assert (await read(ece, "chatAllowed", 4711)).get("reason") == "invalid_entry_point"
    for call in GET_CALLS[:4]:
        assert (await ece.get(f"{API}/{call}/4711")).status_code == 500
    assert "4711" in world.complaints[0].what


@pytest.mark.parametrize("status", ["400", "404"])
async def test_an_unknown_entry_point_can_be_answered_otherwise(ece: httpx.AsyncClient, status: str) -> None:
    await ece.post("/control/wire", json={"unknown_id": status})
    assert (await ece.get(f"{API}/capacity/4711")).status_code == int(status)
    await ece.post("/control/wire", json={"unknown_id": "closed"})
    assert (await read(ece, "agentAvailability", 4711)).get("available") == "false"


@pytest.mark.parametrize("text", ["sales", "1001;x", "-1", "1" * 20, "%D9%A1"])
async def test_an_id_that_is_no_number_is_refused_in_words(ece: httpx.AsyncClient, world: World, text: str) -> None:
    response = await ece.get(f"{API}/capacity/{text}")
    assert response.status_code == 400
    assert response.json()["code"] == "400-152"
    assert "is not a number" in world.complaints[0].what


async def test_json_is_given_where_it_is_switched_on_or_asked_for(ece: httpx.AsyncClient) -> None:
    url = f"{API}/liveSessionStatus/1001"
    await ece.post("/control/wire", json={"format": "accept"})
    assert (await ece.get(url, headers={"accept": "application/xml"})).content.startswith(b"<?xml")
    asked = await ece.get(url, headers={"accept": "application/json"})
    assert asked.json() == {"waitTime": 0.0, "queueDepth": 0}
    await ece.post("/control/wire", json={"format": "json"})
    assert (await ece.get(f"{API}/chatAllowed/1003")).json() == {"allowed": False, "reason": "entry_point_inactive"}


async def test_fixed_numbers_stand_until_they_are_taken_away(ece: httpx.AsyncClient) -> None:
    await ece.post("/control/entry-points/1001", json={"fixed_wait": 754.5, "fixed_depth": 9})
    assert [child.text for child in await read(ece, "liveSessionStatus")] == ["754.5", "9"]
    await ece.post("/control/entry-points/1001", json={"fixed_wait": None, "fixed_depth": None})
    assert [child.text for child in await read(ece, "liveSessionStatus")] == ["0.0", "0"]


async def test_a_cookie_that_comes_back_is_complained_of(ece: httpx.AsyncClient, world: World) -> None:
    first = await ece.get(f"{API}/capacity/1001")
    assert "JSESSIONID" in first.headers["set-cookie"]
    assert not world.complaints
    await ece.get(f"{API}/capacity/1001")
    assert "cookie" in world.complaints[0].what


async def test_other_methods_and_addresses_are_refused(ece: httpx.AsyncClient) -> None:
    assert (await ece.post(f"{API}/capacity/1001")).status_code == 405
    assert (await ece.get(f"{API}/capacity")).status_code == 404
    assert (await ece.get(f"{API}/survey")).status_code == 405


async def test_requests_under_way_are_counted_at_their_most(ece: httpx.AsyncClient, world: World) -> None:
    await ece.get(f"{API}/capacity/1001")
    assert (world.traffic["capacity"].under_way, world.traffic["capacity"].peak) == (0, 1)
    assert world.traffic["capacity"].statuses == {200: 1}
