"""What people on duty switch by hand: an entry point closed now, and days with hours of their own.

Every act is an entry of a log that is only added to. What is in force follows from the log alone: of the entries about
one thing (an entry point's closing, or one of its days) the last one counts, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from widget.domain.hours import DAY, Hours, OpenRange
from widget.domain.language import language_tag
from widget.domain.survey import Translations
from widget.domain.text import clean

LONGEST_WORDS = 300  # characters of a reason for visitors, in each language
MOST_LANGUAGES = 50
LONGEST_NAME = 200  # of the person who switched
LONGEST_CLOSING = timedelta(days=366)
FARTHEST_DAY = timedelta(days=400)  # ahead; no farther does anybody look for an opening
MOST_RANGES = 10  # on one day
_ALWAYS = Hours(UTC, ((OpenRange(0, DAY),),) * 7)


class NotAllowed(ValueError):
    """What was asked for is refused. `field` is `entry_point`, `words`, `until`, `day`, `ranges` or `by`."""

    def __init__(self, field: str, sentence: str) -> None:
        self.field = field
        super().__init__(sentence)


class Act(StrEnum):
    CLOSE = "close"
    REOPEN = "reopen"
    SET_DAY = "set_day"
    CLEAR_DAY = "clear_day"


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `id` rises with every entry of the fleet and is 0 before it is kept; times are aware, UTC.

    `until` and `words` (the reason for visitors) belong to `CLOSE` and may be None; `day` to the two acts about days;
    `ranges` to `SET_DAY`, where none mean closed all day.
    """

    entry_point: str
    act: Act
    by: str
    at: datetime
    until: datetime | None = None
    words: Translations | None = None
    day: date | None = None
    ranges: tuple[OpenRange, ...] = ()
    id: int = 0


class Closing(NamedTuple):
    """An entry point closed by hand: by whom and when, until a moment or (None) until it is reopened."""

    by: str
    at: datetime
    until: datetime | None = None
    words: Translations | None = None

    def stands(self, now: datetime) -> bool:
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Switch:
    """What is in force for one entry point. A closing whose time is over stays in here until it is reopened."""

    closing: Closing | None = None
    days: Mapping[date, tuple[OpenRange, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def hours(self, written: Hours | None) -> Hours | None:
        """Return the hours of the settings with the days that were set by hand; without hours it is always open."""
        if not self.days:
            return written
        hours = written or _ALWAYS
        return replace(hours, special=MappingProxyType({**hours.special, **self.days}))


NOTHING_SWITCHED = Switch()


def in_force(log: Iterable[Entry]) -> dict[str, Switch]:
    """Return what is in force by entry point; of entries about the same thing the one with the highest id counts."""
    closings: dict[str, Closing | None] = {}
    days: dict[str, dict[date, tuple[OpenRange, ...]]] = {}
    for each in sorted(log, key=lambda entry: entry.id):
        match each.act:
            case Act.CLOSE:
                closings[each.entry_point] = Closing(each.by, each.at, each.until, each.words)
            case Act.REOPEN:
                closings[each.entry_point] = None
            case Act.SET_DAY if each.day is not None:
                days.setdefault(each.entry_point, {})[each.day] = each.ranges
            case Act.CLEAR_DAY if each.day is not None:
                days.setdefault(each.entry_point, {}).pop(each.day, None)
    names = closings.keys() | days.keys()
    return {name: Switch(closings.get(name), MappingProxyType(days.get(name, {}))) for name in names}


def checked(entry: Entry) -> Entry:
    """Return the entry with its texts cleaned. Raise NotAllowed for what must not be kept; `entry.at` is now."""
    by = clean(entry.by).strip()
    if not 0 < len(by) <= LONGEST_NAME or not by.isprintable():
        raise NotAllowed("by", f"Who switches has a name of 1 to {LONGEST_NAME} printable characters.")
    if entry.until is not None and not entry.at < entry.until <= entry.at + LONGEST_CLOSING:
        raise NotAllowed("until", f"The end of a closing lies ahead, by {LONGEST_CLOSING.days} days at most.")
    if entry.day and not -timedelta(days=2) < datetime.combine(entry.day, time.min, UTC) - entry.at < FARTHEST_DAY:
        raise NotAllowed("day", f"The day is today or later, by {FARTHEST_DAY.days} days at most.")
    if len(entry.ranges) > MOST_RANGES:
        raise NotAllowed("ranges", f"A day has at most {MOST_RANGES} ranges.")
    return replace(entry, by=by, words=_checked_words(entry.words))


def _checked_words(words: Translations | None) -> Translations | None:
    if words is None:
        return None
    texts: dict[str, str] = {}
    for tag, text in words.by_language.items():
        known = "" if tag == "" else language_tag(tag)
        if known is None:
            raise NotAllowed("words", 'A reason is for a language, as "de" or "pt-BR".')
        said = " ".join(clean(text).split())
        if len(said) > LONGEST_WORDS:
            raise NotAllowed("words", f"A reason for visitors has at most {LONGEST_WORDS} characters.")
        if said:
            texts[known] = said
    if len(texts) > MOST_LANGUAGES:
        raise NotAllowed("words", f"A reason is written in at most {MOST_LANGUAGES} languages.")
    return Translations(MappingProxyType(texts)) if texts else None
