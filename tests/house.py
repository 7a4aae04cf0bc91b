"""What tests of several folders set up: time that passes by hand, and availability around a stand-in for ECE."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.ece_stand_in import EceStandIn
from widget.application.availability import Availability, EntryPointWatch
from widget.application.breakers import GuardedSource, QueueSource
from widget.application.clock import Clock
from widget.application.refresh import Refreshed, Refresher, Subject
from widget.domain.decision import Decision
from widget.domain.policy import Policy
from widget.domain.readings import Call
from widget.domain.verdict import State, Verdict

MORNING = datetime(2026, 11, 24, 8, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass
class HandClock:
    """Time that passes when the test says so. `clock` is what the product takes; its parts fit where one is taken."""

    wall: datetime = MORNING
    passed: float = 1000.0  # seconds, as a monotonic clock counts them
    slept: list[float] = field(default_factory=list)

    @property
    def clock(self) -> Clock:
        return Clock(self.monotonic, self.now, self.chance)

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.passed

    def chance(self) -> float:
        return 0.5

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once, and note how much."""
        self.slept.append(seconds)
        self.passes(seconds)

    def passes(self, seconds: float = 0.0, **more: float) -> None:
        """Let time pass; `more` as `timedelta` takes it, for example `days=8`."""
        span = timedelta(seconds=seconds, **more)
        self.wall += span
        self.passed += span.total_seconds()

    def is_set(self, *, by: timedelta) -> None:
        """Change what the wall clock shows, without any time passing."""
        self.wall += by


@dataclass
class Notes:
    """Keeps what it is told; fits the ports `Observer` and `CallObserver`."""

    refreshes: list[Refreshed] = field(default_factory=list)
    crashes: list[BaseException] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    told: list[Decision] = field(default_factory=list)
    clicks: list[Decision] = field(default_factory=list)

    def refreshed(self, subject: Subject, refreshed: Refreshed) -> None:
        self.refreshes.append(refreshed)

    def served(self, policy: Policy, decision: Decision, verdict: Verdict) -> None:
        self.told.append(decision)

    def clicked(self, entry_point: str, decision: Decision) -> None:
        self.clicks.append(decision)

    def crashed(self, entry_point: str, error: BaseException) -> None:
        self.crashes.append(error)

    def called(self, call: Call, outcome: str, seconds: float) -> None:
        self.calls.append(outcome)

    def breaker_moved(self, entry_point: str, call: str, *, closed: bool) -> None:
        pass


class WatchedEntryPoints:
    """Breakers and availability as the product puts them together, over any source, clock and observer."""

    def __init__(
        self,
        ece: QueueSource,
        watches: Mapping[str, EntryPointWatch],
        *,
        clock: Clock,
        observer: Any,
        refresher: Callable[[GuardedSource], Refresher] | None = None,
        fresh_for: float = 5.0,
        stale_for: float = 60.0,
        timeout: float = 2.0,
    ) -> None:
        self.source = GuardedSource(ece, clock=clock, observer=observer)
        self.availability = Availability(
            self.source,
            watches,
            fresh_for=fresh_for,
            stale_for=stale_for,
            timeout=timeout,
            clock=clock,
            observer=observer,
            refresher=refresher and refresher(self.source),
        )

    async def state(self, name: str = "") -> State:
        """Return the state that a visitor of this entry point is told, without a name of the first one."""
        return (await self.availability.view(name or next(iter(self.availability.watches)))).decision.state

    async def settle(self) -> None:
        """Wait until no refresh runs."""
        await settled(self.availability)

    async def visit(self, name: str = "") -> State:
        """Return the state that one visit gets, after the refresh that it may start."""
        state = await self.state(name)
        await self.settle()
        return state


class House(WatchedEntryPoints):
    """Availability with a stand-in for ECE, a hand-set clock and no jitter."""

    def __init__(self, *policies: Policy, timeout: float = 2.0, chance: float = 0.5, one_id: bool = False) -> None:
        self.clock, self.ece, self.notes = HandClock(NOON), EceStandIn(timeout=timeout), Notes()
        named = policies or (Policy("sales"),)
        super().__init__(
            self.ece,
            {each.entry_point: EntryPointWatch(1001 + (0 if one_id else at), each) for at, each in enumerate(named)},
            clock=Clock(self.clock.monotonic, self.clock.now, lambda: chance),
            observer=self.observer(),
            timeout=timeout,
        )

    def observer(self) -> Any:
        return self.notes


async def settled(availability: Availability) -> None:
    """Wait until no refresh runs."""
    while tasks := [each.refresh for each in availability.watches.values() if each.refresh is not None]:
        await asyncio.wait(tasks)
        await asyncio.sleep(0)
