"""Say things in the visitor's language: gettext catalogs, plural forms, and durations, days and times through CLDR.

Every text is written in English where it is used, in a template as `_("…")` or `ngettext("…", "…", n)`, and translated
in `locales/<language>/LC_MESSAGES/ece_widget.po`. The operator's themes folder may hold a `locales/` of its own, in the
same layout or as `locales/<language>.po`: a language we do not ship is added, a text we ship is replaced. The texts of
the console stand in catalogs of their own, `ece_widget_console.po`, in fewer languages.
"""

from __future__ import annotations

import os
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import cache, lru_cache
from gettext import c2py
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_time, format_timedelta, get_timezone_name
from babel.messages.pofile import PoFileError, read_po
from babel.numbers import format_decimal

from widget.domain.language import language_tag

SHIPPED = Path(__file__).resolve().parent / "locales"
SOURCE = "en"  # the language the texts are written in, and the one to fall back to

VISITORS, CONSOLE = "ece_widget", "ece_widget_console"  # the names of catalogs

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_SPELLINGS = {"iw": "he", "cmn": "zh", "nb": "no", "nn": "no"}  # older or narrower codes of the same language
_NEAREST = {"pt": "pt-BR", "zh": "zh-Hans"}
# CLDR's plain "en" is American; most sites that say no more than "en" are read world-wide, where 09:00 is clearer.
_CLDR = {"en": "en_GB"}
_TIME_PATTERNS = {"ko": "aaaa h:mm"}  # the short form has AM and PM in Latin letters
_MOST_MINUTES = 30
_NOWHERE = "ZZ"  # what CLDR has in place of a country


def marked(text: str) -> str:
    """Mark a text for the catalogs where it is written; it is translated where it is shown."""
    return text


Messages = Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Language:
    """One language as its catalog gives it; `plural` chooses among its `forms` for a number."""

    tag: str
    locale: Locale
    messages: Messages
    forms: int
    plural: Callable[[int], int]


class TextFault(NamedTuple):
    """A catalog of the operator's that cannot be used, and why."""

    file: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"


