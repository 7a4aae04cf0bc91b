"""Seeded schedules of faults, clock steps and visitors: no answer is less true than it says.

Time, chance, ECE and the clock come through the seams; one seed is one replay. `tests/soak/test_truth.py`
runs five times as many.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests import virtual_loop
from tests.entry_points import Notes, WatchedEntryPoints
from widget.application.clock import Clock
from widget.application.refreshes import KnownEntryPoint
from widget.domain.decision import Decision
from widget.domain.errors import EceError, EceGatewayDown, EceRefused, EceReset, EceStatus, EceTimeout, EceUnreadable
from widget.domain.policy import Policy
from widget.domain.readings import Call, ChatAllowed, LiveSessionStatus, Reading, Reason
from widget.web.public.answers import STATUS_PATH, PublicAnswers

SEEDS = 200
FRESH_FOR, STALE_FOR, TIMEOUT = 5.0, 60.0, 2.0
NAMES = ("sales", "support", "billing")
MODES = ("well", "well", "well", "closed", "slow", "hangs", "refuses", "resets", "gateway", "500", "garbage", "flips")
START = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass
class UnsteadyEce:
    """Changes its mood on a schedule; remembers when it last said for each entry point that chats are taken."""

    chance: random.Random
    mode: str = "well"
    said_open: dict[int, float] = field(default_factory=dict)
    in_flight: Counter[tuple[int, Call]] = field(default_factory=Counter)
    sets: Counter[int] = field(default_factory=Counter)

    async def ask(self, call: Call, entry_point_id: int) -> Reading:
        key = (entry_point_id, call)
        self.in_flight[key] += 1
        assert self.in_flight[key] == 1, "two calls for the same thing at once"
        try:
            self.sets[entry_point_id] += call is Call.CHAT_ALLOWED
            return await self._answer(call, entry_point_id)
        finally:
            self.in_flight[key] -= 1

    async def _answer(self, call: Call, entry_point_id: int) -> Reading:
        errors: Mapping[str, EceError] = {
            "refuses": EceRefused(),
            "resets": EceReset(),
            "gateway": EceGatewayDown(status=502),
            "500": EceStatus(status=500),
            "garbage": EceUnreadable(),
        }
        delay = self.chance.uniform(1.2, 1.9) if self.mode == "slow" else self.chance.uniform(0.001, 0.05)
        if self.mode == "hangs":
            await asyncio.sleep(TIMEOUT)
            raise EceTimeout
        if self.mode in errors:
            await asyncio.sleep(delay)
            raise errors[self.mode]
        closed = self.mode == "closed" or (self.mode == "flips" and self.chance.random() < 0.5)
        if call is Call.CHAT_ALLOWED and not closed:
            self.said_open[entry_point_id] = asyncio.get_running_loop().time()
        await asyncio.sleep(delay)
        if call is Call.LIVE_SESSION_STATUS:
            return LiveSessionStatus(wait_time=self.chance.randrange(900), queue_depth=self.chance.randrange(9))
        return ChatAllowed(allowed=not closed, reason=Reason.AGENT_NOT_AVAILABLE if closed else None)


class _NoCrash(Notes):
    def crashed(self, entry_point: str, error: BaseException) -> None:
        raise AssertionError from error


class _NoPages:
    edition = b""

    def launcher(self, decision: Decision, *, theme: str, language: str) -> str:
        raise NotImplementedError

    def instead(self, decision: Decision, *, language: str) -> str:
        return "[]"

    def theme(self, asked: str | None, *, entry_point: str) -> str:
        raise NotImplementedError

    def language(self, asked: str | None) -> str:
        return "en"


class World:
    """The real path from the fast exit down to the port of ECE."""

    def __init__(self, seed: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.chance = random.Random(seed)
        self.ece = UnsteadyEce(self.chance)
        self.wall_step = timedelta()
        clock = Clock(self.loop.time, self.now, self.chance.random)
        known = {name: KnownEntryPoint(1000 + at, Policy(name)) for at, name in enumerate(NAMES)}
        self.availability = WatchedEntryPoints(
            self.ece,
            known,
            clock=clock,
            observer=_NoCrash(),
            fresh_for=FRESH_FOR,
            stale_for=STALE_FOR,
            timeout=TIMEOUT,
        ).availability
        self.answers = PublicAnswers(self.availability, _NoPages(), headers=[], monotonic=self.loop.time, now=self.now)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.loop.time() - 1000) + self.wall_step

    async def visit(self, name: str) -> dict[str, Any]:
        """Ask for the status as a browser would, and hold the answer against what ECE said."""
        came = self.loop.time()
        scope: dict[str, Any] = {"method": "GET", "path": STATUS_PATH + name, "query_string": b"", "headers": []}
        pieces = self.answers.at_once(scope) or await self.answers.when_ready(scope)
        head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
        moment = self.loop.time()
        assert moment - came <= TIMEOUT + 0.05, "a visitor waited longer than the time limit"
        decision: dict[str, Any] = json.loads(body)
        cache = re.search(rb"cache-control: (.+)", head)
        assert cache is not None
        max_age, later, on_error = map(int, re.findall(rb"=([0-9]+)", cache[1]))
        if decision["state"] == "available":
            said = self.ece.said_open.get(1000 + NAMES.index(name), float("-inf"))
            assert moment - said < STALE_FOR + TIMEOUT, "says open, and ECE has not said so for too long"
            snapshot = self.availability.known[name].snapshot
            assert snapshot is not None
            assert moment - snapshot.taken_at < STALE_FOR
            assert moment + max_age + max(later, on_error) <= snapshot.taken_at + STALE_FOR
        return decision


async def _schedule(seed: int) -> None:
    world = World(seed)
    chance = world.chance

    async def moods() -> None:
        for _ in range(8):
            world.ece.mode = chance.choice(MODES)
            if chance.random() < 0.3:
                world.wall_step += timedelta(seconds=chance.choice((-3600, 86400, -2, 40)))
            await asyncio.sleep(chance.expovariate(1 / 25))
        world.ece.mode = "well"

    async def visitors() -> None:
        for _ in range(60):
            await world.visit(chance.choice(NAMES))
            await asyncio.sleep(chance.expovariate(chance.choice((0.1, 1, 5))))

    began = world.loop.time()
    await asyncio.gather(moods(), visitors(), visitors(), visitors())
    lasted = world.loop.time() - began
    assert max(world.ece.sets.values()) <= lasted / FRESH_FOR + 2
    # ECE is well again: the longest period of a breaker later one visit probes the host, the next refreshes each.
    await asyncio.sleep(73)
    for _ in range(2):
        for name in NAMES:
            await world.visit(name)
        await asyncio.sleep(1)
    assert {(await world.visit(name))["state"] for name in NAMES} == {"available"}
    await world.availability.aclose()


def hold(seeds: range) -> None:
    """Run the schedules of these seeds; the error of one that fails names its seed."""
    for seed in seeds:
        try:
            virtual_loop.run(_schedule(seed))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def test_no_answer_is_less_true_than_it_says() -> None:
    hold(range(SEEDS))
