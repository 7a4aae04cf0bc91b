"""The front door: every route, middleware and error handler on one screen, and the only place that knows them all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp

from widget.services import Services, build
from widget.settings import Settings
from widget.themes import DEFAULT
from widget.watching import trouble_at_ece
from widget.web import ops
from widget.web.access import Operators
from widget.web.api import PublicApi
from widget.web.context import RequestContext, TrustedProxies
from widget.web.errors import CatchAll, ErrorPage, Errors
from widget.web.headers import HostCheck, SecurityHeaders
from widget.web.limits import BodyLimit, RateLimiter, RateLimits
from widget.web.pages import Pages
from widget.web.public import FastLane


def create_app(settings: Settings, *, services: Services | None = None, preview: bool = False) -> ASGIApp:
    """Wire the application. `services` are built from the settings unless given; `preview` opens /preview to anyone."""
    services = services or build(settings)
    operators = Operators(token.get_secret_value() for token in settings.security.operator_tokens)
    errors = Errors(_error_page(services.pages))
    limiter = RateLimiter(settings.limits)
    api = PublicApi(services.answers, services.availability, services.pages, services.chat_addresses)
    readiness = ops.Readiness([_ece_check(services)], monotonic=services.clock.monotonic)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await services.start()
        yield
        await services.stop()

    app = Starlette(
        routes=[
            Route("/v1/status/{entry_point}", api.status, methods=["GET"]),
            Route("/v1/launcher/{entry_point}", api.launcher, methods=["GET"]),
            Route("/v1/chat/{entry_point}", api.chat, methods=["GET"]),
            *services.pages.routes(),
            *ops.routes(readiness, services.metrics, operators),
        ],
        middleware=[
            Middleware(
                RequestContext, metrics=services.metrics, proxies=TrustedProxies(settings.server.trusted_proxies)
            ),
            Middleware(SecurityHeaders, edge=services.edge),
            Middleware(CatchAll, errors=errors),
            Middleware(HostCheck, edge=services.edge, errors=errors),
            Middleware(RateLimits, limiter=limiter, errors=errors, metrics=services.metrics),
            Middleware(BodyLimit, errors=errors),
        ],
        exception_handlers=errors.handlers(),
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # its redirect would be built from the Host header
    return app if limiter.counts_public else FastLane(app, services.answers, monotonic=services.clock.monotonic)


def _error_page(pages: Pages) -> ErrorPage:
    def page(*, status: int, code: str, request_id: str, language: str | None) -> str:
        return pages.error(
            status=status, code=code, request_id=request_id, theme=DEFAULT, language=pages.language(language)
        )

    return page


def _ece_check(services: Services) -> ops.Check:
    async def probe() -> str | None:
        return trouble_at_ece(services.source)

    return ops.Check("ece", probe, vital=False)
