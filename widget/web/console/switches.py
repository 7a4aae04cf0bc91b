"""Close an entry point now, reopen it, give a day hours of its own: a page that asks first, and the form it sends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from widget.application.switches import Switches
from widget.domain.hours import OpenRange, read_range
from widget.domain.switches import LONGEST_WORDS, NotAllowed
from widget.settings import EntryPointSettings
from widget.texts import marked as _
from widget.web.console.notices import closing_text, hours_text
from widget.web.console.sign_in import HOME, Page, SignIn, Visit, see
from widget.web.console.wording import Wording
from widget.web.edge.errors import unknown_entry_point

# A reason of 5,000 characters, each up to twelve bytes in a form, is still read, so that the page can say what is so.
LONGEST_FORM = 65_536  # bytes
_MINUTES = {"30": 30, "60": 60, "120": 120, "240": 240}
# What the rules refuse, by the field at fault.
_FAULTS = {
    "words": _("A reason has at most %(most)s characters in each language."),
    "until": _("Choose a moment that lies ahead, a year at most."),
    "day": _("Choose today or a later day, 400 days ahead at most."),
    "ranges": _("Write times as 09:00-12:00, 13:00-18:00, or nothing to close all day."),
    "by": _("Your name cannot be kept; sign in with another one."),
    "entry_point": _("There is no entry point of this name."),
}


Answer = Callable[[Visit, str], Awaitable[Response]]  # to a visit, about the entry point of its address


class ReasonField(NamedTuple):
    """The field for a reason in one language; `language` is empty for the text of all that have none of their own."""

    language: str
    name: str
    text: str


class SetDay(NamedTuple):
    """A day that was set by hand: as ISO 8601, in words, and its hours."""

    day: str
    name: str
    hours: str


class SwitchPages:
    """The forms, by the same code as everything else that switches (`application/switches.py`).

    `languages` are those of visitors' pages, by tag and name; `zone` returns that of an entry point's hours.
    """

    def __init__(
        self,
        sign_in: SignIn,
        switches: Switches,
        entry_points: Mapping[str, EntryPointSettings],
        languages: Mapping[str, str],
        zone: Callable[[str], tzinfo],
    ) -> None:
        self._sign_in, self._switches = sign_in, switches
        self._entry_points, self._languages, self._zone = entry_points, languages, zone

    def routes(self) -> list[Route]:
        def of_known(answer: Answer) -> Page:
            async def page(visit: Visit) -> Response:
                name: str = visit.request.path_params["entry_point"]
                if name not in self._entry_points:
                    raise unknown_entry_point()
                return await answer(visit, name)

            return page

        def both(path: str, ask: Answer, do: Answer) -> list[Route]:
            return [
                Route(path, self._sign_in.page(of_known(ask), "now"), methods=["GET"]),
                Route(path, self._sign_in.form(of_known(do), "now", longest=LONGEST_FORM), methods=["POST"]),
            ]

        return [
            *both("/console/close/{entry_point}", self.ask_to_close, self.close),
            *both("/console/reopen/{entry_point}", self.ask_to_reopen, self.reopen),
            *both("/console/day/{entry_point}", self.ask_for_a_day, self.set_day),
            *both("/console/clear-day/{entry_point}", self.ask_to_clear, self.clear_day),
        ]

    async def ask_to_close(self, visit: Visit, name: str, faults: dict[str, str] | None = None) -> Response:
        """Ask for the reason and the end."""
        posted = visit.request.method == "POST"
        zone = self._zone(name)
        later = visit.wording.now.astimezone(zone) + timedelta(hours=1)
        own = {tag: word for tag, word in self._languages.items() if tag in self._entry_points[name].locales}
        closing = self._switches.of(name).closing
        return self._sign_in.pages.page(
            "close.html",
            visit.frame,
            status=422 if faults else 200,
            entry_point=name,
            closed=closing is not None and closing.stands(visit.wording.now),
            reasons=[_reason(tag, word, visit) for tag, word in {"": "", **own}.items()],
            more_reasons=[_reason(tag, word, visit) for tag, word in self._languages.items() if tag not in own],
            longest=LONGEST_WORDS,
            end=visit.field("end") if posted else "reopened",
            until=visit.field("until")[:40] if posted else f"{later:%Y-%m-%dT%H:%M}",
            zone=visit.wording.name_of(zone),
            faults=faults or {},
        )

    async def close(self, visit: Visit, name: str) -> Response:
        """Close now."""
        words = {tag: visit.field(f"reason_{tag}") for tag in ("", *self._languages)}
        try:
            until = self._end(visit, self._zone(name))
            await self._switches.close(name, by=visit.person.who, words=words, until=until)
        except NotAllowed as refused:
            return await self.ask_to_close(visit, name, {refused.field: _fault(refused, visit.wording)})
        return see(HOME)

    async def ask_to_reopen(self, visit: Visit, name: str) -> Response:
        """Ask before it is reopened."""
        closing = self._switches.of(name).closing
        text = closing_text(name, closing, visit.wording) if closing else ""
        return self._sign_in.pages.page("reopen.html", visit.frame, entry_point=name, closing=text)

    async def reopen(self, visit: Visit, name: str) -> Response:
        """Reopen; one that somebody else has reopened meanwhile stays as it is."""
        await self._switches.reopen(name, by=visit.person.who)
        return see(HOME)

    async def ask_for_a_day(self, visit: Visit, name: str, faults: dict[str, str] | None = None) -> Response:
        """Show the days that are set and ask for another one."""
        zone = self._zone(name)
        today = visit.wording.now.astimezone(zone).date().isoformat()
        return self._sign_in.pages.page(
            "day.html",
            visit.frame,
            status=422 if faults else 200,
            entry_point=name,
            day=visit.field("day")[:40] or today,
            today=today,
            ranges=visit.field("ranges")[:400],
            zone=visit.wording.name_of(zone),
            days=self._days(name, visit.wording),
            faults=faults or {},
        )

    async def set_day(self, visit: Visit, name: str) -> Response:
        """Set the hours of one day."""
        try:
            ranges = _read_ranges(visit.field("ranges"))
            await self._switches.set_day(name, _read_day(visit.field("day")), ranges, by=visit.person.who)
        except NotAllowed as refused:
            return await self.ask_for_a_day(visit, name, {refused.field: _fault(refused, visit.wording)})
        return see(f"/console/day/{name}")

    async def ask_to_clear(self, visit: Visit, name: str) -> Response:
        """Ask before a day is as the settings have it again."""
        day = next((each for each in self._days(name, visit.wording) if each.day == visit.asked("day")), None)
        if day is None:
            return see(f"/console/day/{name}")
        return self._sign_in.pages.page("clear_day.html", visit.frame, entry_point=name, day=day)

    async def clear_day(self, visit: Visit, name: str) -> Response:
        """Let the settings decide of a day again."""
        try:
            await self._switches.clear_day(name, _read_day(visit.field("day")), by=visit.person.who)
        except NotAllowed as refused:
            return await self.ask_for_a_day(visit, name, {refused.field: _fault(refused, visit.wording)})
        return see(f"/console/day/{name}")

    def _end(self, visit: Visit, zone: tzinfo) -> datetime | None:
        """Return until when, None until it is reopened. Raise NotAllowed."""
        chosen = visit.field("end")
        if chosen in _MINUTES:
            return visit.wording.now + timedelta(minutes=_MINUTES[chosen])
        if chosen != "until":
            return None
        try:
            written = datetime.fromisoformat(visit.field("until"))
            return (written if written.tzinfo else written.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise NotAllowed("until", "no moment") from None

    def _days(self, name: str, wording: Wording) -> tuple[SetDay, ...]:
        yesterday = wording.now.astimezone(self._zone(name)).date() - timedelta(days=1)
        return tuple(
            SetDay(day.isoformat(), wording.day(day), hours_text(ranges, wording))
            for day, ranges in sorted(self._switches.of(name).days.items())
            if day >= yesterday
        )


def _reason(tag: str, name: str, visit: Visit) -> ReasonField:
    return ReasonField(tag, name, visit.field(f"reason_{tag}")[: 20 * LONGEST_WORDS])


def _fault(refused: NotAllowed, wording: Wording) -> str:
    return wording.say(_FAULTS[refused.field], most=wording.number(LONGEST_WORDS))


def _read_day(text: str) -> date:
    """Raise NotAllowed."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotAllowed("day", "no day") from None


def _read_ranges(text: str) -> list[OpenRange]:
    """Raise NotAllowed."""
    try:
        return [read_range(each) for each in text.replace("–", "-").split(",") if each.strip()]
    except ValueError as error:
        raise NotAllowed("ranges", str(error)) from None
