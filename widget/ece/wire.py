"""Bytes ↔ values: the only place that knows XML, JSON and ECE's spelling.

ECE's answers are matched by local names alone: releases differ in prefixes, namespaces and the order of attributes.
JSON of the same names, flat, is read too; the guide promises XML, but some installations answer JSON when asked.
Whatever the bytes, the outcome is a reading or `EceUnreadable`, whose detail never quotes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from widget.domain.errors import EceUnreadable, EceUnsendable
from widget.domain.outbox import SurveyMessage
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
_DECLARATIONS = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_XML_HEAD = re.compile(
    rb"""<\?xml\s{1,9}version\s{0,9}=\s{0,9}["']1\.[0-9]["']
         (?:\s{1,9}encoding\s{0,9}=\s{0,9}["'](?:utf-?8|utf-16(?:[lb]e)?|us-ascii|iso-8859-1|windows-1252)["'])?
         (?:\s{1,9}standalone\s{0,9}=\s{0,9}["'](?:yes|no)["'])?\s{0,9}\?>""",
    re.VERBOSE | re.IGNORECASE,
)
_PAGES = ("text/html", "application/xhtml+xml")
_HTML = re.compile(rb"<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)


class Oddity(StrEnum):
    """What was strange about an answer that could still be read."""

    REPAIRED = "repaired"
    UNKNOWN_REASON = "unknown_reason"
    UNUSABLE_NUMBER = "unusable_number"


@dataclass(frozen=True, slots=True)
class Understood:
    """A reading, and what was odd about the answer it came from."""

    reading: Reading
    oddities: frozenset[Oddity] = frozenset()


# What an answer says, by local name: attributes and children of an XML root, or the members of a JSON object.
# None stands for "there, but no single text": an element with elements inside, two that differ, a JSON list.
_Fields = Mapping[str, str | None]


def read(call: Call, body: bytes, *, wait_time_unit: WaitTimeUnit = "seconds") -> Understood:
    """Read the answer to one of the five GET calls; raises EceUnreadable, and nothing else, whatever the bytes."""
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


def survey_answer(body: bytes, content_type: str | None = None) -> None:
    """Accept the body of a 2xx to a survey: nothing, or XML (guide, section 14: 204, no body).

    An HTML page is a login or error page of something in front of ECE: the survey was not taken. Of any other body
    nobody can say, so the error is marked.
    """
    if not body.strip():
        return
    if (content_type or "").lower() in _PAGES:
        raise EceUnreadable("an HTML page, which is not ECE's answer to a survey")
    try:
        root, _ = _root(body)
    except EceUnreadable as error:
        error.maybe_received = not is_html(body)
        raise
    if _local(root.tag).lower() == "html":
        raise EceUnreadable("an HTML page, which is not ECE's answer to a survey")


def survey_xml(message: SurveyMessage, *, namespace: bool) -> bytes:
    """Write `<egainSurvey sid="…">` with its question and answer pairs (guide, section 14), as UTF-8.

    With `namespace` it has `xmlns="http://bindings.egain.com/chat"`, as the vendor's own chat template sends it.
    Raises EceUnsendable for text that XML cannot carry.
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


def is_html(body: bytes) -> bool:
    """Say whether this is a web page, as proxies and login pages put it in the place of an answer."""
    return _HTML.search(body[:1024].replace(b"\0", b"")) is not None


def _fields(body: bytes, *, root: str) -> tuple[_Fields, bool]:
    """Give what the answer says by local name, and whether the unquoted attribute had to be mended."""
    if _start(body).startswith((b"{", b"[")):
        return _json_fields(body), False
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
    _refuse_declarations(body)
    try:
        return etree.fromstring(body, _PARSER), False
    except etree.LxmlError:
        mended, found = _UNQUOTED_RESPONSE_TYPE.subn(rb'\1"\2"', body, count=1)
        if found:
            try:
                return etree.fromstring(mended, _PARSER), True
            except etree.LxmlError:
                pass
    raise EceUnreadable("an HTML page" if is_html(body) else "not well-formed XML")


def _refuse_declarations(body: bytes) -> None:
    """Refuse any DOCTYPE or entity before a parser sees it: libxml2 would expand some, drop others, and open files.

    Without its NULs, UTF-16 is ASCII here too; charsets in which ASCII could be spelt in another way are refused.
    """
    without_mark = body.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    without_mark = body.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    ascii_seen = without_mark.replace(b"\0", b"").lstrip(b" \t\r\n")
    if _DECLARATIONS.search(ascii_seen):
        raise EceUnreadable("an HTML page" if is_html(body) else "a DOCTYPE or entity declaration, which is refused")
    declared = ascii_seen.startswith(b"<?xml") and ascii_seen[5:6].isspace()
    if not ascii_seen.startswith(b"<") or (declared and not _XML_HEAD.match(ascii_seen)):
        raise EceUnreadable("not XML, or in a charset that is not read")


def _json_fields(body: bytes) -> _Fields:
    """Read a flat JSON object; numbers stay text, so that the same patterns judge them."""
    try:
        value = json.loads(
            body, object_pairs_hook=_no_name_twice, parse_int=str, parse_float=str, parse_constant=lambda _: None
        )
    except (ValueError, RecursionError):
        raise EceUnreadable("not JSON, or a name twice") from None
    if not isinstance(value, dict):
        raise EceUnreadable("JSON, but no object")
    return {name: _scalar(item) for name, item in value.items() if item is not None}


def _no_name_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name twice")
    return members


def _scalar(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None


def _start(body: bytes) -> bytes:
    return body[:64].replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe \t\r\n")


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _required(fields: _Fields, name: str) -> str:
    text = fields.get(name)
    if text is None:
        raise EceUnreadable(f"no {name}")
    return text


def _truth(fields: _Fields, name: str) -> bool:
    value = boolean(_required(fields, name))
    if value is None:
        raise EceUnreadable(f"{name} is neither true nor false")
    return value
