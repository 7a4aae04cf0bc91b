"""The simulator's application: all of its routes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from widget.simulator.calls import Calls
from widget.simulator.chat import ChatPages
from widget.simulator.connections import Sleep
from widget.simulator.control import Control, Refused, refused
from widget.simulator.pages import ASSETS, TEMPLATES, environment
from widget.simulator.world import World


def create_simulator(
    *,
    widget_url: str = "http://127.0.0.1:8000",
    seed: int | None = None,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Sleep = anyio.sleep,
    warm_up: bool = True,
) -> Starlette:
    """Build the simulator. The same seed and clock make the same queue; tests may change `app.state.world`."""
    environment(TEMPLATES)
    world = World(clock=clock, now=now, seed=seed, warm_up=warm_up)
    control, chat = Control(world), ChatPages(world, widget_url=widget_url)
    app = Starlette(
        routes=[
            Route("/", control.page),
            Mount("/control", routes=control.routes()),
            Route("/simulator/login", _login),
            Mount("/simulator/chat", routes=chat.session_routes()),
            Mount("/simulator/assets", StaticFiles(directory=ASSETS)),
            *Calls(world, sleep=sleep).routes(),
            *chat.page_routes(),
        ],
        exception_handlers={Refused: refused},
    )
    app.state.world = world
    return app


async def _login(_request: Request) -> Response:
    return Response("<!DOCTYPE html><title>Sign in</title><h1>Sign in</h1>", media_type="text/html; charset=utf-8")
