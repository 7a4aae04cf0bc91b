"""Bytes ↔ values: ECE's XML and its spelling.

ECE's answers are matched by local names alone: releases differ in prefixes, namespaces and the order of attributes.
JSON of the same names, flat, is read too; the guide promises XML, but some installations answer JSON when asked.
Whatever the bytes, the outcome is a reading or `EceUnreadable`, whose detail never quotes them.
"""

from __future__ import annotations

import re
from contextlib import suppress
from enum import StrEnum
from typing import NamedTuple

from lxml import etree

from widget.domain.errors import EceUnreadable, EceUnsendable
from widget.domain.outbox import OutboxMessage
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
from widget.ece.bodies import Fields, is_html, json_fields, looks_like_json, refuse_declarations
from widget.ece.schema_types import XML_SPACE, WaitTimeUnit, boolean, long, seconds

CHAT_NAMESPACE = "http://bindings.egain.com/chat"

_REASONS = {
    reason.value: reason
    for reason in (
        Reason.QUEUE_DEPTH_REACHED,
        Reason.AGENT_NOT_AVAILABLE,
        Reason.SERVICE_NOT_RUNNING,
        Reason.INVALID_ENTRY_POINT,
        Reason.ENTRY_POINT_INACTIVE,
        Reason.OTHER,
    )
}
_ELIGIBILITY = {0: None, 1: Reason.AGENT_NOT_AVAILABLE, 2: Reason.QUEUE_DEPTH_REACHED}

# The guide prints `responseType=0` without quotes. One such attribute, in the root's tag alone, between attributes
# that are whole; possessive and bounded, so that no input makes it slow.
_UNQUOTED_RESPONSE_TYPE = re.compile(
    rb"""(<(?:[\w.-]{1,64}+:)?checkEligibility
         (?:\s++[\w.:-]{1,64}+\s*+=\s*+(?:"[^"<]{0,512}+"|'[^'<]{0,512}+')){0,32}+
         \s++(?:[\w.-]{1,64}+:)?responseType\s*+=\s*+)
         ([0-9]{1,9}+)
         (?=\s|/?>)""",
    re.VERBOSE,
)
_PARSER = etree.XMLParser(
    resolve_entities=False,
    load_dtd=False,
    no_network=True,
    huge_tree=False,
    recover=False,  # it would accept cut answers and drop attributes in silence
    remove_comments=True,
    remove_pis=True,
    collect_ids=False,
)
_ERRORS = ("error", "errors", "fault", "exception")  # as frameworks for Java and .NET name the root of one
_PAGES = ("text/html", "application/xhtml+xml")


class Oddity(StrEnum):
    """What was strange about an answer that could still be read."""

    REPAIRED = "repaired"
    UNKNOWN_REASON = "unknown_reason"
    UNUSABLE_NUMBER = "unusable_number"


class Understood(NamedTuple):
    """A reading, and what was odd about the answer it came from."""

    reading: Reading
    oddities: frozenset[Oddity] = frozenset()


def read(call: Call, body: bytes, *, status: int | None = None, wait_time_unit: WaitTimeUnit = "seconds") -> Understood:
    """Read the answer to one of the five GET calls; raise EceUnreadable, and nothing else, whatever the bytes."""
    try:
        match call:
            case Call.AGENT_AVAILABILITY:
                return agent_availability(body)
            case Call.CAPACITY:
                return capacity(body)
            case Call.LIVE_SESSION_STATUS:
                return live_session_status(body, wait_time_unit=wait_time_unit)
            case Call.CHECK_ELIGIBILITY:
                return check_eligibility(body)
            case Call.CHAT_ALLOWED:
                return chat_allowed(body)
    except EceUnreadable as error:
        raise EceUnreadable(error.detail, status=status) from None


def agent_availability(body: bytes) -> Understood:
    """Read `<agentAvailability available="true"/>` (guide, section 9)."""
    fields, _ = _fields(body, root="agentAvailability")
    return Understood(AgentAvailability(_truth(fields, "available")))


def capacity(body: bytes) -> Understood:
    """Read `<availableSlots><count>4</count></availableSlots>` (guide, section 10).

    Below 0 is 0: ECE subtracts the load from the maximum load, and a load can be above a maximum lowered later.
    """
    fields, _ = _fields(body, root="availableSlots")
    count = long(fields.get("count"))
    if count is None:
        return Understood(Capacity(None), frozenset({Oddity.UNUSABLE_NUMBER}))
    return Understood(Capacity(max(count, 0)))


def live_session_status(body: bytes, *, wait_time_unit: WaitTimeUnit = "seconds") -> Understood:
    """Read `<sessionStatus><waitTime>3.0</waitTime><queueDepth>1</queueDepth></sessionStatus>` (guide, section 11)."""
    fields, _ = _fields(body, root="sessionStatus")
    wait = seconds(fields.get("waitTime"), wait_time_unit)
    depth = long(fields.get("queueDepth"))
    if depth is not None and depth < 0:
        depth = None
    odd = {Oddity.UNUSABLE_NUMBER} if wait is None or depth is None else set()
    return Understood(LiveSessionStatus(wait, depth), frozenset(odd))


