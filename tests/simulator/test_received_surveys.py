"""Surveys: what is taken, what is refused, and in which words."""

from __future__ import annotations

import httpx
import pytest

from widget.simulator.surveys import LARGEST_BODY, judge
from widget.simulator.world import World

XML = "text/xml; charset=utf-8"
PAIR = "<survey><question>Question 1</question><answer>Answer 1</answer></survey>"
PLAIN = f'<egainSurvey sid="1000">{PAIR}</egainSurvey>'
NAMED = f'<egainSurvey sid="88_x" xmlns="http://bindings.egain.com/chat">{PAIR}</egainSurvey>'
GUIDE, TEMPLATE = "/system/egain/chat/endpoint/survey", "/system/egain/chat/entrypoint/survey"


@pytest.mark.parametrize(
    ("body", "content_type", "fault"),
    [
        ("", XML, "empty"),
        ("<egainSurvey", XML, "not well-formed"),
        (PLAIN, "application/json", "not text/xml"),
        (PLAIN, "text/xml; charset=latin1", "not utf-8"),
        (f"<!DOCTYPE x>{PLAIN}", XML, "DOCTYPE"),
        (f"<survey>{PAIR}</survey>", XML, "not <egainSurvey>"),
        (f"<egainSurvey>{PAIR}</egainSurvey>", XML, "no sid"),
        (f'<egainSurvey sid="">{PAIR}</egainSurvey>', XML, "sid is empty"),
        (f'<egainSurvey sid="{"x" * 257}">{PAIR}</egainSurvey>', XML, "printable"),
        (f'<egainSurvey sid="1" lang="de">{PAIR}</egainSurvey>', XML, "lang"),
        (f'<egainSurvey sid="1" xmlns="urn:x">{PAIR}</egainSurvey>', XML, "namespace"),
        ('<egainSurvey sid="1"/>', XML, "no <survey>"),
        ('<egainSurvey sid="1"><other/></egainSurvey>', XML, "<other>"),
        ('<egainSurvey sid="1"><survey><question>Q</question></survey></egainSurvey>', XML, "followed by one <answer>"),
        (PLAIN.replace("Answer 1", " "), XML, "Answer 1 is empty"),
        (PLAIN.replace("Question 1", ""), XML, "Question 1 is empty"),
        (PLAIN.replace("Answer 1", "undefined"), XML, "no visitor chose"),
        ('<?xml version="1.0" encoding="iso-8859-1"?>' + PLAIN, XML, "not in UTF-8"),
        ("x" * (LARGEST_BODY + 1), XML, "larger than"),
    ],
)
def test_what_is_wrong_is_said_in_words(body: str, content_type: str, fault: str) -> None:
    assert any(fault in each for each in judge(body.encode(), content_type).faults)


@pytest.mark.parametrize("body", [PLAIN, NAMED, '<?xml version="1.0" encoding="UTF-8"?>' + PLAIN])
def test_a_right_survey_has_no_fault(body: str) -> None:
    judgement = judge(body.encode(), XML)
    assert judgement.faults == ()
    assert judgement.pairs == (("Question 1", "Answer 1"),)


@pytest.mark.anyio
async def test_a_survey_is_kept_as_it_came(ece: httpx.AsyncClient) -> None:
    body = PLAIN.replace("Answer 1", "5 &lt; 7 &amp; naïve 🚲").encode()
    response = await ece.post(GUIDE, content=body, headers={"content-type": XML})
    assert (response.status_code, response.content) == (204, b"")
    kept = (await ece.get("/control/surveys")).json()[0]
    assert bytes.fromhex(kept["raw_hex"]) == body
    assert kept["accepted"] is True
    assert kept["pairs"] == [{"question": "Question 1", "answer": "5 < 7 & naïve 🚲"}]


@pytest.mark.anyio
async def test_a_wrong_survey_is_refused_and_told(ece: httpx.AsyncClient, world: World) -> None:
    response = await ece.post(GUIDE, content=b"<egainSurvey/>", headers={"content-type": XML})
    assert response.status_code == 400
    assert "no sid" in response.json()["developerMessage"]
    assert (await ece.get("/control/surveys")).json()[0]["accepted"] is False
    assert "no sid" in (await ece.get("/")).text


@pytest.mark.anyio
@pytest.mark.parametrize("refusal", ["404", "405"])
async def test_an_ece_can_take_surveys_at_one_address_only(ece: httpx.AsyncClient, refusal: str) -> None:
    await ece.post("/control/wire", json={"survey_path": "template", "survey_path_refusal": refusal})
    assert (await ece.post(GUIDE, content=PLAIN, headers={"content-type": XML})).status_code == int(refusal)
    assert (await ece.post(TEMPLATE, content=PLAIN, headers={"content-type": XML})).status_code == 204


@pytest.mark.anyio
@pytest.mark.parametrize("refusal", ["400", "415", "422", "500"])
async def test_an_ece_can_take_one_form_only(ece: httpx.AsyncClient, refusal: str) -> None:
    await ece.post("/control/wire", json={"survey_format": "namespace", "survey_format_refusal": refusal})
    assert (await ece.post(GUIDE, content=PLAIN, headers={"content-type": XML})).status_code == int(refusal)
    assert (await ece.post(GUIDE, content=NAMED, headers={"content-type": XML})).status_code == 204
    kept = (await ece.get("/control/surveys")).json()
    assert [each["accepted"] for each in kept] == [False, True]


@pytest.mark.anyio
@pytest.mark.parametrize(("success", "status"), [("200", 200), ("202", 202), ("200-xml", 200)])
async def test_success_has_more_than_one_face(ece: httpx.AsyncClient, success: str, status: int) -> None:
    await ece.post("/control/wire", json={"survey_success": success})
    assert (await ece.post(GUIDE, content=PLAIN, headers={"content-type": XML})).status_code == status
