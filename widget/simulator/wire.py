"""The bytes of ECE's answers: exactly as in the guide's samples, and in the variants of real installations."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

BINDINGS = "http://bindings.egain.com/chat"
OLDER_BINDINGS = "com/egain/live/framework/bosh/gen"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_STANZAS, _CLIENT = "urn:ietf:params:xml:ns:xmpp-stanzas", "jabber:client"
_HTTPBIND = "http://jabber.org/protocol/httpbind"
_NAMESPACES = {
    # The guide prints the declarations in this order, over two line ends.
    "guide": f'xmlns:ns2="{BINDINGS}"\nxmlns:ns4="{_STANZAS}" xmlns:ns3="{_CLIENT}"\nxmlns:ns5="{_HTTPBIND}"',
    # A capture of a running ECE: ns3 and ns4 change places, the order is another.
    "swapped": f'xmlns:ns5="{_HTTPBIND}" xmlns:ns2="{BINDINGS}" xmlns:ns4="{_CLIENT}" xmlns:ns3="{_STANZAS}"',
    # Older releases: another name for the bindings, and no ns5.
    "older": f'xmlns:ns2="{OLDER_BINDINGS}" xmlns:ns4="{_STANZAS}" xmlns:ns3="{_CLIENT}"',
    # The vendor's own code expects children without a prefix too.
    "unprefixed": f'xmlns:ns3="{_CLIENT}"',
}

Namespaces = Literal["guide", "swapped", "older", "unprefixed"]


class Wire(BaseModel):
    """How answers look and which survey forms are accepted. The defaults are the guide's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    namespaces: Namespaces = "guide"
    response_type: Literal["unquoted", "quoted"] = "unquoted"
    format: Literal["xml", "json", "accept"] = "xml"
    content_type: Literal["application/xml", "text/xml;charset=UTF-8", "text/plain"] = "application/xml"
    unknown_id: Literal["500", "404", "400", "closed"] = "500"
    survey_path: Literal["both", "guide", "template"] = "both"
    survey_path_refusal: Literal["404", "405"] = "404"
    survey_format: Literal["both", "plain", "namespace"] = "both"
    survey_format_refusal: Literal["400", "415", "422", "500"] = "400"
    survey_success: Literal["204", "200", "200-xml", "202"] = "204"


def agent_availability(available: bool, wire: Wire) -> str:
    """Return the answer of agent availability (guide, section 9)."""
    attributes = f'available="{"true" if available else "false"}"'
    return _empty("agentAvailability", attributes, wire, attributes_first=True)


def capacity(count: object, wire: Wire) -> str:
    """Return the answer of capacity (guide, section 10)."""
    return _parent("availableSlots", {"count": count}, wire)


def live_session_status(wait_time: object, queue_depth: object, wire: Wire) -> str:
    """Return the answer of live session status, `wait_time` in seconds (guide, section 11)."""
    return _parent("sessionStatus", {"waitTime": wait_time, "queueDepth": queue_depth}, wire)


def check_eligibility(response_type: int, wire: Wire) -> str:
    """Return the answer of eligibility (guide, section 12), as its sample, or with the quotes of XML."""
    if wire.response_type == "unquoted":
        return f"{_DECLARATION}<checkEligibility {_NAMESPACES[wire.namespaces]} responseType={response_type} />"
    return _empty("checkEligibility", f'responseType="{response_type}"', wire, attributes_first=False)


def chat_allowed(reason: str | None, wire: Wire) -> str:
    """Return the answer of chat allowed (guide, section 13); `reason` is None when it is."""
    attributes = 'allowed="true"' if reason is None else f'allowed="false"\nreason="{reason}"'
    return _empty("chatAllowed", attributes, wire, attributes_first=False)


def _empty(name: str, attributes: str, wire: Wire, *, attributes_first: bool) -> str:
    parts = [attributes, _NAMESPACES[wire.namespaces]]
    if attributes_first == (wire.namespaces == "swapped"):
        parts.reverse()
    return f"{_DECLARATION}<{name} {' '.join(parts)}/>"


def _parent(name: str, children: dict[str, object], wire: Wire) -> str:
    prefix = "" if wire.namespaces == "unprefixed" else "ns2:"
    lines = [
        f"  <{prefix}{child}>{value}</{prefix}{child}>\n" for child, value in children.items() if value is not None
    ]
    return f"{_DECLARATION}<{name} {_NAMESPACES[wire.namespaces]}>\n{''.join(lines)}</{name}>"
