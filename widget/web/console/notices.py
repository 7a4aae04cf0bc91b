"""What is switched by hand, in words: the notices over every page, and the texts that the forms have of it too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import tzinfo

from widget.application.switches import Switches
from widget.domain.hours import OpenRange
from widget.domain.survey import Translations
from widget.domain.switches import Closing
from widget.texts import SOURCE
from widget.texts import marked as _
from widget.web.console.rendering import Notice
from widget.web.console.wording import Wording


def notices(
    switches: Switches, entry_points: Iterable[str], zone: Callable[[str], tzinfo], wording: Wording
) -> Iterator[Notice]:
    """Yield what is switched by hand now, for every page; `zone` returns that of an entry point's hours."""
    if switches.away:
        text = wording.say(_("The database is away: what was switched last stands, and nothing can be switched."))
        yield Notice("warning", text, "", "")
    for name in entry_points:
        switch = switches.of(name)
        if switch.closing is not None and switch.closing.stands(wording.now):
            text = closing_text(name, switch.closing, wording)
            yield Notice("hand", text, f"/console/reopen/{name}", wording.say(_("Reopen")), name)
        today = wording.now.astimezone(zone(name)).date()
        if today in switch.days:
            text = wording.say(
                _("%(entry_point)s has other hours today: %(hours)s."),
                entry_point=name,
                hours=hours_text(switch.days[today], wording),
            )
            yield Notice("resting", text, f"/console/day/{name}", wording.say(_("Special day")), name)


def closing_text(entry_point: str, closing: Closing, wording: Wording) -> str:
    """Return who closed it, since when, until when, and what visitors read."""
    values = {"entry_point": entry_point, "by": closing.by, "since": wording.moment(closing.at)}
    if closing.until is None:
        text = wording.say(_("%(by)s closed %(entry_point)s at %(since)s, until it is reopened."), **values)
    else:
        until = wording.moment(closing.until)
        text = wording.say(_("%(by)s closed %(entry_point)s at %(since)s, until %(until)s."), **values, until=until)
    return text if closing.words is None else f"{text} {reason_text(closing.words, wording)}"


def reason_text(words: Translations, wording: Wording) -> str:
    """Return what visitors read of a closing."""
    return wording.say(_("Visitors read: “%(reason)s”"), reason=words.pick(wording.language, SOURCE)[1])


def hours_text(ranges: tuple[OpenRange, ...], wording: Wording) -> str:
    """Return the hours of one day."""
    return ", ".join(map(str, ranges)) if ranges else wording.say(_("closed all day"))
