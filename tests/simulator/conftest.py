"""A simulator with a hand-set clock and nothing random, and a client that speaks to it without sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from tests.hand_clock import MORNING, HandClock
from widget.simulator import create_simulator
from widget.simulator.world import World


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def simulator(clock: HandClock) -> Starlette:
    return create_simulator(
        widget_url="http://127.0.0.1:8000",
        seed=7,
        clock=clock.monotonic,
        now=lambda: MORNING,
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
