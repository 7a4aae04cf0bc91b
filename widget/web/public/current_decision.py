"""What all answers of one entry point share: its decision, and the header lines that say how long it stands."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

from widget.application.availability import View
from widget.domain.decision import Decision
from widget.web.public.caching import cache_control, http_date, rfc3339, seconds_to_remake

Labels = tuple[str, str, str]  # of the metric: entry point, state, reason


@dataclass(slots=True)
class AnswerCount:
    """How often one decision was answered. A Counter by labels takes four times as long for each answer."""

    answers: int = 0


class CurrentDecision:
    """The decision of one entry point. `renew_at` and `valid_until` are monotonic, in seconds.

    From `valid_until` on a new view is needed. Before that, where ECE has a part in the decision, only Cache-Control
    changes, next at `renew_at`. `validated` is the decision without `asOf` and with its words, for validators; `count`
    counts its answers for the metric.
    """

    __slots__ = (
        "_counts",
        "_trusted_until",
        "cacheable_lines",
        "count",
        "decision",
        "name",
        "renew_at",
        "uncacheable_lines",
        "valid_until",
        "validated",
    )

    def __init__(self, name: str, counts: dict[Labels, AnswerCount]) -> None:
        self.name = name
        self.count = AnswerCount()
        self._counts = counts
        self.decision: Decision | None = None
        self.validated = self.cacheable_lines = self.uncacheable_lines = b""
        self.renew_at = self.valid_until = float("-inf")
        self._trusted_until: float | None = None

    def take(self, view: View, moment: float, now: datetime) -> None:
        """Change to a new view; `moment` is monotonic, `now` the same on the wall clock."""
        if view.decision != self.decision:
            self.decision = view.decision
            offered = json.dumps([[way.kind, way.value] for way in view.decision.instead])
            self.validated = decision_json(replace(view.decision, as_of=None), offered) + _beside(view.decision)
            labels = self.name, str(view.decision.state), str(view.decision.reason or "")
            self.count = self._counts.setdefault(labels, AnswerCount())
        self.valid_until = moment + view.valid_for
        self._trusted_until = None if view.trusted_for is None else moment + view.trusted_for
        self._write_lines(view.decision, moment, now)

    def renew_lines(self, moment: float, now: datetime) -> bool:
        """Bring Cache-Control up to this moment; False when a new view is needed.

        A decision by hours alone follows the wall clock, which may be set, so that it always needs one.
        """
        if self.decision is None or self._trusted_until is None or moment >= self.valid_until:
            return False
        self._write_lines(self.decision, moment, now)
        return True

    def expire(self) -> None:
        """Have the next visit take a new view."""
        self.renew_at = self.valid_until = float("-inf")

    def _write_lines(self, decision: Decision, moment: float, now: datetime) -> None:
        trusted_for = None if self._trusted_until is None else self._trusted_until - moment
        modified = b""
        if decision.as_of is not None:
            # Another machine's clock, or ours before it was set back, may be ahead: RFC 9110, section 8.8.2.1, forbids
            # a date after that of the answer.
            modified = b"last-modified: %s\r\n" % http_date(min(decision.as_of, now))
        control = cache_control(trusted_for, self.valid_until - moment, decision.next_check)
        self.cacheable_lines = b"%scache-control: %s\r\n" % (modified, control)
        self.uncacheable_lines = modified + b"cache-control: no-store\r\n"
        self.renew_at = min(self.valid_until, moment + seconds_to_remake(trusted_for))


def decision_json(decision: Decision, instead: str) -> bytes:
    """Return the decision as the JSON of the public contract: every field, null where there is nothing to say.

    `instead` is the JSON of the ways that it offers, whose words are those of a language.
    """
    fields = {
        "entryPoint": decision.entry_point,
        "show": decision.show,
        "state": decision.state,
        "reason": decision.reason,
        "waitTime": decision.wait_time,
        "queueDepth": decision.queue_depth,
        "position": decision.position,
        "capacity": decision.capacity,
        "opensAt": rfc3339(decision.opens_at) or None,
        "asOf": rfc3339(decision.as_of) or None,
        "nextCheck": decision.next_check,
        "response": decision.response,
    }
    return f'{json.dumps(fields, separators=(",", ":"))[:-1]},"instead":{instead}}}'.encode()


def _beside(decision: Decision) -> bytes:
    """Return what pages and launchers have of a decision beside its JSON."""
    words = None if decision.words is None else dict(decision.words.by_language)
    return json.dumps([words, decision.greets]).encode()
