"""One refresh of an entry point's snapshot: ask ECE, judge, and say when to try again.

`LocalRefresher` asks for one process; `fleet.py` has one process ask for many.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from widget.application.breakers import Answers, GuardedSource, Permit
from widget.application.clock import Clock
from widget.domain.decision import LimitMemory, Policy, State, Verdict, judge


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One complete set of readings, judged. `taken_at` is monotonic, `as_of` the same moment on the wall clock."""

    verdict: Verdict
    taken_at: float
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """What is refreshed: an entry point, and what is remembered of it."""

    entry_point_id: int
    policy: Policy
    memory: LimitMemory
    snapshot: Snapshot | None


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh brought.

    `snapshot` is None where there is no newer one. `not_before` is the monotonic moment of the next attempt, minus
    infinity for whenever the snapshot is stale. `answers` is None where this process asked nothing.
    """

    snapshot: Snapshot | None
    memory: LimitMemory
    failed: bool
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
        """Make the calls and judge them; after a failure the next attempt is `fresh_for` after this one began."""
        started = self._clock.monotonic()
        answers = await self._source.ask_all(subject.policy, subject.entry_point_id, permit)
        verdict, memory = judge(subject.policy, answers.outcomes, subject.memory)
        if verdict.state is State.UNKNOWN or answers.oldest is None:
            return Refreshed(None, subject.memory, True, started + self._fresh_for, answers)
        return Refreshed(Snapshot(verdict, *answers.oldest), memory, False, answers=answers)
