"""Surveys as they are written, and the answers that mean ECE has taken one."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from widget.domain.errors import EceUnreadable, EceUnsendable
from widget.domain.outbox import Answer, OutboxMessage
from widget.ece import wire

DATA = Path(__file__).parent.parent / "data" / "ece"


def message(*pairs: tuple[str, str], sid: str = "1000") -> OutboxMessage:
    answers = tuple(Answer(f"q{number}", *pair) for number, pair in enumerate(pairs))
    return OutboxMessage("key", sid, "sales", "after_chat", answers)


PAGE = "<html><head><title>Log in</title></head><body>secret</body></html>"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "  \n",
        "<ok/>",
        "\n<ok/>",
        '<?xml version="1.0"?><surveyResponse xmlns="urn:x"/>',
    ],
)
def test_a_survey_is_taken_with_nothing_or_xml(body: str) -> None:
    wire.survey_answer(body.encode())


@pytest.mark.parametrize("body", [PAGE, "<!DOCTYPE html>" + PAGE, "<!doctype html><p>x", "<HTML></HTML>", "<Html/>"])
def test_a_page_in_answer_to_a_survey_means_that_it_was_not_taken(body: str) -> None:
    with pytest.raises(EceUnreadable) as caught:
        wire.survey_answer(body.encode())
    assert caught.value.retryable
    assert not caught.value.maybe_received


@pytest.mark.parametrize("content_type", ["text/html", "Text/HTML", "application/xhtml+xml"])
@pytest.mark.parametrize("body", ["<h1>Service is being maintained</h1>", "<body><p>Please log in</p></body>", "<p>x"])
def test_what_calls_itself_a_page_is_one_whatever_its_root(body: str, content_type: str) -> None:
    with pytest.raises(EceUnreadable) as caught:
        wire.survey_answer(body.encode(), content_type)
    assert not caught.value.maybe_received


@pytest.mark.parametrize("content_type", [None, "text/html", "text/xml"])
def test_an_empty_answer_is_one_whatever_it_calls_itself(content_type: str | None) -> None:
    wire.survey_answer(b" \n", content_type)


@pytest.mark.parametrize(
    "body",
    [
        "OK",
        '{"ok": true}',
        "<ok>",
        "<error>no such session</error>",
        '<ns2:Error xmlns:ns2="urn:x" code="400-115"/>',
        "<Exception/>",
        '<s:Envelope xmlns:s="urn:soap"><s:Body><s:Fault><faultstring/></s:Fault></s:Body></s:Envelope>',
    ],
)
def test_any_other_body_in_answer_to_a_survey_leaves_open_whether_it_was_taken(body: str) -> None:
    with pytest.raises(EceUnreadable) as caught:
        wire.survey_answer(body.encode())
    assert caught.value.retryable
    assert caught.value.maybe_received


def test_a_survey_is_written_as_the_guide_has_it() -> None:
    pairs = [(f"Question {number}", f"Answer {number}") for number in range(1, 5)]
    written = wire.survey_xml(message(*pairs), namespace=False)
    guide = (DATA / "guide-survey.xml").read_text()
    assert written.decode() == guide.replace("\n", "").replace("> <", "><")


def test_a_survey_in_the_vendors_namespace_is_the_same_but_for_it() -> None:
    written = wire.survey_xml(message(("Q", "A"), sid='1000_"<&'), namespace=True)
    root = etree.fromstring(written)
    assert b'xmlns="http://bindings.egain.com/chat"' in written
    assert b":" not in written.replace(b"http://bindings.egain.com/chat", b"")
    assert root.tag == "{http://bindings.egain.com/chat}egainSurvey"
    assert dict(root.attrib) == {"sid": '1000_"<&'}
    assert [child.tag for child in root.iter()][1:] == [
        f"{{http://bindings.egain.com/chat}}{name}" for name in ("survey", "question", "answer")
    ]


@pytest.mark.parametrize("text", ["\0", "\x0b", "\x1b", "\ud800", "\udc00\ud800", "\ufffe", "\uffff"])
def test_text_that_xml_cannot_carry_is_refused_before_ece_is_asked(text: str) -> None:
    for survey in (message((f"Q{text}", "A")), message(("Q", f"A{text}")), message(sid=f"1{text}")):
        with pytest.raises(EceUnsendable) as caught:
            wire.survey_xml(survey, namespace=False)
        assert not caught.value.retryable
        assert caught.value.blame == "nobody"
