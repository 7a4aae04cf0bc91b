"""The addresses of operators: /healthz, /readyz and /metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from widget import telemetry
from widget.domain.errors import WidgetError
from widget.telemetry import Metrics
from widget.web.edge.access import Operators
from widget.web.edge.context import new_request_id
from widget.web.edge.errors import PROBLEM_JSON, Problem
from widget.web.edge.fixed_answers import fixed_route
from widget.web.edge.headers import EdgeHeaders, SecurityHeaders

_ALLOWED = {"Allow": "GET, HEAD, OPTIONS"}
CHECK_LIMIT = 2.0  # seconds: an orchestrator's probe gives up soon after
REMEMBERED = 1.0  # seconds a result stands, so that requests for /readyz put no load on the database


class Check(NamedTuple):
    """One thing that readiness depends on. `probe` returns None or a reason that may be shown to anyone.

    A vital check that fails takes this process out of traffic; another one only says "degraded".
    """

    name: str
    probe: Callable[[], Awaitable[str | None]]
    vital: bool = True


class Readiness:
    """Ask all checks at once, at most every `REMEMBERED` seconds however often anyone asks."""

    def __init__(
        self,
        checks: Sequence[Check],
        *,
        draining: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
        check_limit: float = CHECK_LIMIT,
    ) -> None:
        self._draining = draining
        self._check_limit = check_limit
        self._checks = tuple(checks)
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._until = float("-inf")
        self._answer: tuple[int, dict[str, Any]] = (503, {})

    async def look(self) -> tuple[int, dict[str, Any]]:
        """Return the status and the JSON: 200 ready or degraded, 503 not ready, with the reasons."""
        if self._draining():
            return 503, {"status": "draining", "checks": []}
        async with self._lock:
            if self._monotonic() >= self._until:
                self._answer = await self._ask()
                self._until = self._monotonic() + REMEMBERED
            return self._answer

    async def _ask(self) -> tuple[int, dict[str, Any]]:
        reasons = await asyncio.gather(*(_bounded(check, self._check_limit) for check in self._checks))
        found = list(zip(self._checks, reasons, strict=True))
        stopped = any(reason and check.vital for check, reason in found)
        status = "not_ready" if stopped else "degraded" if any(reasons) else "ready"
        checks = [{"name": check.name, "ok": reason is None, "reason": reason} for check, reason in found]
        return 503 if stopped else 200, {"status": status, "checks": checks}


def routes(readiness: Readiness, metrics: Metrics, operators: Operators) -> list[Route]:
    """Return the three routes; /metrics asks for an operator's token."""

    async def ready(_: Request) -> Response:
        status, document = await readiness.look()
        return JSONResponse(document, status)

    async def guarded_metrics(request: Request) -> Response:
        operators.require(request)
        return await _metrics(metrics)

    return [
        fixed_route("/healthz", b"ok\n", "text/plain; charset=utf-8", {}),
        Route("/readyz", ready, name="readyz"),
        Route("/metrics", guarded_metrics, name="metrics"),
    ]


def metrics_listener(metrics: Metrics, edge: EdgeHeaders) -> ASGIApp:
    """Return the application of `[server] metrics_listen`: /metrics without a token, and nothing else.

    Whoever asks here is a program: faults are JSON at every address, with the headers that all answers have.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/metrics":
            response = _refused(Problem(404))
        elif scope["method"] == "OPTIONS":
            response = Response(status_code=204, headers=_ALLOWED)
        elif scope["method"] not in ("GET", "HEAD"):
            response = _refused(Problem(405, headers=tuple(_ALLOWED.items())))
        else:
            response = await _metrics(metrics)
        await response(scope, receive, send)

    return SecurityHeaders(answer, edge)


def _refused(problem: Problem) -> Response:
    return JSONResponse(problem.document(new_request_id()), problem.status, dict(problem.headers), PROBLEM_JSON)


async def _metrics(metrics: Metrics) -> Response:
    return Response(await metrics.render(), media_type=telemetry.CONTENT_TYPE)


async def _bounded(check: Check, limit: float) -> str | None:
    try:
        async with asyncio.timeout(limit):
            return await check.probe()
    except TimeoutError:
        return "no answer in time"
    except WidgetError as error:
        return error.code
