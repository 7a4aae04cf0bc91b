"""A moment as an operator types it: a day, a day and a time, or how long ago. UTC where no offset is given."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from widget.settings.values import Duration

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_A_DAY = timedelta(days=1)
_FORMS = '"2026-11-24", "2026-11-24T08:00", "2026-11-24T08:00+01:00", or how long ago, as "24h" or "30d"'


def time(text: str) -> date:
    """Return a day, of whatever time zone it is used in, where one is written, else an aware moment."""
    try:
        return _read(text.strip())
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{text!r} is no time; write {_FORMS}") from None


def end(text: str) -> date:
    """Return the same as an end: of a day alone the day after it."""
    found = time(text)
    return found if isinstance(found, datetime) else min(found, date.max - _A_DAY) + _A_DAY


def moment(text: str) -> datetime:
    """Return an aware moment."""
    return as_moment(time(text))


def last_moment(text: str) -> datetime:
    """Return an aware moment, of a day alone its end, so that `--until` has the whole of that day."""
    return as_moment(end(text))


def as_moment(found: date) -> datetime:
    """Return a moment as it is, and a day's first one in UTC."""
    return found if isinstance(found, datetime) else datetime(found.year, found.month, found.day, tzinfo=UTC)


def seconds(text: str) -> float:
    """Return how many seconds a time has."""
    try:
        return TypeAdapter(Duration).validate_python(text)
    except ValidationError:
        raise click.BadParameter(f'{text!r} is no time above 0: seconds as a number, or "90s", "10m", "30d"') from None


def _read(text: str) -> date:
    if _DAY.fullmatch(text):
        return date.fromisoformat(text)
    if re.match(r"\d{4}-", text):
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return datetime.now(UTC) - timedelta(seconds=TypeAdapter(Duration).validate_python(text))


def shown(found: date | None) -> str | None:
    """Return a day or a moment as JSON has it."""
    return None if found is None else found.isoformat()


since_option: Callable[[Any], Any] = click.option(
    "--since", type=moment, metavar="TIME", help='Accepted at or after this: a day, a time, or "30d" ago. UTC.'
)
until_option: Callable[[Any], Any] = click.option(
    "--until", type=last_moment, metavar="TIME", help="Accepted before this; of a day, the end of it."
)
