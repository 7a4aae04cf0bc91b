"""Entry points that tests watch: breakers and availability as the product wires them, around a stand-in for ECE."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.ece_stand_in import EceStandIn
from tests.hand_clock import NOON, HandClock
from widget.application.availability import Availability
from widget.application.breakers import GuardedSource, QueueSource
from widget.application.clock import Clock
from widget.application.refresh import Refreshed, Refresher, Subject
from widget.application.refreshes import KnownEntryPoint
from widget.domain.decision import Decision
from widget.domain.evaluation import Evaluation, State
from widget.domain.policy import Policy
from widget.domain.readings import Call


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

    def served(self, policy: Policy, decision: Decision, evaluation: Evaluation) -> None:
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
        known: Mapping[str, KnownEntryPoint],
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
            known,
            fresh_for=fresh_for,
            stale_for=stale_for,
            timeout=timeout,
            clock=clock,
            observer=observer,
            refresher=refresher and refresher(self.source),
        )

    async def state(self, name: str = "") -> State:
        """Return the state that a visitor of this entry point is told, without a name of the first one."""
        return (await self.availability.view(name or next(iter(self.availability.known)))).decision.state

    async def settle(self) -> None:
        """Wait until no refresh runs."""
        await settled(self.availability)

    async def visit(self, name: str = "") -> State:
        """Return the state that one visit gets, after the refresh that it may start."""
        state = await self.state(name)
        await self.settle()
        return state


class EntryPoints(WatchedEntryPoints):
    """Availability with a stand-in for ECE, a hand-set clock and no jitter."""

    def __init__(self, *policies: Policy, timeout: float = 2.0, chance: float = 0.5, one_id: bool = False) -> None:
        self.clock, self.ece, self.notes = HandClock(NOON), EceStandIn(timeout=timeout), Notes()
        named = policies or (Policy("sales"),)
        super().__init__(
            self.ece,
            {each.entry_point: KnownEntryPoint(1001 + (0 if one_id else at), each) for at, each in enumerate(named)},
            clock=Clock(self.clock.monotonic, self.clock.now, lambda: chance),
            observer=self.observer(),
            timeout=timeout,
        )

    def observer(self) -> Any:
        return self.notes


async def settled(availability: Availability) -> None:
    """Wait until no refresh runs."""
    while tasks := [each.refresh for each in availability.known.values() if each.refresh is not None]:
        await asyncio.wait(tasks)
        await asyncio.sleep(0)
