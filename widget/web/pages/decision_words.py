"""What a visitor reads of one decision: why there is no chat, when there will be, how long the queue is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo

from widget.domain.decision import Decision
from widget.domain.evaluation import State
from widget.settings import EntryPointSettings
from widget.texts import SOURCE, Texts, marked
from widget.web.pages.reasons_and_faults import words_for_reason

CHAT_WITH_US = marked("Chat with us")


class DecisionWords:
    """Words in any language; `zones` are those of entry points, `clock` is asked for "Monday" or a date."""

    def __init__(self, texts: Texts, zones: Mapping[str, tzinfo], clock: Callable[[], datetime]) -> None:
        self._texts, self._zones, self._clock = texts, zones, clock

    def why(self, decision: Decision, language: str) -> str:
        """Return the words of the person who closed the entry point, else ours for the reason."""
        if decision.words is not None:
            return decision.words.pick(language, SOURCE)[1]
        return self._texts.gettext(language, words_for_reason(decision.reason).why)

    def advice(self, decision: Decision, language: str) -> str:
        """Return what to do now; empty where a person closed the entry point, or nothing helps."""
        advice = words_for_reason(decision.reason).advice
        return self._texts.gettext(language, advice) if advice and decision.words is None else ""

    def opening(self, decision: Decision, language: str) -> str:
        """Return when chat opens; empty where that is not known."""
        return self._texts.opening(language, decision.opens_at, zone=self._zone(decision), now=self._clock())

    def zone(self, decision: Decision, language: str) -> str:
        """Return the name of the zone in which `opening` is said."""
        return self._texts.zone(language, self._zone(decision)) if decision.opens_at else ""

    def message(self, decision: Decision, language: str) -> str:
        """Return what stands in the place of the button."""
        then = self.opening(decision, language) or self.advice(decision, language)
        return f"{self.why(decision, language)} {then}".rstrip()

    def queue(self, decision: Decision, language: str) -> tuple[str, str]:
        """Return the wait and the place in words. Where nobody waits there is no place to tell."""
        if _is_free(decision):
            return self._texts.gettext(language, "Someone is free now"), ""
        place = self._texts.place(language, decision.position) if decision.position != 1 else ""
        return self._texts.wait(language, decision.wait_time), place

    def announcement(self, decision: Decision, wait: str, place: str, language: str) -> str:
        """Return what is read out when the button is there; `wait` and `place` are those of `queue`."""
        available = decision.state is State.AVAILABLE
        if wait and not _is_free(decision):
            wait = self._texts.gettext(language, "Wait: %(duration)s") % {"duration": wait}
        parts = [self._texts.gettext(language, marked("Chat is available") if available else CHAT_WITH_US), wait, place]
        return ". ".join(each for each in parts if each) + "."

    def _zone(self, decision: Decision) -> tzinfo:
        return self._zones.get(decision.entry_point, UTC)


def wants_message(entry_point: EntryPointSettings, state: State | None) -> bool:
    """Return whether words stand in the place of a button that is not shown; `state` is None before anybody asked."""
    wanted = entry_point.when_unknown if state in (None, State.UNKNOWN) else entry_point.when_unavailable
    return wanted == "message"


def _is_free(decision: Decision) -> bool:
    """Return whether nobody waits and the next visitor is answered within a minute, as far as ECE said."""
    return decision.position == 1 and (decision.wait_time or 0) < 60
