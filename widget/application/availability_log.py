"""Log and count what availability does: outages of ECE, circuit breakers, what visitors are served, their clicks.

An outage is one line when it begins and one when it ends, however many calls fail meanwhile. While ECE's host does
not serve at all that is one outage of the host, else one of each entry point's call that fails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from widget import telemetry
from widget.application.refresh import Refreshed, Subject
from widget.application.tally import Tally
from widget.domain.decision import Decision
from widget.domain.errors import EceError
from widget.domain.evaluation import Evaluation, State
from widget.domain.policy import Policy
from widget.domain.readings import Call, Reason

_LIMITS = {
    Reason.WAIT_TOO_LONG: "max_wait",
    Reason.QUEUE_TOO_DEEP: "max_queue_depth",
    Reason.NO_CAPACITY: "min_capacity",
}


class Counters(Protocol):
    """What this needs of the metrics."""

    def ece_call(self, call: str, outcome: str, seconds: float) -> None: ...


class AvailabilityLog:
    """Fits the ports `Observer` of availability and `CallObserver` of the breakers."""

    def __init__(self, counters: Counters, tally: Tally, *, monotonic: Callable[[], float]) -> None:
        self._counters = counters
        self._tally = tally
        self._monotonic = monotonic
        self._failing_since: dict[tuple[str, ...], float] = {}
        self._served: dict[str, tuple[bool, State, Reason | None]] = {}

    def called(self, call: Call, outcome: str, seconds: float) -> None:
        """Count one call to ECE."""
        self._counters.ece_call(call, outcome, seconds)
        self._tally.called(call, outcome, seconds)

    def breaker_moved(self, entry_point: str, call: str, *, closed: bool) -> None:
        """Log a breaker that opened or closed; `entry_point` and `call` are empty for that of ECE's host."""
        log = telemetry.logger()
        if closed:
            log.info("breaker_closed", entry_point=entry_point, call=call)
        else:
            log.warning("breaker_opened", entry_point=entry_point, call=call)

    def refreshed(self, subject: Subject, refreshed: Refreshed) -> None:
        """Log the outages that this refresh shows to have begun or ended; a call that was not made shows nothing."""
        if refreshed.answers is None:
            self._adopted(subject, refreshed)
            return
        outcomes = refreshed.answers.outcomes
        failed = {call: outcome for call, outcome in outcomes.items() if isinstance(outcome, EceError)}
        unserved = [error for error in failed.values() if error.blame == "host"]
        served = any(not isinstance(outcome, EceError) or outcome.blame == "call" for outcome in outcomes.values())
        if not served:
            if unserved:
                self._began(unserved[0])
            return
        self._ended()
        for call in outcomes:
            if call not in failed:
                self._ended(entry_point=subject.name, call=call)
            elif failed[call].blame != "nobody":
                self._began(failed[call], entry_point=subject.name, call=call)

    def served(self, policy: Policy, decision: Decision, evaluation: Evaluation) -> None:
        """Log a decision that visitors were not served before, with the numbers and the limit behind it."""
        said = (decision.show, decision.state, decision.reason)
        if self._served.get(policy.entry_point) == said:
            return
        self._served[policy.entry_point] = said
        limit = None if decision.reason is None else _LIMITS.get(decision.reason)
        limits = {} if limit is None else {limit: getattr(policy, limit)}
        telemetry.logger().info(
            "decision_changed",
            entry_point=policy.entry_point,
            show=decision.show,
            state=str(decision.state),
            reason=str(decision.reason or ""),
            wait_time=evaluation.wait_time,
            queue_depth=evaluation.queue_depth,
            capacity=evaluation.capacity,
            **limits,
        )

    def clicked(self, entry_point: str, decision: Decision) -> None:
        """Count a visitor who asked for a chat: opened, or the reason why not."""
        self._tally.click(entry_point, "opened" if decision.show else str(decision.reason or decision.state))

    def crashed(self, entry_point: str, error: BaseException) -> None:
        """Log a fault of our own in a refresh."""
        telemetry.logger().error("refresh_crashed", entry_point=entry_point, exc_info=error)

    def shared_round_crashed(self, entry_point: str, error: Exception) -> None:
        """Log a fault of our own in a round with the fleet."""
        telemetry.logger().error("shared_round_crashed", entry_point=entry_point, exc_info=error)

    def _adopted(self, subject: Subject, refreshed: Refreshed) -> None:
        """Log the outages that the evaluations of another process show to have ended: what they needed was answered."""
        if any(each.snapshot is None or each.failed for each in refreshed.results.values()):
            return
        self._ended()
        for call in subject.calls:
            if any(policy.needs(call) for policy in subject.policies if call in policy.calls):
                self._ended(entry_point=subject.name, call=call)

    def _began(self, error: EceError, **what: str) -> None:
        """Log an outage that is new: of one entry point's call, or of the host where nothing is named."""
        if (key := tuple(what.values())) not in self._failing_since:
            self._failing_since[key] = self._monotonic()
            why = {"code": error.code, "status": error.status, "detail": error.detail}
            telemetry.logger().warning("ece_call_failed" if what else "ece_outage_began", **what, **why)

    def _ended(self, **what: str) -> None:
        """Log the end of an outage, if there was one."""
        if (since := self._failing_since.pop(tuple(what.values()), None)) is not None:
            seconds = round(self._monotonic() - since, 1)
            telemetry.logger().info("ece_call_recovered" if what else "ece_outage_ended", **what, seconds=seconds)
