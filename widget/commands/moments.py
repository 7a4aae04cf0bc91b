"""A moment as an operator types it: a day, a day and a time, or how long ago. UTC where no offset is given."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click
from pydantic import TypeAdapter

from widget.settings.values import Duration

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_FORMS = '"2026-11-24", "2026-11-24T08:00", "2026-11-24T08:00+01:00", or how long ago, as "24h" or "30d"'


class _Time(click.ParamType[date]):
    name = "time"

    def __init__(self, *, last: bool = False) -> None:
        self._last = last


class Moment(_Time):
    """One moment. `last` makes a day alone mean its end, so that `--until` has the whole of that day."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return an aware moment; any other text is wrong usage."""
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        try:
            if re.match(r"\d{4}-", text):
                at = datetime.fromisoformat(text)
                at = at if at.tzinfo else at.replace(tzinfo=UTC)
                return at.astimezone(UTC) + timedelta(days=self._last and _DAY.fullmatch(text) is not None)
            return datetime.now(UTC) - timedelta(seconds=TypeAdapter(Duration).validate_python(text))
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time; write {_FORMS}", param, ctx)


class DayOrMoment(_Time):
    """A moment, or a day of whatever time zone it is used in; with `last` the day after it, as an end."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return a day where one is written, else an aware moment; any other text is wrong usage."""
        text = str(value).strip()
        if isinstance(value, date):
            return value
        if not _DAY.fullmatch(text):
            return Moment().convert(value, param, ctx)
        try:
            return date.fromisoformat(text) + timedelta(days=self._last)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time; write {_FORMS}", param, ctx)


def shown(time: date | None) -> str | None:
    """Return a day or a moment as JSON has it."""
    return None if time is None else time.isoformat()


since_option: Callable[[Any], Any] = click.option(
    "--since", type=Moment(), metavar="TIME", help='Accepted at or after this: a day, a time, or "30d" ago. UTC.'
)
until_option: Callable[[Any], Any] = click.option(
    "--until", type=Moment(last=True), metavar="TIME", help="Accepted before this; of a day, the end of it."
)
