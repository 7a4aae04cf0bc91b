"""All that is built once from the settings, and started and stopped with the server."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from widget import __version__
from widget.application.availability import Availability, EntryPointWatch
from widget.application.availability_log import AvailabilityLog
from widget.application.breakers import GuardedSource, QueueSource
from widget.application.clock import Clock
from widget.application.delivery import Delivery, DeliveryRules, Destination, NoGate
from widget.application.fleet import FleetRefresher
from widget.application.launch import ChatAddresses
from widget.application.recorder import Recorder
from widget.application.refresh import LocalRefresher, Refresher
from widget.application.reporting import OutboxWatch, availability_samples, delivery_samples
from widget.application.surveys import EntryPointSurvey, SurveyLinks, Surveys
from widget.application.tally import Tally
from widget.domain.errors import EceUnsendable
from widget.domain.outbox import ECE, SMTP, WEBHOOKS, OutboxMessage, QueueThen
from widget.ece.client import EceClient, import_what_calls_need
from widget.ece.sink import EceSurveySink
from widget.ece.wire import survey_xml
from widget.mail import MAIL_LIMIT, MailSink
from widget.services.past import Past, make_past, make_recorder
from widget.settings import Settings
from widget.store import HistoryStore, Outbox
from widget.store.choose import choose_database
from widget.telemetry import Metrics, Sample, Source
from widget.texts import Texts
from widget.themes import Themes
from widget.tokens import Tokens
from widget.web.designers.findings import log_findings
from widget.web.edge.headers import EdgeHeaders
from widget.web.messages.letters import Letters
from widget.web.pages.pages import Pages
from widget.web.public.answers import PublicAnswers
from widget.webhooks import WEBHOOK_LIMIT, WebhookSink

if TYPE_CHECKING:  # needs the extra `shared`
    from widget.shared import SharedServer

SENDERS = 2  # to a mail server or a webhook at the same time; few like more from one client
AnyServices = TypeVar("AnyServices", bound="DeliveryServices")


class DeliveryServices:
    """All that delivers: the outbox, ECE's client and breakers, the delivery loop. `deliver` runs these alone.

    `delivery` is None where another process delivers, `history_store` and `recorder` where neither history nor console
    is on. `sources` are read by the metrics from the build to the stop.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        ece: QueueSource | None = None,
        clock: Clock | None = None,
        delivery: bool = True,
        metrics: Metrics | None = None,
        pages: Pages | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock = clock or Clock()
        self.metrics = metrics or Metrics(version=__version__)
        self.ece = EceClient(settings.ece)
        self.tally = Tally(monotonic=clock.monotonic)
        self.log = AvailabilityLog(self.metrics, self.tally, monotonic=clock.monotonic)
        self.source = GuardedSource(ece or self.ece, clock=clock, observer=self.log)
        url = settings.storage.url.get_secret_value()
        self.outbox = Outbox(choose_database(url), now=clock.now)
        self.outbox_watch = OutboxWatch(self.outbox, destinations=settings.destinations, now=clock.now)
        self.webhooks = {name: WebhookSink(each) for name, each in settings.webhooks.items()} if delivery else {}
        self.history_store = HistoryStore(url) if settings.keeps_history or settings.console.enabled else None
        self.recorder: Recorder | None = None
        self.delivery = self._delivery(pages) if delivery else None
        settings_hash = _settings_hash(settings)
        self.sources: list[Source] = [
            self.outbox_watch.samples,
            self.tally.samples,
            lambda: [("ece_widget_settings_info", (settings_hash,), 1.0)],
        ]
        if self.delivery is not None:
            self.sources.append(partial(delivery_samples, self.delivery))
        self._opened = AsyncExitStack()

    def _delivery(self, pages: Pages | None) -> Delivery:
        settings, history = self.settings, self.history_store
        kept = timedelta(seconds=settings.history.retention)
        if settings.smtp is not None and pages is None:
            pages = _pages(settings, self.clock)  # mails are made of templates
        return Delivery(
            self.outbox,
            [_ece(settings, self.outbox, self.ece, self.source), *_others(settings, pages, self.webhooks)],
            rules=DeliveryRules(
                max_age=timedelta(seconds=settings.delivery.max_age),
                retention=timedelta(seconds=settings.storage.retention),
            ),
            owner=secrets.token_hex(8),
            clock=self.clock,
            forget=None if history is None else lambda now: history.purge(now - kept),
        )

    def leave_metrics(self) -> None:
        """Have the metrics read these services no more: at the stop, or where something fails before the start."""
        for source in self.sources:
            self.metrics.remove_source(source)

    async def start(self) -> None:
        """Open everything, in order. Raises StoreRefused for a database that must not be used.

        What was opened before a failure is closed again.
        """
        async with AsyncExitStack() as opened:
            opened.callback(self.leave_metrics)
            await self._open(opened)
            self._opened = opened.pop_all()

    async def stop(self) -> None:
        """Close everything that was opened, in reverse order; what fails is raised when all else is closed."""
        await self._opened.aclose()

    async def _open(self, opened: AsyncExitStack) -> None:
        opened.push_async_callback(self.ece.aclose)
        await import_what_calls_need()
        for webhook in self.webhooks.values():
            opened.push_async_callback(webhook.aclose)
        opened.push_async_callback(self.outbox.close)
        await self.outbox.open()
        if self.history_store is not None and self.recorder is not None:
            opened.push_async_callback(self.history_store.close)
            _run(opened, self.recorder.run, self.recorder.stop, name="history")
        _run(opened, self.outbox_watch.run, self.outbox_watch.stop, name="outbox watch")
        if self.delivery is not None:
            self.outbox.when_new(self.delivery.wake)
            _run(opened, self.delivery.run, self.delivery.stop, name="delivery")


