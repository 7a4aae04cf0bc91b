"""What the operator wants of one entry point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from math import inf
from typing import Literal

from widget.domain.hours import Hours
from widget.domain.instead import Way
from widget.domain.readings import Call
from widget.domain.switches import Closing, Switch


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator wants of one entry point. Limits are None where none is written; `max_wait` in seconds.

    `closing` is what a person on duty switched by hand; it stands above the settings. `greets_up_to` is the longest
    wait, in seconds, at which visitors are greeted, infinite where any will do; None where nobody is.
    """

    entry_point: str
    enabled: bool = True
    checks: frozenset[Call] = frozenset({Call.CHAT_ALLOWED, Call.LIVE_SESSION_STATUS})
    max_wait: float | None = None
    max_queue_depth: int | None = None
    min_capacity: int | None = None
    show_wait: bool = True
    show_position: bool = True
    when_unavailable: Literal["hide", "message"] = "hide"
    when_unknown: Literal["hide", "message", "show"] = "hide"
    hours: Hours | None = None
    closing: Closing | None = None
    instead: tuple[Way, ...] = ()
    greets_up_to: float | None = None

    def switched(self, switch: Switch) -> Policy:
        """Return these rules, as the settings have them, with what is switched by hand."""
        return replace(self, closing=switch.closing, hours=switch.hours(self.hours))

    def is_off(self, now: datetime) -> bool:
        """Return whether the entry point is switched off: by the settings, or by a closing that stands."""
        return not self.enabled or (self.closing is not None and self.closing.stands(now))

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls to make, in order of precedence: the checks, and those that a written limit needs."""
        asked = set(self.checks)
        if self.min_capacity is not None:
            asked.add(Call.CAPACITY)
        if self.limits_the_queue or self.greets_up_to not in (None, inf):
            asked.add(Call.LIVE_SESSION_STATUS)
        return tuple(call for call in Call if call in asked)

    @property
    def limits_the_queue(self) -> bool:
        return self.max_wait is not None or self.max_queue_depth is not None

    def needs(self, call: Call) -> bool:
        """Return whether the decision is unknown without this call.

        Live numbers that no limit needs may be missing, unless they are all that ECE is asked for.
        """
        return call is not Call.LIVE_SESSION_STATUS or self.limits_the_queue or self.calls == (call,)