class Texts:
    """All languages. Every method is a function of its arguments.

    A shipped catalog is parsed when its language is first asked for, which takes 2 ms: fifteen of them at once would be
    a twentieth of a start. The operator's are parsed by `load`, since what is wrong with them is told at the start.
    """

    def __init__(
        self, shipped: Mapping[str, bytes], changed: Mapping[str, Language], faults: tuple[TextFault, ...] = ()
    ) -> None:
        self._shipped = shipped
        self._languages = dict(changed)
        self.languages = tuple(sorted(shipped.keys() | changed.keys(), key=lambda tag: (tag != SOURCE, tag)))
        self._folded = {tag.lower(): tag for tag in self.languages}
        self.faults = faults
        self.digest = _digest(shipped, changed)  # of all texts; alike wherever they are
        self._band = cache(self._write_band)  # by language and minutes

    @classmethod
    def load(cls, directory: Path | None = None, *, catalog: str = VISITORS) -> Texts:
        """Read the shipped catalogs and then the operator's, `<directory>/locales`, over them."""
        shipped = {tag: file.read_bytes() for tag, file in _catalogs(SHIPPED, catalog)}
        if SOURCE not in shipped:
            raise FileNotFoundError("locales/ is missing from this installation; install ece-widget again")
        if directory is None:
            return cls(shipped, {})
        folder = directory / "locales"
        try:
            catalogs = list(_catalogs(folder, catalog))
        except OSError as error:
            return cls(shipped, {}, (TextFault(str(folder), f"cannot be read: {error.strerror}"),))
        changed: dict[str, Language] = {}
        faults: list[TextFault] = []
        for tag, file in catalogs:
            try:
                known = changed.get(tag)
                if known is None and tag in shipped:
                    known, _ = _read(tag, shipped[tag], known=None)
                changed[tag], problems = _read(tag, file.read_bytes(), known=known)
                faults += [TextFault(str(file), problem) for problem in problems]
            except (OSError, ValueError, LookupError, UnknownLocaleError, PoFileError) as error:
                faults.append(TextFault(str(file), f"cannot be used: {error}"))
        return cls(shipped, changed, tuple(faults))

    def language(self, tag: str) -> Language:
        """Return one of `languages`."""
        if tag not in self._languages:
            self._languages[tag], _ = _read(tag, self._shipped[tag], known=None)
        return self._languages[tag]

    def warm_up(self) -> None:
        """Parse every catalog and have Babel read its locale data: 5 ms for each language. Call it in a thread."""
        moment = datetime(2026, 1, 5, 9, tzinfo=ZoneInfo("Europe/Berlin"))
        for tag in self.languages:
            self.wait(tag, 240)
            self.opening(tag, moment, zone=ZoneInfo("Europe/Berlin"), now=moment)

    def negotiate(self, tag: str | None) -> str:
        """Return the best language we have for a language tag; odd, long and unknown ones get English."""
        known = language_tag(tag)
        if known is None:
            return SOURCE
        parts = known.lower().split("-")
        parts[0] = _SPELLINGS.get(parts[0], parts[0])
        while parts:
            wanted = "-".join(parts)
            found = self._folded.get(wanted) or self._folded.get(_NEAREST.get(wanted, "").lower())
            if found:
                return found
            parts.pop()
        return SOURCE

    def name(self, language: str) -> str:
        """Return the language's own name, as in a list to choose from."""
        return Locale.parse(language, sep="-").get_display_name() or language

    def gettext(self, language: str, message: str) -> str:
        translated = self.language(language).messages.get(message)
        return translated if isinstance(translated, str) and translated else message

    def ngettext(self, language: str, singular: str, plural: str, number: int) -> str:
        known = self.language(language)
        forms = known.messages.get(singular)
        if isinstance(forms, tuple):
            form = forms[min(known.plural(number), len(forms) - 1)]
            if form:
                return form
        return singular if number == 1 else plural

    def number(self, language: str, value: int) -> str:
        """Return a number as the language writes it."""
        return _decimal(value, self.language(language).locale)

    def wait(self, language: str, seconds: int | None) -> str:
        """Return the band of a wait, rounded up to the minute; the empty text when ECE did not say."""
        if seconds is None:
            return ""
        return self._band(language, 0 if seconds < 60 else min(-(-seconds // 60), _MOST_MINUTES + 1))

    def _write_band(self, language: str, minutes: int) -> str:
        if minutes == 0:
            return self.gettext(language, marked("less than a minute"))
        text = marked("about %(duration)s") if minutes <= _MOST_MINUTES else marked("more than %(duration)s")
        duration = format_timedelta(
            timedelta(minutes=min(minutes, _MOST_MINUTES)),
            granularity="minute",
            threshold=_MOST_MINUTES * 2,  # minutes stay minutes
            locale=self.language(language).locale,
        )
        return self.gettext(language, text) % {"duration": duration}

    def place(self, language: str, position: int | None) -> str:
        """Return the place in the queue; the empty text when ECE did not say."""
        if position is None:
            return ""
        text = self.gettext(language, "You would be number %(position)s")
        return text % {"position": self.number(language, position)}

    def opening(self, language: str, moment: datetime | None, *, zone: tzinfo, now: datetime) -> str:
        """Return when chat opens, in the entry point's time zone: the day of the week, with its date if a week away."""
        if moment is None:
            return ""
        local, today = moment.astimezone(zone), now.astimezone(zone)
        locale = self.language(language).locale
        near = local.date() - today.date() <= timedelta(days=6)
        values = {
            "day": format_date(local, "EEEE" if near else "full", locale=locale),
            "time": _unbroken(format_time(local, _TIME_PATTERNS.get(locale.language, "short"), locale=locale)),
        }
        return self.gettext(language, "Opens %(day)s at %(time)s.") % values

    def zone(self, language: str, zone: tzinfo) -> str:
        """Return the time zone's name in words, as "Central European Time", or its offset if it has none."""
        place = get_global("zone_territories").get(get_timezone_name(zone, return_zone=True), _NOWHERE)
        # CLDR names a zone without a place by its standard time or its offset, and these are asked for with a moment.
        named = datetime.now(zone) if place == _NOWHERE else zone
        return get_timezone_name(named, locale=self.language(language).locale)


def _digest(shipped: Mapping[str, bytes], changed: Mapping[str, Language]) -> bytes:
    digest = blake2b()
    for tag, source in sorted(shipped.items()):
        digest.update(repr((tag, source)).encode())
    for tag, language in sorted(changed.items()):
        digest.update(repr((tag, sorted(language.messages.items()))).encode())
    return digest.digest()


@lru_cache(maxsize=1024)  # the numbers of visitors are small ones, and CLDR's patterns take their time
def _decimal(value: int, locale: Locale) -> str:
    return format_decimal(value, locale=locale)


def _unbroken(text: str) -> str:
    """Keep "9:00" and "am" on one line."""
    return text.replace(" ", "\u00a0")


def _catalogs(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """Yield the catalogs of a folder in either layout, with the language each is for; visitors' alone may lie flat."""
    if not os.path.isdir(folder):
        return
    for entry in sorted(folder.iterdir()):
        if entry.suffix == ".po" and entry.is_file():
            if name == VISITORS:
                yield _tag(entry.stem), entry
        elif (file := entry / "LC_MESSAGES" / f"{name}.po").is_file():
            yield _tag(entry.name), file


def _tag(name: str) -> str:
    """Spell a language as BCP 47 does: "pt_br" → "pt-BR", "zh-hans" → "zh-Hans"."""
    first, *rest = name.replace("_", "-").split("-")
    return "-".join([first.lower(), *(part.title() if len(part) == 4 else part.upper() for part in rest)])


@lru_cache(maxsize=64)  # a reload of the settings finds the same catalogs: 30 ms
def _read(tag: str, source: bytes, *, known: Language | None) -> tuple[Language, tuple[str, ...]]:
    """Read one catalog over the `known` messages of its language; also return what is wrong with texts left out."""
    if language_tag(tag) is None:
        raise ValueError(f"{tag!r} is no language tag, as de or pt-BR")
    locale = Locale.parse(_CLDR.get(tag, tag.replace("-", "_")))
    source = source.removeprefix(BOM_UTF8)
    catalog = read_po(BytesIO(source), locale=str(locale), abort_invalid=True)
    forms = known.forms if known else catalog.num_plurals
    if catalog.num_plurals != forms and b"Plural-Forms" in source:  # a file of one sentence needs no header
        raise ValueError(f"its Plural-Forms say nplurals={catalog.num_plurals}; the shipped catalog has {forms}")
    messages: dict[str, str | tuple[str, ...]] = dict(known.messages) if known else {}
    problems: list[str] = []
    for message in catalog:
        ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
        given = message.string if isinstance(message.string, tuple | list) else (message.string,)
        strings = tuple(each for each in given if each)
        if not ids[0] or message.fuzzy or len(strings) < len(given):
            continue
        problem = _misfit(ids, strings, forms)
        if problem:
            problems.append(f"the text {ids[0]!r} {problem}")
        else:
            messages[ids[0]] = strings if len(ids) > 1 else strings[0]
    return Language(tag, locale, messages, forms, known.plural if known else c2py(catalog.plural_expr)), tuple(problems)


def _misfit(ids: Sequence[str], strings: Sequence[str], forms: int) -> str:
    """Return why a translation cannot stand in for its text: it would fail when a page is made."""
    if len(ids) > 1 and len(strings) != forms:
        return f"has {len(strings)} forms; the language has {forms}"
    known = {name for each in ids for name in _PLACEHOLDER.findall(each)}
    for each in strings:
        unknown = sorted(set(_PLACEHOLDER.findall(each)) - known)
        if unknown:
            return f"has the placeholder {unknown[0]!r}; known are {', '.join(sorted(known)) or 'none'}"
        if known and "%" in _PLACEHOLDER.sub("", each).replace("%%", ""):
            return "has a single %; write %%"
    return ""
