"""The application: every route, middleware and error handler on one screen, and the only place that knows them all."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from widget import __version__
from widget.application.messages import Messages
from widget.application.reporting import trouble_at_ece
from widget.assets import asset_folder
from widget.domain.decision import Decision
from widget.services.serving import Services, build
from widget.settings import Settings
from widget.texts import CONSOLE, Texts
from widget.themes import DEFAULT
from widget.web import snippet
from widget.web.designers.message_samples import message_pages
from widget.web.designers.preview import Guard, Preview
from widget.web.designers.survey_samples import survey_pages
from widget.web.edge.access import Operators
from widget.web.edge.context import RequestContext, TrustedProxies
from widget.web.edge.errors import CatchAll, ErrorPage, Errors
from widget.web.edge.headers import AddressCheck, SecurityHeaders
from widget.web.edge.limits import BodyLimit, BoundedMemory, RateLimiter, RateLimits
from widget.web.edge.origins import origin_of
from widget.web.messages.routes import MessageAddresses
from widget.web.ops import facts, openapi
from widget.web.ops import health as ops
from widget.web.public.api import PublicApi
from widget.web.surveys.routes import SurveyAddresses


def create_app(
    settings: Settings,
    *,
    services: Services | None = None,
    preview: bool = False,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Starlette:
    """Wire the application. `services` are built from the settings unless given; `preview` opens /preview to anyone."""
    services = services or build(settings)
    proxies = TrustedProxies(settings.server.trusted_proxies)
    operators = Operators(token.get_secret_value() for token in settings.security.operator_tokens)
    errors = Errors(_error_page(services))
    limiter = _limiter(services)
    api = PublicApi(services.answers, services.availability, services.pages, services.chat_addresses)
    readiness = ops.Readiness(_checks(services), draining=lambda: services.draining, monotonic=services.clock.monotonic)
    surveys = _surveys(services, operators)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await services.start()
        yield
        await services.stop()

    app = Starlette(
        routes=[
            Route("/v1/status/{entry_point}", api.public, methods=["GET"]),
            Route("/v1/launcher/{entry_point}", api.public, methods=["GET"]),
            Route("/v1/chat/{entry_point}", api.chat, methods=["GET"]),
            *surveys.routes(),
            *_messages(services, limiter).routes(),
            *snippet.routes(snippet.SnippetFiles(asset_folder("static"))),
            *_preview(services, surveys.script_url, (lambda request: None) if preview else operators.require).routes(),
            services.pages.sheets.route(),
            *_console(services, operators, proxies, sleep),
            facts.route(settings),
            openapi.route(public_url=settings.server.public_url, version=__version__),
            *ops.routes(readiness, services.metrics, operators),
        ],
        middleware=[
            Middleware(RequestContext, metrics=services.metrics, proxies=proxies),
            Middleware(SecurityHeaders, edge=services.edge),
            Middleware(CatchAll, errors=errors),
            Middleware(AddressCheck, edge=services.edge, errors=errors, proxies=proxies),
            Middleware(
                RateLimits,
                limiter=limiter,
                errors=errors,
                metrics=services.metrics,
                is_operator=operators.knows,
            ),
            Middleware(BodyLimit, errors=errors),
        ],
        exception_handlers=errors.handlers(),
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # its redirect would be built from the Host header
    return app


def _surveys(services: Services, operators: Operators) -> SurveyAddresses:
    settings = services.settings
    return SurveyAddresses(
        services.surveys,
        services.pages,
        public_url=settings.server.public_url,
        chat_origins={name: origin_of(each.chat_url) for name, each in settings.entry_points.items()},
        require_operator=operators.require,
        script=(asset_folder("static") / "survey.js").read_bytes(),
        count_survey=services.tally.survey,
        count_begun=services.tally.begin_survey,
        count_ticket=services.tally.ticket,
    )


def _error_page(services: Services) -> ErrorPage:
    pages, availability = services.pages, services.availability

    def page(*, status: int, code: str, request_id: str, entry_point: str, language: str | None, posted: bool) -> str:
        return pages.error(
            status=status,
            code=code,
            request_id=request_id,
            theme=DEFAULT,
            language=pages.language(language),
            posted=posted,
            entry_point=entry_point,
            ways=availability.other_ways_now(entry_point),
        )

    return page


def _limiter(services: Services) -> RateLimiter:
    """Count for this process, or with the fleet, whose processes must put a network into the same bucket.

    Their common secret is the key that has been there for longest, so that a new one in front changes no bucket.
    """
    settings = services.settings
    if services.shared is None:
        return RateLimiter(settings.limits)
    from widget.shared import SharedCounts

    oldest = settings.security.secret_keys[-1].get_secret_value().encode()
    salt = hmac.digest(oldest, b"ece-widget rate limits", "sha256")
    return RateLimiter(settings.limits, storage=SharedCounts(services.shared, alone=BoundedMemory()), salt=salt)


def _messages(services: Services, limiter: RateLimiter) -> MessageAddresses:
    settings = services.settings
    messages = None
    if settings.messages is not None:
        messages = Messages(
            settings.messages.form(),
            tokens=services.tokens,
            outbox=services.outbox,
            take=partial(limiter.hit, "messages"),
            give_back=partial(limiter.clear, "messages"),
            now=services.clock.now,
        )
    return MessageAddresses(
        messages,
        services.pages,
        entry_points=settings.entry_points,
        public_url=settings.server.public_url,
        count=services.tally.message,
    )


def _preview(services: Services, script_url: str, guard: Guard) -> Preview:
    async def decide(entry_point: str) -> Decision:
        return (await services.availability.view(entry_point)).decision

    samples = [*survey_pages(services.pages, script_url=script_url), *message_pages(services.pages)]
    script = (asset_folder("static") / "preview.js").read_bytes()
    return Preview(services.pages, clock=services.clock.now, surveys=samples, decide=decide, guard=guard, script=script)


def _console(
    services: Services, operators: Operators, proxies: TrustedProxies, sleep: Callable[[float], Awaitable[None]]
) -> list[Route]:
    settings, operations = services.settings, services.operations
    if not settings.console.enabled or operations is None:
        return []
    # Here, so that a start without the console does not wait for it.
    from widget.store.console_outbox import ConsoleOutbox
    from widget.web.console.history import HistoryPage
    from widget.web.console.notices import notices
    from widget.web.console.now import NowPage
    from widget.web.console.outbox import OutboxPages
    from widget.web.console.rendering import ConsolePages
    from widget.web.console.results import ResultsPage
    from widget.web.console.sessions import Sessions
    from widget.web.console.sign_in import SignIn
    from widget.web.console.switches import SwitchPages

    pages = ConsolePages(Texts.load(settings.themes.directory, catalog=CONSOLE))
    services.pages.sheets.add(pages.sheet)
    sessions = Sessions(
        services.tokens,
        operators,
        proxies,
        services.outbox,
        now=services.clock.now,
        secure=settings.server.public_url.startswith("https:"),
        origin=origin_of(settings.server.public_url),
        user_header=settings.console.user_header,
        sleep=sleep,
    )
    history, switches, entry_points = operations.history, operations.switches, settings.entry_points
    of_every_page = partial(notices, switches, entry_points, history.zone)
    sign_in = SignIn(pages, sessions, notices=of_every_page, zone=history.zone(None), now=services.clock.now)
    rows = ConsoleOutbox(services.outbox, now=services.clock.now)
    languages = {tag: services.pages.texts.name(tag) for tag in services.pages.texts.languages}
    return [
        *sign_in.routes(),
        *NowPage(sign_in, operations.live_status, entry_points).routes(),
        *HistoryPage(sign_in, history, switches).routes(),
        *ResultsPage(sign_in, operations.results, entry_points, languages).routes(),
        *OutboxPages(sign_in, rows, settings.destinations).routes(),
        *SwitchPages(sign_in, switches, entry_points, languages, history.zone).routes(),
    ]


def _checks(services: Services) -> list[ops.Check]:
    """Return what readiness looks at.

    A database file of this machine's own takes it out of traffic when it fails, since another machine may do better.
    A database that all share does not: it would take every machine out, and with them the buttons that need none.
    """

    async def ece() -> str | None:
        return trouble_at_ece(services.source)

    own = services.settings.storage.url.get_secret_value().startswith("sqlite")
    checks = [ops.Check("storage", services.outbox.ready, vital=own), ops.Check("ece", ece, vital=False)]
    if services.shared is not None:
        checks.append(ops.Check("shared", services.shared.trouble, vital=False))
    return checks