class Services(DeliveryServices):
    """What the routes are wired to.

    `shared` is None without a fleet, `past` where neither history nor console is on.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        ece: QueueSource | None,
        clock: Clock | None,
        delivery: bool,
        metrics: Metrics | None,
    ) -> None:
        clock = clock or Clock()
        self.pages = _pages(settings, clock)
        super().__init__(settings, ece=ece, clock=clock, delivery=delivery, metrics=metrics, pages=self.pages)
        self.draining = False
        self.shared = shared = _shared(settings)
        self.availability = availability = _availability(settings, self.source, clock, self.log, shared)
        self.edge = EdgeHeaders(settings.server)
        log_findings(self.pages, now=clock.now())
        self.tokens = Tokens([key.get_secret_value() for key in settings.security.secret_keys], clock.now)
        self.answers = PublicAnswers(
            availability,
            self.pages,
            headers=self.edge.public_answer_headers(),
            monotonic=clock.monotonic,
            now=clock.now,
        )
        self.chat_addresses = _chat_addresses(settings, self.tokens, clock, self.tally, availability)
        self.surveys = Surveys(survey_links(settings, self.tokens, clock.now), outbox=self.outbox, rehearse=_rehearse)
        self.past: Past | None = None
        if self.history_store is not None:
            self.recorder = make_recorder(
                self,
                self.history_store,
                role="serve",
                availability=availability,
                answered=lambda: self.answers.answered,
            )
            self.past = make_past(self, self.history_store, self.recorder, availability)
        self.sources.append(partial(availability_samples, availability, self.source))
        self.sources.append(partial(_decisions, self.answers))
        if shared is not None:
            self.sources.append(lambda: [("ece_widget_shared_up", (), float(not shared.away))])

    def drain(self) -> None:
        """Have /readyz say that this process takes no more; everything goes on until `stop`."""
        self.draining = True

    async def _open(self, opened: AsyncExitStack) -> None:
        if self.shared is not None:
            opened.push_async_callback(self.shared.aclose)
            await self.shared.start()
        await super()._open(opened)
        opened.push_async_callback(self.availability.aclose)
        if self.past is not None:
            await self.past.switches.first_look()
            _run(opened, self.past.switches.run, self.past.switches.stop, name="switches")
        warming = asyncio.create_task(asyncio.to_thread(self.pages.warm_up), name="warm-up")
        opened.push_async_callback(asyncio.wait, [warming])


def build_delivery(
    settings: Settings, *, clock: Clock | None = None, metrics: Metrics | None = None
) -> DeliveryServices:
    """Build what `deliver` needs: no tokens, and templates for mails alone. Reads files: call it outside a loop."""
    services = DeliveryServices(settings, clock=clock, metrics=metrics)
    if services.history_store is not None:
        services.recorder = make_recorder(services, services.history_store, role="deliver")
    return _watched(services)


def build(
    settings: Settings,
    *,
    ece: QueueSource | None = None,
    clock: Clock | None = None,
    delivery: bool = True,
    metrics: Metrics | None = None,
) -> Services:
    """Build all services; reads certificates, templates and catalogs, so call it outside a running event loop.

    `ece` stands in for the client's five GET calls; surveys are always sent by the client. `metrics` are those of the
    process, where these services shall replace others.
    """
    return _watched(Services(settings, ece=ece, clock=clock, delivery=delivery, metrics=metrics))


def _watched(services: AnyServices) -> AnyServices:
    """Have the metrics read these services, now that nothing of their making can fail any more."""
    for source in services.sources:
        services.metrics.add_source(source)
    return services


def _run(
    opened: AsyncExitStack, run: Callable[[], Coroutine[None, None, None]], stop: Callable[[], None], *, name: str
) -> None:
    """Start a task that ends by itself after `stop`, and whose failure is raised when it is closed."""
    task = asyncio.create_task(run(), name=name)

    async def end() -> None:
        stop()
        await task

    opened.push_async_callback(end)


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
    settings: Settings, source: GuardedSource, clock: Clock, log: AvailabilityLog, shared: SharedServer | None
) -> Availability:
    watches = {
        name: EntryPointWatch(entry_point.id, entry_point.policy(name))
        for name, entry_point in settings.entry_points.items()
    }
    return Availability(
        source,
        watches,
        fresh_for=settings.ece.fresh_for,
        stale_for=settings.ece.stale_for,
        timeout=settings.ece.timeout,
        clock=clock,
        observer=log,
        refresher=None if shared is None else _fleet(settings, source, clock, shared, log),
    )


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


def _pages(settings: Settings, clock: Clock) -> Pages:
    folder = settings.themes.directory
    return Pages(settings, Themes.load(folder), Texts.load(folder), clock=clock.now)


def _ece(settings: Settings, outbox: Outbox, client: EceClient, source: GuardedSource) -> Destination:
    sink = EceSurveySink(client, settings.ece, _Dialects(outbox))
    send_limit = timedelta(seconds=settings.ece.timeout * len(sink.forms))
    return Destination(ECE, sink, source, concurrency=settings.delivery.concurrency, send_limit=send_limit)


def _others(settings: Settings, pages: Pages | None, webhooks: Mapping[str, WebhookSink]) -> Iterator[Destination]:
    """Yield the mail server and the webhooks: each has a pace and slots of its own, so that none holds up surveys."""
    if settings.smtp is not None and pages is not None:
        sink = MailSink(settings.smtp, Letters(pages))
        yield Destination(SMTP, sink, NoGate(), concurrency=SENDERS, send_limit=MAIL_LIMIT)
    for name, webhook in webhooks.items():
        yield Destination(f"{WEBHOOKS}{name}", webhook, NoGate(), concurrency=SENDERS, send_limit=WEBHOOK_LIMIT)


@dataclass(frozen=True, slots=True)
class _Dialects:
    """The outbox's memory of the accepted survey form, as `ece/` asks for it."""

    outbox: Outbox

    async def load(self) -> str | None:
        return await self.outbox.load_dialect()

    async def save(self, accepted: str) -> None:
        await self.outbox.save_dialect(accepted)


