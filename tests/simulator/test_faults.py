"""Faults without sockets: each is selectable, counted, and served as it says."""

from __future__ import annotations

import anyio
import httpx
import pytest
from lxml import etree

from tests.hand_clock import HandClock
from widget.simulator.faults import MEANING, FaultKind
from widget.simulator.world import CALLS, World

pytestmark = pytest.mark.anyio
LIVE = "/system/egain/chat/entrypoint/liveSessionStatus/1001"
SURVEY = "/system/egain/chat/endpoint/survey"
BODY = '<egainSurvey sid="1"><survey><question>Q</question><answer>A</answer></survey></egainSurvey>'
XML = {"content-type": "text/xml"}


async def switch_on(ece: httpx.AsyncClient, kind: str, **more: object) -> None:
    assert (await ece.post("/control/faults", json={"kind": kind, **more})).status_code == 200


def test_every_kind_is_explained() -> None:
    assert set(MEANING) == set(FaultKind)


@pytest.mark.parametrize("kind", ["404", "429", "500", "502", "503"])
async def test_a_status_is_served(ece: httpx.AsyncClient, kind: str) -> None:
    await switch_on(ece, kind)
    response = await ece.get(LIVE)
    assert response.status_code == int(kind)
    assert ("retry-after" in response.headers) == (kind in ("429", "503"))


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("html", b"<!DOCTYPE html>"),
        ("wrong_root", b"<somethingElse/>"),
        ("bomb", b"<!ENTITY lol9"),
        ("external_entity", b"SYSTEM"),
        ("nan", b"<ns2:waitTime>NaN</ns2:waitTime>"),
        ("infinite", b"<ns2:queueDepth>Infinity</ns2:queueDepth>"),
        ("negative", b"<ns2:queueDepth>-7</ns2:queueDepth>"),
        ("words", b"<ns2:queueDepth>plenty</ns2:queueDepth>"),
        ("missing", b"</sessionStatus>"),
    ],
)
async def test_a_spoilt_body_comes_with_200(ece: httpx.AsyncClient, kind: str, part: bytes) -> None:
    await switch_on(ece, kind)
    response = await ece.get(LIVE)
    assert response.status_code == 200
    assert part in response.content
    assert kind != "missing" or b"waitTime" not in response.content


@pytest.mark.parametrize("call", CALLS[:5])
@pytest.mark.parametrize("kind", ["nan", "negative", "words", "missing"])
async def test_numbers_and_words_of_every_call_can_be_garbage(ece: httpx.AsyncClient, call: str, kind: str) -> None:
    await ece.post("/control/wire", json={"response_type": "quoted"})
    honest = await ece.get(f"/egain/chat/entrypoint/{call}/1001")
    await switch_on(ece, kind)
    spoilt = await ece.get(f"/egain/chat/entrypoint/{call}/1001")
    assert spoilt.content != honest.content
    etree.fromstring(spoilt.content)


async def test_the_bomb_is_refused_by_a_parser_that_resolves(ece: httpx.AsyncClient) -> None:
    await switch_on(ece, "bomb")
    content = (await ece.get(LIVE)).content
    with pytest.raises(etree.XMLSyntaxError, match=r"entit|Entit|amplification"):
        etree.fromstring(content, etree.XMLParser(resolve_entities=True))


async def test_empty_and_truncated_bodies_are_no_xml(ece: httpx.AsyncClient) -> None:
    await switch_on(ece, "empty")
    assert (await ece.get(LIVE)).content == b""
    await switch_on(ece, "truncated")
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring((await ece.get(LIVE)).content)


async def test_a_redirect_leads_to_a_login_page(ece: httpx.AsyncClient) -> None:
    await switch_on(ece, "redirect")
    response = await ece.get(LIVE)
    assert response.status_code == 302
    assert (await ece.get(response.headers["location"])).headers["content-type"].startswith("text/html")


async def test_slow_is_the_right_answer_after_the_seconds_given(ece: httpx.AsyncClient, clock: HandClock) -> None:
    honest = (await ece.get(LIVE)).content
    await switch_on(ece, "slow", seconds=7.5)
    assert (await ece.get(LIVE)).content == honest
    assert clock.slept == [7.5]


async def test_drip_is_the_right_answer_byte_by_byte(ece: httpx.AsyncClient, clock: HandClock) -> None:
    honest = (await ece.get(LIVE)).content
    await switch_on(ece, "drip", seconds=0.25)
    assert (await ece.get(LIVE)).content == honest
    assert clock.slept == [0.25] * len(honest)


async def test_a_hang_lasts_until_the_client_leaves(ece: httpx.AsyncClient, world: World) -> None:
    await switch_on(ece, "hang")
    with anyio.move_on_after(0.05) as scope:
        await ece.get(LIVE)
    assert scope.cancelled_caught
    traffic = world.traffic["liveSessionStatus"]
    assert (traffic.received, traffic.peak, traffic.under_way) == (1, 1, 0)


async def test_a_fault_ends_after_its_number_of_answers(ece: httpx.AsyncClient) -> None:
    await switch_on(ece, "500", times=2)
    assert [(await ece.get(LIVE)).status_code for _ in range(3)] == [500, 500, 200]


async def test_a_fault_of_one_call_spares_the_others_and_goes_first(ece: httpx.AsyncClient) -> None:
    await switch_on(ece, "503")
    await switch_on(ece, "404", call="liveSessionStatus")
    assert (await ece.get(LIVE)).status_code == 404
    assert (await ece.get(LIVE.replace("liveSessionStatus", "capacity"))).status_code == 503
    await switch_on(ece, "none", call="liveSessionStatus")
    assert (await ece.get(LIVE)).status_code == 503
    await ece.post("/control/faults/clear")
    assert (await ece.get(LIVE)).status_code == 200


async def test_a_survey_refused_by_a_fault_is_not_received(ece: httpx.AsyncClient, world: World) -> None:
    await switch_on(ece, "503", call="survey")
    assert (await ece.post(SURVEY, content=BODY, headers=XML)).status_code == 503
    assert not world.surveys
    assert world.traffic["survey"].received == 1


async def test_a_lost_answer_is_a_survey_received(ece: httpx.AsyncClient, world: World) -> None:
    await switch_on(ece, "lost_answer", call="survey", times=1)
    with pytest.raises(ConnectionResetError):
        await ece.post(SURVEY, content=BODY, headers=XML)
    assert len(world.surveys) == 1


async def test_html_after_a_survey_looks_like_success_and_is_none(ece: httpx.AsyncClient) -> None:
    await switch_on(ece, "html", call="survey")
    response = await ece.post(SURVEY, content=BODY, headers=XML)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
