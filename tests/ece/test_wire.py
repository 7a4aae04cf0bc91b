"""What ECE's answers mean: the guide's own samples, the variants seen in the field, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from widget.domain.errors import EceUnreadable, EceUnsendable
from widget.domain.outbox import Answer, SurveyMessage
from widget.domain.readings import (
    AgentAvailability,
    Call,
    Capacity,
    ChatAllowed,
    Eligibility,
    LiveSessionStatus,
    Reading,
    Reason,
)
from widget.ece import wire
from widget.ece.schema_types import WaitTimeUnit

DATA = Path(__file__).parent.parent / "data" / "ece"


def read(call: Call, body: str | bytes) -> Reading:
    return wire.read(call, body.encode() if isinstance(body, str) else body).reading


def message(*pairs: tuple[str, str], sid: str = "1000") -> SurveyMessage:
    answers = tuple(Answer(f"q{number}", *pair) for number, pair in enumerate(pairs))
    return SurveyMessage("key", sid, "sales", "after_chat", answers)


GUIDE: list[tuple[str, Call, Reading]] = [
    ("guide-agentAvailability.xml", Call.AGENT_AVAILABILITY, AgentAvailability(True)),
    ("guide-capacity.xml", Call.CAPACITY, Capacity(4)),
    ("guide-liveSessionStatus.xml", Call.LIVE_SESSION_STATUS, LiveSessionStatus(3, 1)),
    ("guide-checkEligibility.xml", Call.CHECK_ELIGIBILITY, Eligibility(None)),
    ("guide-chatAllowed-true.xml", Call.CHAT_ALLOWED, ChatAllowed(True)),
    ("guide-chatAllowed-false.xml", Call.CHAT_ALLOWED, ChatAllowed(False, Reason.ENTRY_POINT_INACTIVE)),
]


@pytest.mark.parametrize(("file", "call", "reading"), GUIDE)
def test_the_guides_sample_is_understood_byte_for_byte(file: str, call: Call, reading: Reading) -> None:
    assert read(call, (DATA / file).read_bytes()) == reading
    assert read(call, (DATA / file).read_bytes().replace(b"\n", b"\r\n")) == reading


@pytest.mark.parametrize(("file", "call", "reading"), GUIDE)
def test_the_printed_status_line_is_not_part_of_an_answer(file: str, call: Call, reading: Reading) -> None:
    with pytest.raises(EceUnreadable):
        read(call, b"HTTP/1.1 200 OK\n" + (DATA / file).read_bytes())


def test_only_the_guides_unquoted_response_type_is_mended_and_it_is_flagged() -> None:
    sample = (DATA / "guide-checkEligibility.xml").read_bytes()
    assert wire.check_eligibility(sample).oddities == {wire.Oddity.REPAIRED}
    assert wire.check_eligibility(sample.replace(b"=0", b'="0"')).oddities == frozenset()
    assert wire.check_eligibility(sample.replace(b"=0 ", b"=1")).reading == Eligibility(Reason.AGENT_NOT_AVAILABLE)
    assert wire.check_eligibility(b"\xef\xbb\xbf" + sample).reading == Eligibility(None)
    for other in (
        sample.replace(b'"jabber:client"', b"jabber:client"),
        sample.replace(b"=0", b"=zero"),
        sample.replace(b"=0", b"='0"),
        sample.replace(b"/>", b""),
        sample.replace(b"=0", b"=0 responseType=1"),
        sample.replace(b"responseType=0", b'note="responseType=0'),
        b"<checkEligibility/><x responseType=0/>",
    ):
        with pytest.raises(EceUnreadable):
            wire.check_eligibility(other)
    with pytest.raises(EceUnreadable):
        wire.chat_allowed(b"<chatAllowed allowed=true/>")


@pytest.mark.parametrize(
    ("call", "body", "reading"),
    [
        (Call.AGENT_AVAILABILITY, '<agentAvailability available="false"/>', AgentAvailability(False)),
        (Call.AGENT_AVAILABILITY, '<e:agentAvailability xmlns:e="urn:e" e:available="1"/>', AgentAvailability(True)),
        (Call.AGENT_AVAILABILITY, '<agentAvailability xmlns="urn:e" available=" True "/>', AgentAvailability(True)),
        (Call.CAPACITY, "<availableSlots><count>4</count></availableSlots>", Capacity(4)),
        (Call.CAPACITY, '<availableSlots xmlns="urn:e"><new/><count x="1"> +4 </count></availableSlots>', Capacity(4)),
        (Call.CAPACITY, "<availableSlots><count><!-- c -->4<?p?>2</count></availableSlots>", Capacity(42)),
        (Call.CAPACITY, "<availableSlots><count><![CDATA[4]]></count></availableSlots>", Capacity(4)),
        (
            Call.LIVE_SESSION_STATUS,
            '<a:sessionStatus xmlns:a="com/egain/live/framework/bosh/gen"><a:queueDepth>2</a:queueDepth>'
            "<a:waitTime>8.0</a:waitTime></a:sessionStatus>",
            LiveSessionStatus(8, 2),
        ),
        (Call.CHECK_ELIGIBILITY, '<checkEligibility responseType="1"/>', Eligibility(Reason.AGENT_NOT_AVAILABLE)),
        (Call.CHECK_ELIGIBILITY, "<checkEligibility responseType='2'/>", Eligibility(Reason.QUEUE_DEPTH_REACHED)),
        (Call.CHAT_ALLOWED, '<chatAllowed reason="Other" allowed="false"/>', ChatAllowed(False, Reason.OTHER)),
        (Call.CHAT_ALLOWED, '<chatAllowed reason="other" allowed="true"/>', ChatAllowed(True)),
        (Call.CHAT_ALLOWED, '{"allowed": true, "extra": {"a": [1]}}', ChatAllowed(True)),
        (
            Call.CHAT_ALLOWED,
            ' {"allowed": "FALSE", "reason": "Service_Not_Running"}',
            ChatAllowed(False, Reason.SERVICE_NOT_RUNNING),
        ),
        (Call.AGENT_AVAILABILITY, '{"available": 0}', AgentAvailability(False)),
        (Call.CAPACITY, '{"count": 1}', Capacity(1)),
        (Call.LIVE_SESSION_STATUS, '{"waitTime":10.2,"queueDepth":"2"}', LiveSessionStatus(11, 2)),
        (Call.CHECK_ELIGIBILITY, '{"responseType": 0}', Eligibility(None)),
    ],
)
def test_variants_of_the_field_are_understood(call: Call, body: str, reading: Reading) -> None:
    assert read(call, body) == reading
    assert read(call, body.encode("utf-8-sig")) == reading
    assert read(call, body.encode("utf-16")) == reading


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_is_eces_own_in_any_case_and_every_other_is_other(reason: Reason) -> None:
    ece_says = {
        "queue_depth_reached",
        "agent_not_available",
        "service_not_running",
        "invalid_entry_point",
        "entry_point_inactive",
        "other",
    }
    expected = reason if reason in ece_says else Reason.OTHER
    for spelling in (reason.value, reason.upper(), f" {reason.title()} "):
        body = f'<chatAllowed allowed="false" reason="{spelling}"/>'
        assert read(Call.CHAT_ALLOWED, body) == ChatAllowed(False, expected)


@pytest.mark.parametrize(
    "attribute", ['reason=""', "", 'reason="lunch"', f'reason="{"x" * 10_000}"', 'reason="ſervice_not_running"']
)
def test_closed_for_a_reason_nobody_knows_is_closed_as_other_and_flagged(attribute: str) -> None:
    understood = wire.chat_allowed(f'<chatAllowed allowed="false" {attribute}/>'.encode())
    assert understood.reading == ChatAllowed(False, Reason.OTHER)
    assert understood.oddities == {wire.Oddity.UNKNOWN_REASON}


@pytest.mark.parametrize("value", ["3", "7", "-1", "", "x", "0.0", "99999999999999999999", "٠"])
def test_a_response_type_that_the_guide_does_not_list_is_closed_as_other(value: str) -> None:
    understood = wire.check_eligibility(f'<checkEligibility responseType="{value}"/>'.encode())
    assert understood.reading == Eligibility(Reason.OTHER)
    assert understood.oddities == {wire.Oddity.UNKNOWN_REASON}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3.0", 3),
        ("3", 3),
        ("0", 0),
        ("-0.0", 0),
        ("+3.", 3),
        (".5", 1),
        ("3.0001", 4),
        ("1.5E+2", 150),
        (" 2\n", 2),
        ("1e-9", 1),
        ("1e300", 2**53 - 1),
        *((text, None) for text in ["", " ", "soon", "NaN", "nan", "INF", "-INF", "inf", "-3.0", "1e400", "1_0", "٣"]),
        *((text, None) for text in ["3,0", "0x3", "3 0", "1e", ".", "--3", "9" * 5000, "Infinity", "1e999999999"]),
    ],
)
def test_a_wait_is_an_xs_double_rounded_up_or_nothing(text: str, seconds: int | None) -> None:
    for body in (
        f"<sessionStatus><waitTime>{text}</waitTime><queueDepth>1</queueDepth></sessionStatus>",
        '{"waitTime": "' + text.replace("\n", "\\n") + '", "queueDepth": 1}',
    ):
        understood = wire.live_session_status(body.encode())
        assert understood.reading == LiveSessionStatus(seconds, 1)
        assert understood.oddities == ({wire.Oddity.UNUSABLE_NUMBER} if seconds is None else set())


@pytest.mark.parametrize(
    ("unit", "text", "seconds"),
    [
        ("minutes", "2.3", 138),
        ("minutes", "0.01", 1),
        ("minutes", "4.35", 261),
        ("milliseconds", "3000.0", 3),
        ("milliseconds", "1", 1),
        ("milliseconds", "180001", 181),
        ("seconds", "180", 180),
    ],
)
def test_a_wait_is_rounded_after_its_unit_is_converted(unit: WaitTimeUnit, text: str, seconds: int) -> None:
    body = f"<sessionStatus><waitTime>{text}</waitTime><queueDepth>0</queueDepth></sessionStatus>"
    understood = wire.read(Call.LIVE_SESSION_STATUS, body.encode(), wait_time_unit=unit)
    assert understood.reading == LiveSessionStatus(seconds, 0)


@pytest.mark.parametrize(
    ("text", "depth", "count"),
    [
        ("4", 4, 4),
        ("+4", 4, 4),
        ("007", 7, 7),
        ("-0", 0, 0),
        ("-3", None, 0),
        (str(2**63 - 1), 2**63 - 1, 2**63 - 1),
        *((text, None, None) for text in ["4.0", "", "x", "1e1", "1_0", "٤", "NaN", "INF", str(2**63), "9" * 5000]),
        ("-" + "9" * 30, None, None),
    ],
)
def test_depth_and_count_are_xs_longs_or_nothing_and_a_negative_count_is_none_free(
    text: str, depth: int | None, count: int | None
) -> None:
    live = f"<sessionStatus><waitTime>1</waitTime><queueDepth>{text}</queueDepth></sessionStatus>"
    slots = f"<availableSlots><count>{text}</count></availableSlots>"
    assert read(Call.LIVE_SESSION_STATUS, live) == LiveSessionStatus(1, depth)
    assert read(Call.CAPACITY, slots) == Capacity(count)
    assert read(Call.CAPACITY, '{"count": "' + text + '"}') == Capacity(count)


@pytest.mark.parametrize(
    "body",
    [
        "<availableSlots/>",
        "<availableSlots><count/></availableSlots>",
        "<availableSlots><count><count>4</count></count></availableSlots>",
        "<availableSlots><a><count>4</count></a></availableSlots>",
        "<availableSlots><count>4</count><count>5</count></availableSlots>",
        "{}",
        '{"count": null}',
        '{"count": [4]}',
        '{"count": {"count": 4}}',
        '{"count": NaN}',
        '{"count": -Infinity}',
        '{"count": true}',
        '{"count": 4.0}',
        '{"count": ' + "9" * 5000 + "}",
    ],
)
def test_a_count_that_is_missing_or_no_number_is_nothing(body: str) -> None:
    assert read(Call.CAPACITY, body) == Capacity(None)


@pytest.mark.parametrize("value", ["", "yes", "on", "2", "truefalse", "t", "null", "True.", "１"])
def test_a_boolean_that_is_neither_true_nor_false_is_no_answer(value: str) -> None:
    for call, root, name in (
        (Call.CHAT_ALLOWED, "chatAllowed", "allowed"),
        (Call.AGENT_AVAILABILITY, "agentAvailability", "available"),
    ):
        for body in (f'<{root} {name}="{value}"/>', f'{{"{name}": "{value}"}}', f"<{root}/>", f"<{root} x='true'/>"):
            with pytest.raises(EceUnreadable, match=name):
                read(call, body)


PAGE = "<html><head><title>Log in</title></head><body>secret</body></html>"
NO_ANSWERS: list[str | bytes] = [
    "",
    " \n",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    PAGE,
    "<!DOCTYPE html>" + PAGE,
    "<!doctype html>\n<HTML lang=en><p>Service unavailable",
    '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>',
    "Service unavailable",
    '<chatAllowed allowed="true"',
    '<chatAllowed allowed="true">',
    '<chatAllowed allowed="true"/><chatAllowed allowed="true"/>',
    '<chatAllowed allowed="true"/>trailing',
    '<chatAllowed allowed="true" allowed="false"/>',
    '<chatAllowed allowed="true" x:allowed="false" xmlns:x="urn:x"/>',
    '\n<?xml version="1.0"?><chatAllowed allowed="true"/>',
    '<ns2:chatAllowed allowed="true"/>',
    '<chatAllowed allowed="true">\0</chatAllowed>',
    '<chatAllowed allowed="true">&nbsp;</chatAllowed>',
    '<?xml version="1.0" encoding="x-none"?><chatAllowed allowed="true"/>',
    b'<chatAllowed allowed="true" x="\xff"/>',
    '<chatallowed allowed="true"/>',
    '<agentAvailability available="true"/>',
    '<r><chatAllowed allowed="true"/></r>',
    "[]",
    '[{"allowed": true}]',
    "{",
    '{"allowed": true} x',
    '{"allowed": true, "allowed": false}',
    '{"allowed": [true]}',
    '{"allowed": null}',
    "{'allowed': true}",
    '{"a":' * 20_000,
    "[" * 65_000,
    "<a>" * 20_000,
    "<a " * 20_000,
    b'{"allowed": true, "x": "\xff"}',
]


@pytest.mark.parametrize("body", NO_ANSWERS)
def test_anything_else_is_one_typed_error_whose_detail_tells_nothing_of_the_body(body: str | bytes) -> None:
    with pytest.raises(EceUnreadable) as caught:
        read(Call.CHAT_ALLOWED, body)
    assert caught.value.detail
    assert len(caught.value.detail) < 80
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("body", NO_ANSWERS[5:9])
def test_a_web_page_is_called_one(body: str) -> None:
    with pytest.raises(EceUnreadable, match="HTML page"):
        read(Call.CHAT_ALLOWED, body)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp037", "utf-7", "utf-32"])
@pytest.mark.parametrize(
    "declaration",
    [
        "<!DOCTYPE chatAllowed>",
        '<!DOCTYPE chatAllowed SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE chatAllowed [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE chatAllowed [<!ENTITY t "true"><!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>',
        '<!DOCTYPE chatAllowed [<!ATTLIST chatAllowed allowed CDATA "true">]>',
    ],
)
def test_a_declaration_is_refused_in_any_charset(declaration: str, encoding: str) -> None:
    body = f'<?xml version="1.0" encoding="{encoding}"?>{declaration}<chatAllowed allowed="true"/>'
    with pytest.raises(EceUnreadable):
        read(Call.CHAT_ALLOWED, body.encode(encoding))


@pytest.mark.parametrize("body", ["", "  \n", "<ok/>", '<?xml version="1.0"?><surveyResponse xmlns="urn:x"/>'])
def test_a_survey_is_taken_with_nothing_or_xml(body: str) -> None:
    wire.survey_answer(body.encode())


@pytest.mark.parametrize("body", [PAGE, "<!DOCTYPE html>" + PAGE, "<!doctype html><p>x", "<HTML></HTML>", "<Html/>"])
def test_a_page_in_answer_to_a_survey_means_that_it_was_not_taken(body: str) -> None:
    with pytest.raises(EceUnreadable) as caught:
        wire.survey_answer(body.encode())
    assert caught.value.retryable
    assert not caught.value.maybe_received


@pytest.mark.parametrize("body", ["OK", '{"ok": true}', "<ok>"])
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
