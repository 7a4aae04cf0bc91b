"""What delivers, built from the settings, started and stopped: all of `deliver`, and a part of `serve`.

What only some settings ask for is imported where it is built, so that a start without it does not wait for it.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Self

from widget import __version__
from widget.application.availability_log import AvailabilityLog
from widget.application.breakers import GuardedSource, QueueSource
from widget.application.clock import Clock
from widget.application.delivery import Delivery, DeliveryRules, Destination
from widget.application.reporting import OutboxWatch, delivery_samples
from widget.application.tally import Tally
from widget.domain.outbox import ECE
from widget.ece.client import EceClient
from widget.ece.sink import EceSurveySink
from widget.settings import Settings
from widget.store.choose import choose_database
from widget.store.outbox import Outbox
from widget.telemetry import Metrics, Source

if TYPE_CHECKING:
    from widget.application.recorder import Recorder
    from widget.store.history import HistoryStore
    from widget.web.pages.pages import Pages

STORAGE_WAIT = 12.0  # seconds that a start waits for the database, while no visitor gets an answer


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
        self.history_store: HistoryStore | None = None
        if settings.keeps_history or settings.console.enabled:
            from widget.store.history import HistoryStore

            self.history_store = HistoryStore(url)
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
        sink = EceSurveySink(self.ece, settings.ece, self.outbox)
        ece = Destination(
            ECE,
            sink,
            concurrency=settings.delivery.concurrency,
            send_limit=timedelta(seconds=settings.ece.timeout * len(sink.forms)),
            may_send=self.source.may_send,
        )
        destinations = [ece]
        if settings.smtp is not None or settings.webhooks:
            from widget.services.other_destinations import other_destinations

            destinations += other_destinations(settings, pages, self.clock)
        return Delivery(
            self.outbox,
            destinations,
            rules=DeliveryRules(
                max_age=timedelta(seconds=settings.delivery.max_age),
                retention=timedelta(seconds=settings.storage.retention),
            ),
            owner=secrets.token_hex(8),
            clock=self.clock,
            forget=None if history is None else lambda now: history.purge(now - kept),
        )

    def watched(self) -> Self:
        """Have the metrics read these services, now that nothing of their making can fail any more."""
        for source in self.sources:
            self.metrics.add_source(source)
        return self

    def leave_metrics(self) -> None:
        """Have the metrics read these services no more: at the stop, or where something fails before the start."""
        for source in self.sources:
            self.metrics.remove_source(source)

    async def start(self) -> None:
        """Open everything, in order. Raise StoreRefused for a database that must not be used.

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
        opened.push_async_callback(self.outbox.close)
        await self.outbox.open(within=STORAGE_WAIT)
        if self.history_store is not None and self.recorder is not None:
            opened.push_async_callback(self.history_store.close)
            run_beside(opened, self.recorder.run, self.recorder.stop, name="history")
        run_beside(opened, self.outbox_watch.run, self.outbox_watch.stop, name="outbox watch")
        if self.delivery is not None:
            self.outbox.when_new(self.delivery.wake)
            run_beside(opened, self.delivery.run, self.delivery.stop, name="delivery")


def build_delivery(settings: Settings, *, metrics: Metrics | None = None) -> DeliveryServices:
    """Build what `deliver` needs: no tokens, and templates for mails alone. Reads files: call it outside a loop."""
    services = DeliveryServices(settings, metrics=metrics)
    if services.history_store is not None:
        from widget.services.operations import make_recorder

        services.recorder = make_recorder(services, services.history_store, role="deliver")
    return services.watched()


def run_beside(
    opened: AsyncExitStack, run: Callable[[], Coroutine[None, None, None]], stop: Callable[[], None], *, name: str
) -> None:
    """Start a task that ends by itself after `stop`, and whose failure is raised when it is closed."""
    task = asyncio.create_task(run(), name=name)

    async def end() -> None:
        stop()
        await task

    opened.push_async_callback(end)


def _settings_hash(settings: Settings) -> str:
    """Return a hash that is equal for equal settings; secrets are left out, so that none can be guessed from it."""
    return hashlib.sha256(settings.model_dump_json(fallback=repr, warnings=False).encode()).hexdigest()[:12]
