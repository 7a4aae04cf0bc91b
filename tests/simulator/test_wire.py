"""The answers' bytes: the guide's samples to the letter."""

from __future__ import annotations

import pytest
from lxml import etree

from widget.simulator import wire
from widget.simulator.wire import Wire

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
NAMESPACES = (
    'xmlns:ns2="http://bindings.egain.com/chat"\n'
    'xmlns:ns4="urn:ietf:params:xml:ns:xmpp-stanzas" xmlns:ns3="jabber:client"\n'
    'xmlns:ns5="http://jabber.org/protocol/httpbind"'
)


def test_agent_availability_is_the_sample_of_section_9() -> None:
    assert wire.agent_availability(True, Wire()) == f'{HEAD}<agentAvailability available="true" {NAMESPACES}/>'


def test_capacity_is_the_sample_of_section_10() -> None:
    expected = f"{HEAD}<availableSlots {NAMESPACES}>\n  <ns2:count>4</ns2:count>\n</availableSlots>"
    assert wire.capacity(4, Wire()) == expected


def test_live_session_status_is_the_sample_of_section_11() -> None:
    expected = (
        f"{HEAD}<sessionStatus {NAMESPACES}>\n"
        "  <ns2:waitTime>3.0</ns2:waitTime>\n  <ns2:queueDepth>1</ns2:queueDepth>\n</sessionStatus>"
    )
    assert wire.live_session_status(3.0, 1, Wire()) == expected


def test_check_eligibility_is_the_sample_of_section_12_without_quotes() -> None:
    assert wire.check_eligibility(0, Wire()) == f"{HEAD}<checkEligibility {NAMESPACES} responseType=0 />"


def test_chat_allowed_is_the_sample_of_section_13() -> None:
    assert wire.chat_allowed(None, Wire()) == f'{HEAD}<chatAllowed {NAMESPACES} allowed="true"/>'
    expected = f'{HEAD}<chatAllowed {NAMESPACES} allowed="false"\nreason="entry_point_inactive"/>'
    assert wire.chat_allowed("entry_point_inactive", Wire()) == expected


@pytest.mark.parametrize("namespaces", ["guide", "swapped", "older", "unprefixed"])
def test_every_variant_is_well_formed_and_says_the_same(namespaces: wire.Namespaces) -> None:
    look = Wire(namespaces=namespaces, response_type="quoted")
    replies = {
        wire.agent_availability(False, look): ("agentAvailability", {"available": "false"}, []),
        wire.capacity(2, look): ("availableSlots", {}, ["2"]),
        wire.live_session_status(8.0, 3, look): ("sessionStatus", {}, ["8.0", "3"]),
        wire.check_eligibility(2, look): ("checkEligibility", {"responseType": "2"}, []),
        wire.chat_allowed("Other", look): ("chatAllowed", {"allowed": "false", "reason": "Other"}, []),
    }
    for text, (name, attributes, values) in replies.items():
        root = etree.fromstring(text.encode())
        assert (root.tag, dict(root.attrib)) == (name, attributes)
        assert [child.text for child in root] == values


def test_the_captured_variant_changes_prefixes_and_order() -> None:
    text = wire.agent_availability(True, Wire(namespaces="swapped"))
    assert 'xmlns:ns3="urn:ietf:params:xml:ns:xmpp-stanzas"' in text
    assert text.endswith(' available="true"/>')
