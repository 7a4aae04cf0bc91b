"""The address at which ECE opens a chat: the operator's template, filled for one visitor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from babel.core import Locale, UnknownLocaleError, get_global

DEFAULT_LOCALE = "en-US"
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")


def ece_locale(asked: str | None, locales: Mapping[str, str]) -> str:
    """Give the locale that ECE's template gets for the page's language.

    The operator's table decides, the exact tag before its shorter forms ("de-AT", then "de"). A language that is not
    in it gets its usual country by CLDR ("fr" → "fr-FR"), and what is no language tag gets en-US.
    """
    if asked is None or len(asked) > 35 or not _LANGUAGE_TAG.fullmatch(asked := asked.replace("_", "-")):
        asked = DEFAULT_LOCALE
    table = {tag.lower(): locale for tag, locale in locales.items()}
    parts = asked.lower().split("-")
    for end in range(len(parts), 0, -1):
        if (found := table.get("-".join(parts[:end]))) is not None:
            return found
    try:
        known = Locale.parse(asked, sep="-")
    except (UnknownLocaleError, ValueError):
        return DEFAULT_LOCALE
    territory = known.territory or str(get_global("likely_subtags").get(known.language, "")).rpartition("_")[2]
    return f"{known.language}-{territory}" if territory else DEFAULT_LOCALE


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
