"""Check a survey that was sent, as strictly as an ECE could, and describe what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from widget.simulator.wire import BINDINGS

LARGEST_BODY = 512 * 1024
LONGEST_SID = 256


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a survey says, and a sentence for each fault: none for one that an ECE accepts."""

    sid: str | None = None
    namespace: str | None = None
    pairs: tuple[tuple[str, str], ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def form(self) -> str:
        return "namespace" if self.namespace else "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedSurvey(Judgement):
    """One POST as it was received."""

    at: datetime
    path: str
    content_type: str
    raw: bytes

    @property
    def accepted(self) -> bool:
        return not self.faults


def judge(body: bytes, content_type: str) -> Judgement:
    """Return a survey read from XML, with a sentence for every fault."""
    faults = list(_content_type_faults(content_type))
    if len(body) > LARGEST_BODY:
        return Judgement(faults=(*faults, f"The body is larger than {LARGEST_BODY} bytes."))
    if not body:
        return Judgement(faults=(*faults, "The body is empty."))
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        return Judgement(faults=(*faults, "The body has a DOCTYPE or an entity; a survey has neither."))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        return Judgement(faults=(*faults, f"The body is not well-formed XML: {error.msg}."))
    if root.getroottree().docinfo.encoding not in ("UTF-8", "utf-8", "US-ASCII", None):
        faults.append("The XML is not in UTF-8.")
    namespace, name = _name(root)
    if name != "egainSurvey":
        faults.append(f"The root is <{name}>, not <egainSurvey>.")
    if namespace not in (None, BINDINGS):
        faults.append(f"The root's namespace is {namespace}, not {BINDINGS} or none.")
    faults += _sid_faults(root.get("sid"))
    if other := sorted(set(root.keys()) - {"sid"}):
        faults.append(f"The root has attributes that ECE does not know: {', '.join(other)}.")
    pairs, pair_faults = _pairs(root, namespace)
    return Judgement(root.get("sid"), namespace, pairs, (*faults, *pair_faults))


def _content_type_faults(content_type: str) -> list[str]:
    kind, _, parameters = content_type.partition(";")
    if kind.strip().lower() not in ("text/xml", "application/xml"):
        return [f"The content type is “{content_type}”, not text/xml."]
    charset = parameters.partition("=")[2].strip().strip('"').lower()
    return [] if charset in ("", "utf-8") else [f"The charset is {charset}, not utf-8."]


def _sid_faults(sid: str | None) -> list[str]:
    if sid is None:
        return ["The root has no sid."]
    if not sid:
        return ["The sid is empty."]
    if len(sid) > LONGEST_SID or not sid.isprintable():
        return [f"The sid is not at most {LONGEST_SID} printable characters."]
    return []


def _pairs(root: etree._Element, namespace: str | None) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    pairs: list[tuple[str, str]] = []
    faults: list[str] = []
    for place, survey in enumerate(root.iterchildren(etree.Element), 1):
        if _name(survey) != (namespace, "survey"):
            faults.append(f"Child {place} of the root is <{_name(survey)[1]}>, not <survey> of the root's namespace.")
            continue
        children = list(survey.iterchildren(etree.Element))
        if [_name(child) for child in children] != [(namespace, "question"), (namespace, "answer")]:
            faults.append(f"Survey {place} is not one <question> followed by one <answer>.")
            continue
        question, answer = ("".join(str(part) for part in child.itertext()) for child in children)
        if not question.strip():
            faults.append(f"Question {place} is empty.")
        if not answer.strip():
            faults.append(f"Answer {place} is empty.")
        if answer in ("undefined", "null", "None", "NaN"):
            faults.append(f"Answer {place} is the word “{answer}”, which no visitor chose.")
        pairs.append((question, answer))
    if not pairs and not faults:
        faults.append("There is no <survey> in it.")
    return tuple(pairs), faults


def _name(element: etree._Element) -> tuple[str | None, str]:
    name = etree.QName(element)
    return name.namespace, name.localname
