"""What ECE's answers mean: the guide's own samples and the variants seen in the field."""

from __future__ import annotations

from pathlib import Path

import pytest

from widget.domain.errors import EceUnreadable
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

DATA = Path(__file__).parent.parent / "data" / "ece"


def read(call: Call, body: str | bytes) -> Reading:
    return wire.read(call, body.encode() if isinstance(body, str) else body).reading


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
        (Call.AGENT_AVAILABILITY, '\r\n\t <agentAvailability available="true"/>', AgentAvailability(True)),
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
