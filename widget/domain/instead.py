"""Other ways when chat cannot be had: which are offered for a reason, at a moment (public contract, 3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from widget.domain import hours as business_hours
from widget.domain.hours import Hours
from widget.domain.readings import Reason
from widget.domain.survey import Translations


class Kind(StrEnum):
    PHONE = "phone"
    EMAIL = "email"
    LINK = "link"
    ENTRY_POINT = "entry_point"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Way:
    """One other way. `value` is a phone number, an address or an entry point's name, empty for a message.

    Without `reasons` it is offered for every reason, without `hours` at any time.
    """

    kind: Kind
    value: str = ""
    label: Translations | None = None
    reasons: frozenset[Reason] = frozenset()
    hours: Hours | None = None


def fitting(ways: Iterable[Way], reason: Reason | None, now: datetime) -> tuple[Way, ...]:
    """Return the ways for this reason that are within their hours, in the operator's order."""
    return tuple(
        way
        for way in ways
        if (not way.reasons or reason in way.reasons) and (way.hours is None or business_hours.is_open(way.hours, now))
    )


def entry_points(ways: Iterable[Way]) -> tuple[str, ...]:
    """Return the names of the entry points among the ways."""
    return tuple(way.value for way in ways if way.kind is Kind.ENTRY_POINT)


def offered(
    ways: Iterable[Way], reason: Reason | None, now: datetime, *, is_open: Callable[[str], bool]
) -> tuple[Way, ...]:
    """Return the ways that fit, without the entry points that are not open now."""
    return tuple(way for way in fitting(ways, reason, now) if way.kind is not Kind.ENTRY_POINT or is_open(way.value))


def tel(number: str) -> str:
    """Return a phone number as a link has it (RFC 3966), without what only helps the eye."""
    return "tel:" + re.sub(r"[^+0-9]", "", number)


def spoken(number: str) -> str:
    """Return a phone number digit by digit, with a pause between its groups, so that it is not read as a quantity."""
    return ", ".join(" ".join(group) for group in re.findall(r"\+?[0-9]+", number))
