"""A simulator with a hand-set clock and nothing random, and a client that speaks to it without sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest
from starlette.applications import Starlette

from widget.simulator import create_simulator
from widget.simulator.world import World


@dataclass
class Clock:
    """Time that moves when a test says so; sleeping moves it too, and is written down."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def simulator(clock: Clock) -> Starlette:
    return create_simulator(
        widget_url="http://127.0.0.1:8000",
        seed=7,
        clock=clock,
        now=lambda: datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
        sleep=clock.sleep,
        warm_up=False,
    )


@pytest.fixture
def world(simulator: Starlette) -> World:
    world = simulator.state.world
    assert isinstance(world, World)
    for each in world.entry_points.values():
        each.queue.arrivals_per_minute = 0
    return world


@pytest.fixture
async def ece(simulator: Starlette, world: World) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=simulator)
    async with httpx.AsyncClient(transport=transport, base_url="http://ece.example") as client:
        yield client
