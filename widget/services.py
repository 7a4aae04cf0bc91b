"""Everything with a life: built once from the settings, started and stopped with the server."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from widget import __version__
from widget.application.availability import Availability, EntryPointWatch
from widget.application.availability_log import AvailabilityLog
from widget.application.breakers import GuardedSource, QueueSource
from widget.application.clock import Clock
from widget.application.delivery import Delivery, DeliveryRules, Destination, Surroundings
from widget.application.fleet import FleetRefresher
from widget.application.launch import ChatAddresses
from widget.application.refresh import LocalRefresher, Refresher
from widget.application.reporting import OutboxWatch, availability_samples, delivery_samples
from widget.application.surveys import EntryPointSurvey, SurveyLinks, Surveys
from widget.domain.errors import EceUnsendable
from widget.domain.outbox import ECE, SurveyMessage
from widget.ece.client import EceClient
from widget.ece.sink import EceSurveySink
from widget.ece.wire import survey_xml
from widget.settings import Settings
from widget.store import Outbox
from widget.store.choose import choose_database
from widget.telemetry import Metrics, Sample
from widget.texts import Texts
from widget.themes import Themes
from widget.tokens import Tokens
from widget.web.designers.findings import log_findings
from widget.web.edge.headers import EdgeHeaders
from widget.web.pages.pages import Pages
from widget.web.public.answers import PublicAnswers

if TYPE_CHECKING:  # needs the extra `shared`
    from widget.shared import SharedServer


@dataclass(slots=True)
class Services:
    """What the routes are wired to. `delivery` is None where another process delivers, `shared` without a fleet."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    edge: EdgeHeaders
    pages: Pages
    ece: EceClient
    source: GuardedSource
    availability: Availability
    answers: PublicAnswers
    chat_addresses: ChatAddresses
    tokens: Tokens
    surveys: Surveys
    outbox: Outbox
    outbox_watch: OutboxWatch
    delivery: Delivery | None
    shared: SharedServer | None = None
    draining: bool = False
    _running: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Open the outbox and begin to deliver. Raises StoreRefused for a database that must not be used."""
        await self.outbox.open()
        if self.shared is not None:
            await self.shared.start()
        self._running.append(asyncio.create_task(self.outbox_watch.run(), name="outbox watch"))
        if self.delivery is not None:
            self.outbox.when_new(self.delivery.wake)
            self._running.append(asyncio.create_task(self.delivery.run(), name="delivery"))

    def drain(self) -> None:
        """Have /readyz say that this process takes no more; everything goes on until `stop`."""
        self.draining = True

    async def stop(self) -> None:
        """Close everything: what feeds others last."""
        await self.availability.aclose()
        self.outbox_watch.stop()
        if self.delivery is not None:
            self.delivery.stop()
        await asyncio.gather(*self._running)
        await self.outbox.close()
        await self.ece.aclose()
        if self.shared is not None:
            await self.shared.aclose()


def build(
    settings: Settings,
    *,
    ece: QueueSource | None = None,
    clock: Clock | None = None,
    delivery: bool = True,
    metrics: Metrics | None = None,
) -> Services:
    """Build all services; reads certificates, templates and catalogs, so call it outside a running event loop.

    `ece` stands in for the client's five GET calls; surveys are always sent by the client. `metrics` are an heir of the
    services' that these shall replace.
    """
    clock = clock or Clock()
    metrics = metrics or Metrics(version=__version__)
    client = EceClient(settings.ece)
    shared = _shared(settings)
    source, availability = _availability(
        settings, ece or client, clock, AvailabilityLog(metrics, monotonic=clock.monotonic), shared
    )
    edge = EdgeHeaders(settings.server)
    folder = settings.themes.directory
    pages = Pages(settings, Themes.load(folder), Texts.load(folder), clock=clock.now)
    log_findings(pages, now=clock.now())
    answers = PublicAnswers(
        availability, pages, headers=edge.public_answer_headers(), monotonic=clock.monotonic, now=clock.now
    )
    tokens = Tokens([key.get_secret_value() for key in settings.security.secret_keys], clock.now)
    outbox = Outbox(choose_database(settings.storage.url.get_secret_value()), now=clock.now)
    outbox_watch = OutboxWatch(outbox, now=clock.now)
    deliverer = _delivery(settings, outbox, client, source, clock) if delivery else None
    metrics.register_source(lambda: availability_samples(availability, source))
    metrics.register_source(lambda: _decisions(answers))
    settings_hash = _settings_hash(settings)
    metrics.register_source(lambda: [("ece_widget_settings_info", (settings_hash,), 1.0)])
    metrics.register_source(outbox_watch.samples)
    if shared is not None:
        metrics.register_source(lambda: [("ece_widget_shared_up", (), float(not shared.away))])
    if deliverer is not None:
        metrics.register_source(lambda: delivery_samples(deliverer))
    return Services(
        settings=settings,
        clock=clock,
        metrics=metrics,
        edge=edge,
        pages=pages,
        ece=client,
        source=source,
        availability=availability,
        answers=answers,
        chat_addresses=_chat_addresses(settings, tokens, clock, metrics),
        tokens=tokens,
        surveys=Surveys(survey_links(settings, tokens, clock.now), outbox=outbox, rehearse=_rehearse),
        outbox=outbox,
        outbox_watch=outbox_watch,
        delivery=deliverer,
        shared=shared,
    )


def survey_links(settings: Settings, tokens: Tokens, now: Callable[[], datetime]) -> SurveyLinks:
    """Build what signs and opens survey links."""
    return SurveyLinks(
        {name: survey.survey(name) for name, survey in settings.surveys.items()},
        {name: EntryPointSurvey(each.survey, each.theme) for name, each in settings.entry_points.items()},
        tokens=tokens,
        now=now,
        lifetime=settings.security.survey_lifetime,
    )


def _availability(
    settings: Settings, ece: QueueSource, clock: Clock, log: AvailabilityLog, shared: SharedServer | None
) -> tuple[GuardedSource, Availability]:
    source = GuardedSource(ece, clock=clock, observer=log)
    watches = {
        name: EntryPointWatch(entry_point.id, entry_point.policy(name))
        for name, entry_point in settings.entry_points.items()
    }
    availability = Availability(
        source,
        watches,
        fresh_for=settings.ece.fresh_for,
        stale_for=settings.ece.stale_for,
        timeout=settings.ece.timeout,
        clock=clock,
        observer=log,
        refresher=None if shared is None else _fleet(settings, source, clock, shared, log),
    )
    return source, availability


def _shared(settings: Settings) -> SharedServer | None:
    if settings.shared is None:
        return None
    from widget.shared import LONGEST_WAIT, SharedServer

    return SharedServer(settings.shared.url.get_secret_value(), longest_wait=min(LONGEST_WAIT, settings.ece.timeout))


def _fleet(
    settings: Settings, source: GuardedSource, clock: Clock, shared: SharedServer, log: AvailabilityLog
) -> Refresher:
    from widget.shared import RedisSharedState

    fresh_for = settings.ece.fresh_for
    return FleetRefresher(
        LocalRefresher(source, fresh_for=fresh_for, clock=clock),
        source,
        RedisSharedState(shared, settings.ece, settings.entry_points, monotonic=clock.monotonic),
        fresh_for=fresh_for,
        clock=clock,
        sleep=asyncio.sleep,
        crashed=log.shared_round_crashed,
    )


def _delivery(settings: Settings, outbox: Outbox, client: EceClient, source: GuardedSource, clock: Clock) -> Delivery:
    sink = EceSurveySink(client, settings.ece, _Dialects(outbox))
    send_limit = timedelta(seconds=settings.ece.timeout * len(sink.forms))
    return Delivery(
        outbox,
        [Destination(ECE, sink, source, concurrency=settings.delivery.concurrency, send_limit=send_limit)],
        rules=DeliveryRules(
            max_age=timedelta(seconds=settings.delivery.max_age),
            retention=timedelta(seconds=settings.storage.retention),
        ),
        around=Surroundings(secrets.token_hex(8), clock.now, clock.monotonic, clock.chance),
    )


@dataclass(frozen=True, slots=True)
class _Dialects:
    """The outbox's memory of the accepted survey form, as `ece/` asks for it."""

    outbox: Outbox

    async def load(self) -> str | None:
        return await self.outbox.load_dialect()

    async def save(self, accepted: str) -> None:
        await self.outbox.save_dialect(accepted)


def _chat_addresses(settings: Settings, tokens: Tokens, clock: Clock, metrics: Metrics) -> ChatAddresses:
    lifetime = timedelta(seconds=settings.security.ticket_lifetime)

    def ticket(entry_point: str, locale: str) -> str:
        metrics.ticket("issued")
        return tokens.sign_ticket(entry_point, expires=clock.now() + lifetime, locale=locale)

    return ChatAddresses(settings.entry_points, ticket, origins=settings.server.allowed_origins)


def _rehearse(message: SurveyMessage) -> None:
    """Build what ECE will get, so that nothing is promised which cannot be sent."""
    try:
        survey_xml(message, namespace=True)
    except EceUnsendable as error:
        raise ValueError(str(error)) from None


def _settings_hash(settings: Settings) -> str:
    """Return a hash that is equal for equal settings; secrets are left out, so that none can be guessed from it."""
    return hashlib.sha256(settings.model_dump_json(fallback=repr).encode()).hexdigest()[:12]


def _decisions(answers: PublicAnswers) -> Iterator[Sample]:
    for labels, count in answers.answered.items():
        yield "ece_widget_decisions_total", labels, count
