"""One refresh of the snapshots of one id in ECE: ask, evaluate for each entry point, and say when to try again.

`LocalRefresher` asks for one process; `fleet.py` has one process ask for many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from widget.application.breakers import Answers, GuardedSource, Permit
from widget.application.clock import Clock
from widget.domain.evaluation import Evaluation, LimitMemory, State, evaluate
from widget.domain.policy import Policy
from widget.domain.readings import Call


class Snapshot(NamedTuple):
    """One complete set of readings, evaluated. `taken_at` is monotonic, `as_of` the same moment on the wall clock."""

    evaluation: Evaluation
    taken_at: float
    as_of: datetime


@dataclass(frozen=True, slots=True)
class RefreshInput:
    """One entry point of a subject, and what is remembered of it."""

    policy: Policy
    memory: LimitMemory
    snapshot: Snapshot | None


@dataclass(frozen=True, slots=True)
class Subject:
    """What is refreshed by one set of calls: all entry points (by name) with one id in ECE, called by the first's."""

    name: str
    entry_point_id: int
    inputs: Mapping[str, RefreshInput]

    @property
    def policies(self) -> tuple[Policy, ...]:
        return tuple(each.policy for each in self.inputs.values())

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call that any of the entry points wants, in order of precedence."""
        wanted = {call for policy in self.policies for call in policy.calls}
        return tuple(call for call in Call if call in wanted)


class RefreshResult(NamedTuple):
    """What a refresh brought for one entry point; `snapshot` is None where there is no newer one."""

    snapshot: Snapshot | None
    memory: LimitMemory
    failed: bool


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh brought, by entry point.

    `not_before` is the monotonic moment of the next attempt, minus infinity for whenever a snapshot is stale. `answers`
    is None where this process asked nothing.
    """

    results: Mapping[str, RefreshResult]
    not_before: float = float("-inf")
    answers: Answers | None = None


class Refresher(Protocol):
    """Brings new snapshots; `permit` is what the circuit breakers of this process allow."""

    async def refresh(self, subject: Subject, permit: Permit) -> Refreshed: ...


class LocalRefresher:
    """Ask ECE for this process."""

    def __init__(self, source: GuardedSource, *, fresh_for: float, clock: Clock) -> None:
        self._source = source
        self._fresh_for = fresh_for
        self._clock = clock

    async def refresh(self, subject: Subject, permit: Permit) -> Refreshed:
        """Make the calls and evaluate them; after a failure the next attempt is `fresh_for` after this one began."""
        started = self._clock.monotonic()
        answers = await self._source.ask_all(subject.name, subject.entry_point_id, subject.policies, permit)
        results = {name: self._evaluated(each, answers) for name, each in subject.inputs.items()}
        again = started + self._fresh_for if any(each.failed for each in results.values()) else float("-inf")
        return Refreshed(results, again, answers)

    def _evaluated(self, given: RefreshInput, answers: Answers) -> RefreshResult:
        evaluation, memory = evaluate(given.policy, answers.outcomes_for(given.policy), given.memory)
        if evaluation.state is State.UNKNOWN or answers.oldest is None:
            return RefreshResult(None, given.memory, failed=True)
        return RefreshResult(Snapshot(evaluation, *answers.oldest), memory, failed=False)
