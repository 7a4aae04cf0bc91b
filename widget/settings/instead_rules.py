"""The rules for `instead`, the other ways of an entry point, looked at even when single values are wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from widget.domain.contact import is_email
from widget.domain.instead import Kind
from widget.settings.addresses import is_origin
from widget.settings.faults import Fault, shown
from widget.settings.raw import listed, table_at

_PHONE = re.compile(r"\+?[0-9 ()/.-]+")
_ALLOWED = {
    Kind.PHONE: 'a phone number of 3 to 15 digits, as "+49 30 1234567": digits, blanks, + in front, and ( ) / . -',
    Kind.EMAIL: 'one e-mail address, as "office@example.com"',
    Kind.LINK: 'an https address, as "https://www.example.com/help"',
    Kind.MESSAGE: "a message takes no value; it leads to the form of [messages]",
}


def instead_faults(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Name every other way that leads nowhere; `raw` is the whole table as read from TOML."""
    entry_points = table_at(raw, "entry_points")
    for name in entry_points:
        for place, way in enumerate(_ways(entry_points, name)):
            key = f"entry_points.{name}.instead.{place}"
            kind, value = way.get("kind"), way.get("value", "")
            if kind == Kind.MESSAGE and "messages" not in raw:
                words = "needs the section [messages], which says where messages go"
                yield Fault(f"{key}.kind", shown(kind), words)
            if not isinstance(value, str) or kind not in tuple(Kind):
                continue  # told already, as a fault of the value itself
            if kind == Kind.ENTRY_POINT:
                yield from _entry_point(f"{key}.value", name, value, entry_points)
            elif not _is_right(Kind(kind), value):
                yield Fault(f"{key}.value", shown(value), _ALLOWED[Kind(kind)])


def _is_right(kind: Kind, value: str) -> bool:
    match kind:
        case Kind.PHONE:
            digits = len(re.sub(r"[^0-9]", "", value))
            # Of +49 (0)30 nobody can tell by machine whether the 0 is dialled.
            return _PHONE.fullmatch(value) is not None and 3 <= digits <= 15 and "(0)" not in value
        case Kind.EMAIL:
            return is_email(value)
        case Kind.LINK:
            return _is_https(value)
        case _:
            return not value


def _is_https(value: str) -> bool:
    plain = value.isascii() and value.isprintable() and not set(value) & set(' "<>\\^`{|}')
    try:
        parts = urlsplit(value)
        return plain and parts.scheme == "https" and is_origin(f"https://{parts.netloc}")
    except ValueError:
        return False


def _entry_point(key: str, name: str, value: str, entry_points: Mapping[str, Any]) -> Iterator[Fault]:
    if value == name:
        yield Fault(key, shown(value), "another entry point; this one names itself")
    elif value not in entry_points:
        others = ", ".join(sorted(set(entry_points) - {name}))
        yield Fault(key, shown(value), f"the name of an entry point ({others or 'none is there'})")
    elif circle := _way_back(value, name, entry_points):
        words = f"leads back to itself: {' → '.join([name, *circle])}; leave one of these out"
        yield Fault(key, shown(value), words)


def _way_back(start: str, wanted: str, entry_points: Mapping[str, Any]) -> list[str]:
    """Return the shortest way from one entry point to another, both included; empty where there is none."""
    ways, seen = [[start]], {start}
    for way in ways:  # grows while it is read
        for following in _named_by(entry_points, way[-1]):
            if following == wanted:
                return [*way, following]
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return []


def _named_by(entry_points: Mapping[str, Any], name: str) -> list[str]:
    return [str(way.get("value")) for way in _ways(entry_points, name) if way.get("kind") == Kind.ENTRY_POINT]


def _ways(entry_points: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [way if isinstance(way, dict) else {} for way in listed(table_at(entry_points, name).get("instead"))]
