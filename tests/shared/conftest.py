"""A fleet in one process: each member has its own clock, breakers and connection to a real shared server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from tests.ece_stand_in import EceStandIn
from tests.entry_points import Notes, WatchedEntryPoints
from tests.shared_server import SharedServerProcess, running_shared_server
from widget.application.breakers import GuardedSource
from widget.application.clock import Clock
from widget.application.fleet import FleetRefresher, SharedState
from widget.application.refresh import LocalRefresher
from widget.application.refreshes import KnownEntryPoint
from widget.domain.policy import Policy
from widget.settings import EceSettings, EntryPointSettings
from widget.shared import RedisSharedState, SharedServer

FRESH_FOR, STALE_FOR, TIMEOUT = 0.8, 3.0, 1.0


class Pace(NamedTuple):
    """Seconds."""

    fresh_for: float
    stale_for: float
    timeout: float


QUICK = Pace(FRESH_FOR, STALE_FOR, TIMEOUT)
UNHURRIED = Pace(60, 120, 30)  # where one round has to be enough, on a busy machine too


@pytest.fixture(scope="module")
def server() -> Iterator[SharedServerProcess]:
    with running_shared_server() as server:
        yield server


@pytest.fixture(autouse=True)
def _empty(server: SharedServerProcess) -> None:
    server.say("FLUSHALL")


class Member(WatchedEntryPoints):
    """One process of the fleet. Its clocks run at the usual pace but show something else than those of the others."""

    def __init__(
        self,
        url: str,
        ece: EceStandIn,
        policy: Policy,
        *,
        clock_off_by: float,
        id: int = 1001,
        longest_wait: float = 2.0,
        shared: SharedState | None = None,
        also: Sequence[Policy] = (),
        pace: Pace = QUICK,
    ) -> None:
        self.notes = Notes()
        self._off_by = clock_off_by
        self.link = SharedServer(url, longest_wait=longest_wait, look_every=0.05)
        clock = Clock(self.monotonic, self.now, lambda: 0.5)
        settings = EceSettings.model_validate({"base_url": "https://ece.example.com"} | pace._asdict())
        policies = {each.entry_point: each for each in (policy, *also)}
        entry_points = {
            name: EntryPointSettings.model_validate(
                {
                    "id": id,
                    "chat_url": "https://ece.example.com/chat?id={id}",
                    "max_queue_depth": each.max_queue_depth,
                }
            )
            for name, each in policies.items()
        }
        self.shared = RedisSharedState(self.link, settings, entry_points, monotonic=self.monotonic)

        def refresher(source: GuardedSource) -> FleetRefresher:
            return FleetRefresher(
                LocalRefresher(source, fresh_for=pace.fresh_for, clock=clock),
                source,
                shared or self.shared,
                fresh_for=pace.fresh_for,
                clock=clock,
                sleep=asyncio.sleep,
                crashed=self.notes.crashed,
            )

        known = {name: KnownEntryPoint(id, each) for name, each in policies.items()}
        self.entry_point = known[policy.entry_point]
        super().__init__(
            ece,
            known,
            clock=clock,
            observer=self.notes,
            refresher=refresher,
            **pace._asdict(),
        )

    def monotonic(self) -> float:
        return time.monotonic() + self._off_by

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._off_by)

    @property
    def age(self) -> float:
        """Seconds since ECE answered, as this member believes; endless without a snapshot."""
        age = self.availability.age(self.entry_point)
        return float("inf") if age is None else age


class Fleet:
    """Makes members that share a server and an ECE."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.ece = EceStandIn(timeout=TIMEOUT)
        self.members: list[Member] = []

    def member(
        self,
        *,
        policy: Policy | None = None,
        id: int = 1001,
        longest_wait: float = 2.0,
        shared: SharedState | None = None,
        also: Sequence[Policy] = (),
        pace: Pace = QUICK,
    ) -> Member:
        member = Member(
            self.url,
            self.ece,
            policy or Policy("sales"),
            clock_off_by=10_000.0 * len(self.members) - 5_000,
            id=id,
            longest_wait=longest_wait,
            shared=shared,
            also=also,
            pace=pace,
        )
        self.members.append(member)
        return member

    async def close(self) -> None:
        for member in self.members:
            await member.availability.aclose()
            await member.link.aclose()


@pytest.fixture
async def fleet(server: SharedServerProcess) -> AsyncIterator[Fleet]:
    fleet = Fleet(server.url)
    yield fleet
    await fleet.close()
