"""A small application behind the real server and the real edge, for tests that speak through sockets.

Run as a script: `python tests/server/stub_server.py CONFIG PORT [WORKERS [DRAIN [reload]]]`. STUB_DEADLINES has the
deadlines as JSON.
While a file `hold-build` lies beside CONFIG no application gets built (`building` says that one waits), and while there
is a `hold-answers` the address /held does not answer (`held-by-NAME` says that it was asked). With a `hold-loop` the
address /busy holds the whole event loop (`loop-held` says so).
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from widget import settings as settings_module
from widget import telemetry
from widget.server.guard import Deadlines
from widget.server.plan import Served
from widget.server.run import serve
from widget.settings import Settings
from widget.telemetry import Metrics
from widget.web.edge.access import Operators
from widget.web.edge.context import RequestContext, TrustedProxies
from widget.web.edge.errors import CatchAll, Errors
from widget.web.edge.headers import AddressCheck, EdgeHeaders, SecurityHeaders
from widget.web.edge.limits import BodyLimit
from widget.web.ops import health as ops

BLOCK = b"x" * 65536
LOOKS_EVERY = 0.15  # seconds, longer than the server takes to see that it was told to stop


class WithReadyAnswers:
    """An application that is its own fast exit: /ready is small, /ready-big fills buffers, /ready-label names it."""

    def __init__(self, app: ASGIApp, label: str) -> None:
        self._app = app
        self._bodies = {"/ready": b"ready", "/ready-big": BLOCK, "/ready-label": label.encode()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (pieces := self.at_once(scope)) is None:
            await self._app(scope, receive, send)
            return
        headers = [(b"content-length", b"%d" % len(pieces[3])), (b"x-by", b"task")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": pieces[3]})

    def at_once(self, scope: Scope) -> tuple[bytes, ...] | None:
        if scope.get("path") == "/busy":
            folder, begun = Path(os.environ["STUB_FOLDER"]), time.monotonic()
            (folder / "loop-held").touch()
            while (folder / "hold-loop").exists() or time.monotonic() < begun + LOOKS_EVERY:
                time.sleep(0.01)
        if scope.get("path") == "/ready-broken":
            raise RuntimeError("canary-in-the-fast-exit")
        body = self._bodies.get(scope.get("path", ""))
        if body is None:
            return None
        return b"HTTP/1.1 200 OK\r\n", b"content-length: %d\r\n" % len(body), b"x-by: fast exit\r\n\r\n", body


def build(settings: Settings, delivery: bool, metrics: Metrics | None) -> Served:
    metrics = metrics or Metrics(version="test")
    folder = Path(os.environ["STUB_FOLDER"])
    while (folder / "hold-build").exists():
        (folder / "building").touch()
        time.sleep(0.01)
    edge = EdgeHeaders(settings.server)
    draining: list[bool] = []
    errors = Errors(lambda *, status, code, request_id, **_: f"<!doctype html><p>{status} {code} {request_id}</p>")
    label = next(iter(settings.entry_points))

    async def status(request: Request) -> Response:
        return PlainTextResponse(label)

    async def echo(request: Request) -> Response:
        body = await request.body()
        return PlainTextResponse(str(len(body)))

    async def big(request: Request) -> Response:
        async def blocks() -> AsyncIterator[bytes]:
            for _ in range(400):
                yield BLOCK

        return StreamingResponse(blocks())

    async def slow(request: Request) -> Response:
        await asyncio.sleep(0.3)
        return PlainTextResponse("slept")

    async def held(request: Request) -> Response:
        (folder / f"held-by-{label}").touch()
        while (folder / "hold-answers").exists():  # noqa: ASYNC110 - another process removes it
            await asyncio.sleep(0.01)
        return PlainTextResponse(f"held by {label}")

    async def collected(request: Request) -> Response:
        """Say whether garbage is looked for, among how many objects, and how many are set aside."""
        return PlainTextResponse(f"{gc.isenabled()} {len(gc.get_objects())} {gc.get_freeze_count()}")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        telemetry.logger().info("stub_stopped", label=label)

    async def boom(request: Request) -> Response:
        raise RuntimeError("canary-in-an-exception")

    app = Starlette(
        routes=[
            Route("/v1/status/{entry_point}", status),
            Route("/survey/{token}", echo, methods=["POST"]),
            Route("/big", big),
            Route("/slow", slow),
            Route("/held", held),
            Route("/boom", boom),
            Route("/collected", collected),
            *ops.routes(
                ops.Readiness([], draining=lambda: bool(draining)), metrics, Operators(["operator-token-for-tests"])
            ),
        ],
        middleware=[
            Middleware(RequestContext, metrics=metrics, proxies=TrustedProxies(settings.server.trusted_proxies)),
            Middleware(SecurityHeaders, edge=edge),
            Middleware(CatchAll, errors=errors),
            Middleware(AddressCheck, edge=edge, errors=errors, proxies=TrustedProxies(settings.server.trusted_proxies)),
            Middleware(BodyLimit, errors=errors),
        ],
        exception_handlers=errors.handlers(),
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    front = WithReadyAnswers(app, label)
    return Served(front, metrics, front, lambda: draining.append(True))


if __name__ == "__main__":
    file = Path(sys.argv[1])
    sys.exit(
        serve(
            settings_module.load(file),
            host="127.0.0.1",
            port=int(sys.argv[2]),
            workers=int(sys.argv[3]) if len(sys.argv) > 3 else 1,
            delivery=False,
            drain=float(sys.argv[4]) if len(sys.argv) > 4 else 0.0,
            reload="reload" in sys.argv[5:],
            config=file,
            build=build,
            deadlines=Deadlines(**json.loads(os.environ["STUB_DEADLINES"])),
        )
    )
