"""The other ways that a decision offers, as a page shows them and as the status lists them: kind, label, address."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from widget.domain.instead import Kind, Way, spoken, tel
from widget.settings import Settings
from widget.texts import SOURCE, marked

_LABELS = {
    Kind.PHONE: marked("Call us"),
    Kind.EMAIL: marked("Write us an e-mail"),
    Kind.ENTRY_POINT: marked("Chat with us"),
    Kind.MESSAGE: marked("Leave a message"),
}
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class OtherWay(NamedTuple):
    """One way as it is drawn. `number` is that of a phone, `spoken` the same digit by digit; else both are empty."""

    kind: str
    label: str
    href: str
    number: str = ""
    spoken: str = ""


def other_ways(
    ways: Iterable[Way],
    settings: Settings,
    *,
    entry_point: str,
    language: str,
    theme: str,
    say: Callable[[str], str],
) -> tuple[OtherWay, ...]:
    """Return the ways of an entry point in a language; `say` translates, `theme` may be empty."""
    made = []
    for way in ways:
        own = way.label
        if own is None and way.kind is Kind.ENTRY_POINT:
            own = settings.entry_points[way.value].label
        label = own.pick(language, SOURCE)[1] if own is not None else _usual_label(way, say)
        href = _href(way, settings.server.public_url, entry_point, {"locale": language, "theme": theme})
        number = way.value if way.kind is Kind.PHONE else ""
        made.append(OtherWay(way.kind.value, label, href, number, spoken(number)))
    return tuple(made)


def as_json(ways: Iterable[OtherWay]) -> str:
    """Return what the status has for `instead`, as text."""
    return _encode([{"kind": way.kind, "label": way.label, "href": way.href} for way in ways])


def _usual_label(way: Way, say: Callable[[str], str]) -> str:
    return urlsplit(way.value).netloc if way.kind is Kind.LINK else say(_LABELS[way.kind])


def _href(way: Way, public_url: str, entry_point: str, fields: Mapping[str, str]) -> str:
    query = urlencode({name: value for name, value in fields.items() if value})
    match way.kind:
        case Kind.PHONE:
            return tel(way.value)
        case Kind.EMAIL:
            return "mailto:" + quote(way.value, safe="@")  # RFC 6068, section 2
        case Kind.LINK:
            return way.value
        case Kind.ENTRY_POINT:
            return f"{public_url}/v1/chat/{way.value}?{query}"
        case Kind.MESSAGE:
            return f"{public_url}/message/{entry_point}?{query}"
