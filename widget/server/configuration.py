"""How uvicorn is set up behind every listener, and the listener of /metrics that `serve` and `deliver` open."""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from widget.server.current_application import CurrentApplication
from widget.server.guard import Guard
from widget.server.lifespan import Lifespan
from widget.server.ports import BACKLOG
from widget.server.protocol import GuardedProtocol
from widget.settings import Settings
from widget.telemetry import Metrics

STOP_LIMIT = 8  # seconds for answers that are on their way; then they are cut


def configuration(current: CurrentApplication, guard: Guard) -> uvicorn.Config:
    """Return the configuration for what stands behind one listener."""
    http: Any = functools.partial(GuardedProtocol, guard=guard, current=current)
    made = uvicorn.Config(
        current.app,
        loop="uvloop",
        http=http,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,  # the guard's is of the second in which the answer starts
        backlog=BACKLOG,
        timeout_graceful_shutdown=STOP_LIMIT,
    )
    made.load()
    made.lifespan_class = Lifespan
    return made


def metrics_app(metrics: Metrics, settings: Callable[[], Settings]) -> ASGIApp:
    """Return the application that answers /metrics without a token; `settings` returns those in use."""
    from widget.web.edge.headers import EdgeHeaders
    from widget.web.ops.health import metrics_listener

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await metrics_listener(metrics, EdgeHeaders(settings().server))(scope, receive, send)

    return app


async def serve_app(app: ASGIApp, listener: socket.socket, *, guard: Guard, state: ServerState) -> asyncio.Server:
    """Serve an application on a socket that is bound already, beside or without the server's own."""
    configured = configuration(CurrentApplication(app), guard)
    protocol = functools.partial(new_connection, configured, state, {})
    return await asyncio.get_running_loop().create_server(protocol, sock=listener, backlog=BACKLOG)


def new_connection(configured: uvicorn.Config, state: ServerState, app_state: dict[str, Any]) -> asyncio.Protocol:
    """Return what talks with one client."""
    made: Any = configured.http_protocol_class
    connection: asyncio.Protocol = made(config=configured, server_state=state, app_state=app_state)
    return connection