def _chat_addresses(
    settings: Settings, tokens: Tokens, clock: Clock, tally: Tally, availability: Availability
) -> ChatAddresses:
    lifetime = timedelta(seconds=settings.security.ticket_lifetime)

    def ticket(entry_point: str, locale: str) -> str:
        tally.ticket(entry_point, "issued")
        _, verdict = availability.served_now(entry_point)
        queue = QueueThen(verdict.wait_time, verdict.queue_depth)
        return tokens.sign_ticket(entry_point, expires=clock.now() + lifetime, locale=locale, queue=queue)

    return ChatAddresses(settings.entry_points, ticket, origins=settings.server.allowed_origins)


def _rehearse(message: OutboxMessage) -> None:
    """Build what ECE will get, so that nothing is promised which cannot be sent."""
    try:
        survey_xml(message, namespace=True)
    except EceUnsendable as error:
        raise ValueError(str(error)) from None


def _settings_hash(settings: Settings) -> str:
    """Return a hash that is equal for equal settings; secrets are left out, so that none can be guessed from it."""
    return hashlib.sha256(settings.model_dump_json(fallback=repr, warnings=False).encode()).hexdigest()[:12]


def _decisions(answers: PublicAnswers) -> Iterator[Sample]:
    for labels, count in answers.answered.items():
        yield "ece_widget_decisions_total", labels, count
