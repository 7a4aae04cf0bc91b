"""When a snapshot is refreshed, and what a refresh leaves in it: at most one for each id in ECE at a time.

One `KnownEntryPoint` stands for each entry point: its snapshot and the memory of the operator's limits. Entry points
with one id in ECE share one set of calls. Nothing runs by itself: a visit that finds a snapshot stale starts the
refresh. Whether ECE may be asked at all is for the circuit breakers to say (`breakers.py`), and how one refresh is made
for `refresh.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from widget.application.breakers import GuardedSource, Permit
from widget.application.clock import Clock
from widget.application.refresh import Refreshed, Refresher, RefreshInput, Snapshot, Subject
from widget.domain.evaluation import LimitMemory
from widget.domain.freshness import Freshness, freshness
from widget.domain.policy import Policy

# A refresh that may start at any moment but did not is looked for again after this, not at every visit.
SHORTEST_ANSWER = 0.1


class RefreshObserver(Protocol):
    """Told what comes of refreshes, for metrics and logs."""

    def refreshed(self, subject: Subject, refreshed: Refreshed) -> None: ...

    def crashed(self, entry_point: str, error: BaseException) -> None: ...


@dataclass(slots=True)
class _Calls:
    """The calls for one id in ECE, which all entry points with that id share: one refresh at a time."""

    known: dict[str, KnownEntryPoint] = field(default_factory=dict)
    not_before: float = float("-inf")
    refresh: asyncio.Task[None] | None = None

    @property
    def subject(self) -> Subject:
        inputs = {
            name: RefreshInput(each.policy, each.memory, each.snapshot)
            for name, each in self.known.items()
            if each.policy.enabled
        }
        name = next(iter(self.known))
        return Subject(name, self.known[name].entry_point_id, inputs)


@dataclass(slots=True)
class KnownEntryPoint:
    """What is known of one entry point. `Refreshes` alone puts snapshots in."""

    entry_point_id: int
    policy: Policy
    snapshot: Snapshot | None = None
    memory: LimitMemory = field(default_factory=LimitMemory)
    last_failed: bool = False
    calls: _Calls = field(default_factory=_Calls, repr=False)

    @property
    def refresh(self) -> asyncio.Task[None] | None:
        """The refresh that runs, for this and all entry points with this id."""
        return self.calls.refresh


class Refreshes:
    """Start them and take in what they bring; `fresh_for` and `stale_for` in seconds.

    `ended` is called with the name of each entry point whose refresh has ended.
    """

    def __init__(
        self,
        source: GuardedSource,
        refresher: Refresher,
        known: Mapping[str, KnownEntryPoint],
        *,
        fresh_for: float,
        stale_for: float,
        clock: Clock,
        observer: RefreshObserver,
        ended: Callable[[str], None],
    ) -> None:
        by_id: dict[int, _Calls] = {}
        for name, entry_point in known.items():
            entry_point.calls = by_id.setdefault(entry_point.entry_point_id, _Calls())
            entry_point.calls.known[name] = entry_point
        self._source, self._refresher, self._known = source, refresher, known
        self._fresh_for, self._stale_for = fresh_for, stale_for
        self._clock, self._observer, self._tell_ended = clock, observer, ended
        self._closed = False

    def age(self, entry_point: KnownEntryPoint) -> float | None:
        """Return the seconds since ECE answered for this entry point, or None."""
        return None if entry_point.snapshot is None else self._clock.monotonic() - entry_point.snapshot.taken_at

    def freshness_of(self, entry_point: KnownEntryPoint) -> Freshness:
        age = self.age(entry_point)
        if age is None:
            return Freshness.EXPIRED
        return freshness(age, fresh_for=self._fresh_for, stale_for=self._stale_for)

    def until_attempt(self, entry_point: KnownEntryPoint, moment: float) -> float:
        """Return the seconds until a visit may start the next refresh; `on_change` tells the end of one that runs."""
        if entry_point.refresh is not None:
            return self._stale_for
        subject = entry_point.calls.subject
        attempt = max(entry_point.calls.not_before, self._source.opens_at(subject.name, subject.calls))
        return max(attempt - moment, SHORTEST_ANSWER)

    def ensure(self, entry_point: KnownEntryPoint) -> asyncio.Task[None] | None:
        """Return the refresh that runs, or start it if one may; None if it may not yet."""
        calls = entry_point.calls
        if calls.refresh is not None or self._closed:
            return calls.refresh
        if self._clock.monotonic() < calls.not_before:
            return None
        subject = calls.subject
        permit = self._source.permit(subject.name, subject.calls)
        if permit is None:
            return None
        calls.refresh = asyncio.create_task(self._refresh(calls, subject, permit), name=f"refresh {subject.name}")
        calls.refresh.add_done_callback(lambda task: self._refresh_ended(calls, task))
        return calls.refresh

    def _refresh_ended(self, calls: _Calls, task: asyncio.Task[None]) -> None:
        calls.refresh = None
        if not task.cancelled() and (error := task.exception()) is not None:
            calls.not_before = self._clock.monotonic() + self._fresh_for
            for entry_point in calls.known.values():
                entry_point.last_failed = True
            self._observer.crashed(next(iter(calls.known)), error)
        for name in calls.known:
            self._tell_ended(name)

    async def _refresh(self, calls: _Calls, subject: Subject, permit: Permit) -> None:
        refreshed = await self._refresher.refresh(subject, permit)
        calls.not_before = refreshed.not_before
        for name, result in refreshed.results.items():
            entry_point = calls.known[name]
            # Without any snapshot there is nothing a visitor could wait for, whatever the refresh says of itself.
            nothing = result.snapshot is None and self.freshness_of(entry_point) is Freshness.EXPIRED
            entry_point.last_failed = result.failed or nothing
            if result.snapshot is not None:
                entry_point.memory, entry_point.snapshot = result.memory, result.snapshot
        self._observer.refreshed(subject, refreshed)

    async def aclose(self) -> None:
        """Start nothing any more, and end what runs."""
        self._closed = True
        running = [entry_point.refresh for entry_point in self._known.values() if entry_point.refresh is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
