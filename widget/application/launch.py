"""The address at which ECE opens a chat: the operator's template, filled for one visitor."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

from babel.core import get_global

from widget.settings import EntryPointSettings

DEFAULT_LOCALE = "en-US"
LONGEST_TAG = 35  # RFC 5646, section 4.4.1
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")


def ece_locale(asked: str | None, locales: Mapping[str, str], likely: Mapping[str, str]) -> str:
    """Give the locale that ECE's template gets for the page's language.

    The operator's table decides, the exact tag before its shorter forms ("de-AT", then "de"). A language that is not
    in it gets its usual country ("fr" → "fr-FR", by `likely`, CLDR's likely subtags), and what is no language gets
    en-US.
    """
    if asked is None or len(asked) > LONGEST_TAG or not _LANGUAGE_TAG.fullmatch(asked := asked.replace("_", "-")):
        asked = DEFAULT_LOCALE
    table = {tag.lower(): locale for tag, locale in locales.items()}
    parts = asked.lower().split("-")
    for end in range(len(parts), 0, -1):
        if (found := table.get("-".join(parts[:end]))) is not None:
            return found
    language = parts[0]
    if language not in likely:
        return DEFAULT_LOCALE
    usual = likely["_".join(parts[:2])] if "_".join(parts[:2]) in likely else likely[language]
    territory = next((part.upper() for part in parts[1:] if len(part) == 2), usual.rpartition("_")[2])
    return f"{language}-{territory}"


def chat_address(template: str, *, entry_point_id: int, locale: str, ticket: str) -> str:
    """Fill `chat_url`; every value is percent-encoded, so that none can change the address around it."""
    language, _, country = locale.partition("-")
    values = {
        "id": str(entry_point_id),
        "locale": locale,
        "language": language,
        "country": country,
        "ticket": ticket,
    }
    return template.format(**{name: quote(value, safe="") for name, value in values.items()})


class ChatAddresses:
    """Give the address of a chat for a visitor of an entry point, each with a launch ticket of its own.

    `ticket(entry_point, locale)` signs one.
    """

    def __init__(self, entry_points: Mapping[str, EntryPointSettings], ticket: Callable[[str, str], str]) -> None:
        self._entry_points = entry_points
        self._ticket = ticket
        self._likely: Mapping[str, str] = get_global("likely_subtags")

    def __call__(self, name: str, asked: str | None) -> str:
        """Fill the entry point's `chat_url`; `asked` is the page's language tag as it came."""
        entry_point = self._entry_points[name]
        locale = ece_locale(asked, entry_point.locales, self._likely)
        return chat_address(
            entry_point.chat_url,
            entry_point_id=entry_point.id,
            locale=locale,
            ticket=self._ticket(name, locale) if "{ticket}" in entry_point.chat_url else "",
        )
