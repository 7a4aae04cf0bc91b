"""What the routes are wired to, built from the settings, started and stopped with the server.

What only some settings ask for is imported where it is built, so that a start without it does not wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from widget.application.availability import Availability
from widget.application.availability_log import AvailabilityLog
from widget.application.breakers import GuardedSource, QueueSource
from widget.application.clock import Clock
from widget.application.launch import ChatAddresses
from widget.application.refreshes import KnownEntryPoint
from widget.application.reporting import availability_samples
from widget.application.surveys import Surveys
from widget.application.tally import Tally
from widget.domain.outbox import QueueThen
from widget.ece.client import import_what_calls_need
from widget.ece.wire import survey_xml
from widget.services.delivering import DeliveryServices, run_beside
from widget.services.fleet import fleet_refresher, shared_server
from widget.services.pages import load_pages
from widget.services.survey_links import survey_links
from widget.settings import Settings
from widget.telemetry import Metrics, Sample
from widget.tokens import Tokens
from widget.web.designers.findings import log_findings
from widget.web.edge.headers import EdgeHeaders
from widget.web.public.answers import PublicAnswers

if TYPE_CHECKING:
    from widget.services.operations import Operations
    from widget.shared import SharedServer


WARM_UP_AFTER = 0.2  # seconds: the first answer comes before half a second of work in another thread


class Services(DeliveryServices):
    """What the routes are wired to.

    `shared` is None without a fleet, `operations` where neither history nor console is on.
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
        self.pages = load_pages(settings, clock)
        super().__init__(settings, ece=ece, clock=clock, delivery=delivery, metrics=metrics, pages=self.pages)
        self.draining = False
        self.shared = shared = shared_server(settings)
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
        self.surveys = Surveys(
            survey_links(settings, self.tokens, clock.now),
            outbox=self.outbox,
            rehearse=partial(survey_xml, namespace=True),
        )
        self.operations: Operations | None = None
        if self.history_store is not None:
            from widget.services.operations import make_operations, make_recorder

            self.recorder = make_recorder(
                self,
                self.history_store,
                role="serve",
                availability=availability,
                answered=lambda: self.answers.answered,
            )
            self.operations = make_operations(self, self.history_store, self.recorder, availability)
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
        if self.operations is not None:
            switches = self.operations.switches
            await switches.first_look()
            run_beside(opened, switches.run, switches.stop, name="switches")
        warming = asyncio.create_task(self._warm_up(), name="warm-up")
        opened.push_async_callback(_end, warming)

    async def _warm_up(self) -> None:
        """Make what no start waits for. A visitor who comes before waits for a part of it: 40 ms for the first call."""
        await asyncio.sleep(WARM_UP_AFTER)
        await asyncio.to_thread(import_what_calls_need)
        await asyncio.to_thread(self.pages.warm_up)


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
    return Services(settings, ece=ece, clock=clock, delivery=delivery, metrics=metrics).watched()


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a task that may have ended before; raise what it failed with."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


def _availability(
    settings: Settings, source: GuardedSource, clock: Clock, log: AvailabilityLog, shared: SharedServer | None
) -> Availability:
    known = {
        name: KnownEntryPoint(entry_point.id, entry_point.policy(name))
        for name, entry_point in settings.entry_points.items()
    }
    return Availability(
        source,
        known,
        fresh_for=settings.ece.fresh_for,
        stale_for=settings.ece.stale_for,
        timeout=settings.ece.timeout,
        clock=clock,
        observer=log,
        refresher=None if shared is None else fleet_refresher(settings, source, clock, shared, log),
    )


def _chat_addresses(
    settings: Settings, tokens: Tokens, clock: Clock, tally: Tally, availability: Availability
) -> ChatAddresses:
    lifetime = timedelta(seconds=settings.security.ticket_lifetime)

    def ticket(entry_point: str, locale: str) -> str:
        tally.ticket(entry_point, "issued")
        _, evaluation = availability.served_now(entry_point)
        queue = QueueThen(evaluation.wait_time, evaluation.queue_depth)
        return tokens.sign_ticket(entry_point, expires=clock.now() + lifetime, locale=locale, queue=queue)

    return ChatAddresses(settings.entry_points, ticket, origins=settings.server.allowed_origins)


def _decisions(answers: PublicAnswers) -> Iterator[Sample]:
    for labels, count in answers.answered.items():
        yield "ece_widget_decisions_total", labels, count
