"""Every state of a launcher and a closed page, for the preview and the trial of a theme."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from widget.domain.decision import USUAL, Decision
from widget.domain.evaluation import State
from widget.domain.instead import fitting
from widget.domain.readings import Reason
from widget.settings import EntryPointSettings

_WITH_NUMBERS: dict[str, tuple[int | None, int | None]] = {  # state → wait in seconds, chats waiting
    "available": (240, 2),
    "available_at_once": (0, 0),
    "available_long_wait": (4000, 41),
    "available_no_numbers": (None, None),
}
STATES: tuple[str, ...] = (*_WITH_NUMBERS, *(reason.value for reason in Reason))
# The states in a designer's words.
STATE_WORDS = {
    "available": "open, two are waiting",
    "available_at_once": "open, nobody is waiting",
    "available_long_wait": "open, a long wait",
    "available_no_numbers": "open, ECE gives no numbers",
    Reason.QUEUE_DEPTH_REACHED.value: "the queue is full",
    Reason.AGENT_NOT_AVAILABLE.value: "no agent is there",
    Reason.SERVICE_NOT_RUNNING.value: "ECE's chat does not run",
    Reason.INVALID_ENTRY_POINT.value: "ECE does not know the entry point",
    Reason.ENTRY_POINT_INACTIVE.value: "the entry point is not active",
    Reason.OTHER.value: "ECE refuses without a reason",
    Reason.WAIT_TOO_LONG.value: "the wait is above your limit",
    Reason.QUEUE_TOO_DEEP.value: "the queue is above your limit",
    Reason.NO_CAPACITY.value: "too few slots are free",
    Reason.OUTSIDE_HOURS.value: "outside the opening hours",
    Reason.SWITCHED_OFF.value: "switched off",
    Reason.ECE_UNREACHABLE.value: "ECE cannot be reached",
}


def sample(state: str, *, entry_point: str, settings: EntryPointSettings, now: datetime) -> Decision:
    """Return the decision for one of STATES, with what the entry point's settings say of showing it."""
    wait, depth = _WITH_NUMBERS.get(state, (None, None))
    reason = None if state in _WITH_NUMBERS else Reason(state)
    unknown = reason is Reason.ECE_UNREACHABLE
    asked = reason not in (Reason.OUTSIDE_HOURS, Reason.SWITCHED_OFF, Reason.ECE_UNREACHABLE)
    show = reason is None or (unknown and settings.when_unknown == "show")
    ways = [] if show else [each.way() for each in settings.instead]
    return Decision(
        entry_point=entry_point,
        show=show,
        state=State.UNKNOWN if unknown else State.UNAVAILABLE if reason else State.AVAILABLE,
        reason=reason,
        wait_time=wait,
        queue_depth=depth,
        position=None if depth is None else depth + 1,
        capacity=None,
        opens_at=_tomorrow_at_nine(now) if reason is Reason.OUTSIDE_HOURS else None,
        as_of=now if asked else None,
        next_check=USUAL,
        instead=fitting(ways, reason, now),
        greets=reason is None,
    )


def _tomorrow_at_nine(now: datetime) -> datetime:
    return (now.astimezone(UTC) + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