def check_eligibility(body: bytes) -> Understood:
    """Read `<checkEligibility responseType="0"/>` (guide, section 12); a type not listed there is closed."""
    fields, repaired = _fields(body, root="checkEligibility")
    odd = {Oddity.REPAIRED} if repaired else set()
    kind = long(_required(fields, "responseType"))
    if kind in _ELIGIBILITY:
        return Understood(Eligibility(_ELIGIBILITY[kind]), frozenset(odd))
    return Understood(Eligibility(Reason.OTHER), frozenset({*odd, Oddity.UNKNOWN_REASON}))


def chat_allowed(body: bytes) -> Understood:
    """Read `<chatAllowed allowed="false" reason="entry_point_inactive"/>` (guide, section 13).

    The guide writes five reasons small and `Other` with a capital: case does not count.
    """
    fields, _ = _fields(body, root="chatAllowed")
    if _truth(fields, "allowed"):
        return Understood(ChatAllowed(True))
    reason = _REASONS.get((fields.get("reason") or "").strip(XML_SPACE).lower())
    if reason is None:
        return Understood(ChatAllowed(False, Reason.OTHER), frozenset({Oddity.UNKNOWN_REASON}))
    return Understood(ChatAllowed(False, reason))


def survey_answer(body: bytes, content_type: str | None = None, *, status: int | None = None) -> None:
    """Accept the body of a 2xx to a survey: nothing, or XML (guide, section 14: 204, no body).

    An HTML page is a login or error page of something in front of ECE: the survey was not taken. Of any other body, and
    of XML that calls itself an error, nobody can say, so the error says that ECE may have received it.
    """
    if not body.strip():
        return
    page = (content_type or "").lower() in _PAGES or is_html(body)
    try:
        root = None if page else _root(body)[0]
    except EceUnreadable as error:
        raise EceUnreadable(error.detail, status=status, maybe_received=True) from None
    if root is None or _local(root.tag).lower() == "html":
        raise EceUnreadable("an HTML page, which is not ECE's answer to a survey", status=status)
    if _local(root.tag).lower() in _ERRORS or root.find(".//{*}Fault") is not None:
        raise EceUnreadable("XML that tells an error", status=status, maybe_received=True)


def survey_xml(message: OutboxMessage, *, namespace: bool) -> bytes:
    """Write `<egainSurvey sid="…">` with its question and answer pairs (guide, section 14), as UTF-8.

    With `namespace` it has `xmlns="http://bindings.egain.com/chat"`, as the vendor's own chat template sends it.
    Raise EceUnsendable for text that XML cannot carry.
    """
    space = f"{{{CHAT_NAMESPACE}}}" if namespace else ""
    nsmap = {None: CHAT_NAMESPACE} if namespace else {}
    try:
        root = etree.Element(f"{space}egainSurvey", {"sid": message.sid}, nsmap=nsmap)
        for pair in message.answers:
            survey = etree.SubElement(root, f"{space}survey")
            etree.SubElement(survey, f"{space}question").text = pair.question
            etree.SubElement(survey, f"{space}answer").text = pair.answer
        return etree.tostring(root, encoding="UTF-8", xml_declaration=False)
    except ValueError:  # UnicodeEncodeError, for half a surrogate pair, is one too
        raise EceUnsendable("text that XML 1.0 cannot carry") from None


def _fields(body: bytes, *, root: str) -> tuple[Fields, bool]:
    """Return what the answer says by local name, and whether the unquoted attribute had to be mended."""
    if looks_like_json(body):
        return json_fields(body), False
    element, repaired = _root(body)
    if _local(element.tag) != root:
        page = "an HTML page" if is_html(body) else "the root element is another"
        raise EceUnreadable(f"{page}; expected {root}")
    fields: dict[str, str | None] = {}
    pairs: list[tuple[str, str | None]] = [(_local(name), value) for name, value in element.attrib.items()]
    pairs += [(_local(child.tag), None if len(child) else child.text or "") for child in element]
    for name, text in pairs:
        fields[name] = text if fields.get(name, text) == text else None
    return fields, repaired


def _root(body: bytes) -> tuple[etree._Element, bool]:
    if not body.strip():
        raise EceUnreadable("an empty body")
    refuse_declarations(body)
    try:
        return etree.fromstring(body, _PARSER), False
    except etree.LxmlError:
        mended, found = _UNQUOTED_RESPONSE_TYPE.subn(rb'\1"\2"', body, count=1)
        if found:
            with suppress(etree.LxmlError):
                return etree.fromstring(mended, _PARSER), True
    raise EceUnreadable("an HTML page" if is_html(body) else "not well-formed XML")


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _required(fields: Fields, name: str) -> str:
    text = fields.get(name)
    if text is None:
        raise EceUnreadable(f"no {name}")
    return text


def _truth(fields: Fields, name: str) -> bool:
    value = boolean(_required(fields, name))
    if value is None:
        raise EceUnreadable(f"{name} is neither true nor false")
    return value
