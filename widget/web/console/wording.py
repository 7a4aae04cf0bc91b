"""Moments, durations and states as a person on duty reads them, in one language and one time zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal, NamedTuple

from babel import Locale
from babel.dates import format_date, format_skeleton, format_timedelta
from babel.numbers import format_decimal, format_percent, get_decimal_symbol

from widget.texts import Texts
from widget.texts import marked as _

_Unit = Literal["day", "hour", "minute", "second"]
_UNITS: tuple[tuple[_Unit, int], ...] = (
    ("day", 86400),
    ("hour", 3600),
    ("minute", 60),
    ("second", 1),
)


class Wording(NamedTuple):
    """`zone` is that of every moment on the page; `now` the moment of the page."""

    texts: Texts
    language: str
    zone: tzinfo
    now: datetime

    def say(self, text: str, **values: object) -> str:
        """Return a text of the catalogs with its values."""
        said = self.texts.gettext(self.language, text)
        return said % values if values else said

    def time(self, moment: datetime, *, seconds: bool = False) -> str:
        """Return the time of day."""
        skeleton = "Hms" if seconds else "Hm"
        return format_skeleton(skeleton, moment.astimezone(self.zone), tzinfo=self.zone, locale=self._locale)

    def day(self, day: date) -> str:
        """Return a day with the name of its weekday, and with its year unless that is this one."""
        this_year = day.year == self.now.astimezone(self.zone).year
        return format_skeleton("MMMEd" if this_year else "yMMMEd", day, locale=self._locale)

    def weekday(self, day: date) -> str:
        """Return the short name of a day of the week."""
        return format_date(day, "EEE", locale=self._locale)

    def hour(self, moment: datetime) -> str:
        """Return the hour of a moment as two digits."""
        return f"{moment.astimezone(self.zone):%H}"

    def moment(self, moment: datetime | None, *, seconds: bool = False) -> str:
        """Return the time of a moment, with its day unless that is today."""
        if moment is None:
            return ""
        local = moment.astimezone(self.zone)
        time = self.time(moment, seconds=seconds)
        if local.date() == self.now.astimezone(self.zone).date():
            return time
        return f"{self.day(local.date())}, {time}"

    def duration(self, seconds: float) -> str:
        """Return a duration in its two largest units, as "4m 20s"."""
        left, parts = max(0, round(seconds)), []
        for name, unit in _UNITS:
            count, left = divmod(left, unit)
            parts.append((name, count * unit))
        first = next((at for at, (_name, length) in enumerate(parts) if length), len(parts) - 1)
        shown = [part for part in parts[first : first + 2] if part[1]] or [parts[-1]]
        return " ".join(_unit(name, length, self._locale) for name, length in shown)

    def queue(self, wait_time: int | None, queue_depth: int | None) -> str:
        """Return ECE's numbers of a moment; empty where it gave none."""
        wait = "" if wait_time is None else self.say(_("wait %(wait)s"), wait=self.duration(wait_time))
        depth = "" if queue_depth is None else self.say(_("%(number)s waiting"), number=self.number(queue_depth))
        return ", ".join(filter(None, (wait, depth)))

    def milliseconds(self, seconds: float) -> str:
        return f"{self.number(round(seconds * 1000))} ms"

    def decimal(self, value: float) -> str:
        """Return a number with one digit behind the point, where it is not 0."""
        return format_decimal(round(value, 1), format="#,##0.#", locale=self._locale)

    def percent(self, share: float) -> str:
        return format_percent(share, locale=self._locale)

    def number(self, value: int) -> str:
        return self.texts.number(self.language, value)

    @property
    def decimal_mark(self) -> str:
        """What stands between the whole and the parts of a number."""
        return get_decimal_symbol(self._locale)

    @property
    def mirrored(self) -> bool:
        """Return whether the language is written from the right."""
        return self.texts.language(self.language).locale.text_direction == "rtl"

    @property
    def zone_name(self) -> str:
        return self.name_of(self.zone)

    def name_of(self, zone: tzinfo) -> str:
        """Return the time zone's name in words."""
        return self.texts.zone(self.language, zone)

    @property
    def _locale(self) -> Locale:
        return self.texts.language(self.language).locale


@lru_cache(maxsize=1024)  # a page has hundreds of durations, and CLDR's patterns take their time
def _unit(name: _Unit, seconds: int, locale: Locale) -> str:
    return format_timedelta(
        timedelta(seconds=seconds), granularity=name, threshold=100_000, format="narrow", locale=locale
    )
