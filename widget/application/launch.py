"""The address at which ECE opens a chat: the operator's template, filled for one visitor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from babel.core import get_global

from widget.domain.language import language_tag
from widget.settings import EntryPointSettings

DEFAULT_LOCALE = "en-US"
_WSNAME = "wsname={origin}"


def ece_locale(asked: str | None, locales: Mapping[str, str], likely: Mapping[str, str]) -> str:
    """Return the locale that ECE's template gets for the page's language.

    The operator's table decides, the exact tag before its shorter forms ("de-AT", then "de"). A language that is not
    in it gets its usual country ("fr" → "fr-FR", by `likely`, CLDR's likely subtags), and what is no language gets
    en-US.
    """
    asked = language_tag(asked) or DEFAULT_LOCALE
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


def chat_address(template: str, *, entry_point_id: int, locale: str, ticket: str, origin: str) -> str:
    """Fill `chat_url`; every value is percent-encoded, so that none can change the address around it.

    The origin alone is written as it is behind `wsname=`, where ECE's chat page decodes nothing. It is one of the
    settings' own, which have no character that could end a parameter.
    """
    language, _, country = locale.partition("-")
    values = {
        "id": str(entry_point_id),
        "locale": locale,
        "language": language,
        "country": country,
        "ticket": ticket,
        "origin": origin,
    }
    template = template.replace(_WSNAME, f"wsname={origin}")
    return template.format(**{name: quote(value, safe="") for name, value in values.items()})


class ChatAddresses:
    """Return the address of a chat for a visitor of an entry point, each with a launch ticket of its own.

    `origins` are the sites that the settings list by name; `ticket(entry_point, locale)` signs a ticket.
    """

    def __init__(
        self,
        entry_points: Mapping[str, EntryPointSettings],
        ticket: Callable[[str, str], str],
        *,
        origins: Sequence[str] = (),
    ) -> None:
        self._entry_points = entry_points
        self._ticket = ticket
        self._origins = tuple(each for each in origins if each != "*")
        self._likely: Mapping[str, str] = get_global("likely_subtags")

    def __call__(self, name: str, asked: str | None, origin: str | None = None) -> str:
        """Fill the entry point's `chat_url`; `asked` and `origin` are the page's language tag and origin as they came.

        An origin that the settings do not list becomes the first that they do, as for a click without script.
        """
        entry_point = self._entry_points[name]
        locale = ece_locale(asked, entry_point.locales, self._likely)
        return chat_address(
            entry_point.chat_url,
            entry_point_id=entry_point.id,
            locale=locale,
            origin=origin if origin in self._origins else next(iter(self._origins), ""),
            ticket=self._ticket(name, locale) if "{ticket}" in entry_point.chat_url else "",
        )
