"""Why there is a button, a message or nothing, as a sentence for operators (in English, like all of theirs)."""

from __future__ import annotations

from typing import Literal

from widget.domain.decision import Decision
from widget.domain.evaluation import State
from widget.domain.readings import Reason
from widget.settings import EntryPointSettings

CAUSES: dict[Reason, str] = {
    Reason.QUEUE_DEPTH_REACHED: "ECE says that the queue of this entry point has reached its limit.",
    Reason.AGENT_NOT_AVAILABLE: "ECE says that no agent is available for this entry point.",
    Reason.SERVICE_NOT_RUNNING: "ECE says that its chat service is not running.",
    Reason.INVALID_ENTRY_POINT: "ECE does not know the id of this entry point; compare it with the one in ECE.",
    Reason.ENTRY_POINT_INACTIVE: "The entry point is not active in ECE.",
    Reason.OTHER: "ECE refuses for a reason of its own that it does not name further.",
    Reason.WAIT_TOO_LONG: "The wait that ECE reports is above max_wait.",
    Reason.QUEUE_TOO_DEEP: "More chats are waiting than max_queue_depth.",
    Reason.NO_CAPACITY: "Fewer slots are free than min_capacity.",
    Reason.OUTSIDE_HOURS: "It is outside the hours of this entry point.",
    Reason.SWITCHED_OFF: "The entry point is switched off: enabled = false.",
    Reason.ECE_UNREACHABLE: "ECE cannot be reached or gives no usable answer; `ece-widget check` says more.",
}
CLOSED_BY_HAND = "A person closed the entry point in the console."


def drawn(decision: Decision, entry_point: EntryPointSettings) -> Literal["Button", "Message", "Hidden"]:
    """Return what a visitor sees in the place of the button."""
    if decision.state is State.AVAILABLE:
        return "Button"
    value = getattr(entry_point, _setting(decision))
    return "Button" if value == "show" else "Message" if value == "message" else "Hidden"


def explain(decision: Decision, entry_point: EntryPointSettings) -> str:
    """Return what is drawn and which rule decided it."""
    if decision.state is State.AVAILABLE:
        return "Button: every check agrees."
    setting = _setting(decision)
    cause = CAUSES[decision.reason or Reason.OTHER]
    if decision.reason is Reason.SWITCHED_OFF and entry_point.enabled:
        cause = CLOSED_BY_HAND
    return f'{drawn(decision, entry_point)}: {cause} {setting} = "{getattr(entry_point, setting)}".'


def _setting(decision: Decision) -> str:
    return "when_unknown" if decision.state is State.UNKNOWN else "when_unavailable"
