"""The states of an entry point as the console shows them: a word, a colour, a sign, and why, for operators."""

from __future__ import annotations

from typing import NamedTuple

from widget.domain.evaluation import State
from widget.domain.readings import Reason
from widget.texts import marked as _


class Badge(NamedTuple):
    """`tone` names the colour in console.css and the sign in `_layout.html`; `word` is one of the catalogs' texts."""

    tone: str
    word: str


OPEN, CLOSED, UNKNOWN = Badge("open", _("Open")), Badge("closed", _("Closed")), Badge("unknown", _("Unknown"))
RESTING = Badge("resting", _("Outside hours"))
BY_HAND = Badge("hand", _("Closed by hand"))
SPECIAL_DAY = Badge("resting", _("Special day"))
OFF = Badge("off", _("Switched off"))

WHY: dict[Reason, str] = {
    Reason.QUEUE_DEPTH_REACHED: _("ECE says that the queue has reached its limit."),
    Reason.AGENT_NOT_AVAILABLE: _("ECE says that no agent is available."),
    Reason.SERVICE_NOT_RUNNING: _("ECE says that its chat service is not running."),
    Reason.INVALID_ENTRY_POINT: _("ECE does not know the id of this entry point."),
    Reason.ENTRY_POINT_INACTIVE: _("The entry point is not active in ECE."),
    Reason.OTHER: _("ECE refuses for a reason that it does not name."),
    Reason.WAIT_TOO_LONG: _("The wait is above max_wait."),
    Reason.QUEUE_TOO_DEEP: _("More chats are waiting than max_queue_depth."),
    Reason.NO_CAPACITY: _("Fewer slots are free than min_capacity."),
    Reason.OUTSIDE_HOURS: _("It is outside the hours of this entry point."),
    Reason.SWITCHED_OFF: _("The entry point is switched off."),
    Reason.ECE_UNREACHABLE: _("ECE cannot be reached or gives no usable answer."),
}

# The same in two or three words, for tables and charts.
SHORT: dict[Reason, str] = {
    Reason.QUEUE_DEPTH_REACHED: _("Queue at its limit in ECE"),
    Reason.AGENT_NOT_AVAILABLE: _("No agent"),
    Reason.SERVICE_NOT_RUNNING: _("Chat service not running"),
    Reason.INVALID_ENTRY_POINT: _("Id unknown to ECE"),
    Reason.ENTRY_POINT_INACTIVE: _("Not active in ECE"),
    Reason.OTHER: _("Other reason of ECE's"),
    Reason.WAIT_TOO_LONG: _("Wait too long"),
    Reason.QUEUE_TOO_DEEP: _("Queue too long"),
    Reason.NO_CAPACITY: _("No free slot"),
    Reason.OUTSIDE_HOURS: _("Outside hours"),
    Reason.SWITCHED_OFF: _("Switched off"),
    Reason.ECE_UNREACHABLE: _("ECE not reachable"),
}


def badge(state: State | None, reason: Reason | None, *, by_hand: bool = False) -> Badge:
    """Return how a state is shown; None is one that nobody has asked for."""
    if state is None:
        return Badge("none", _("No data"))
    if state is State.AVAILABLE:
        return OPEN
    if state is State.UNKNOWN:
        return UNKNOWN
    if by_hand:
        return BY_HAND
    return {Reason.OUTSIDE_HOURS: RESTING, Reason.SWITCHED_OFF: OFF}.get(reason or Reason.OTHER, CLOSED)


def why(state: State | None, reason: Reason | None) -> str:
    """Return the sentence for a state, one of the catalogs' texts."""
    if state is None:
        return _("Nobody has asked for it lately.")
    return _("ECE takes new chats.") if state is State.AVAILABLE else WHY[reason or Reason.OTHER]
