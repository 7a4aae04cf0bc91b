"""Everything with a life: built once from the settings, started and stopped with the server."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from widget import __version__
from widget.availability import Availability, EntryPointWatch
from widget.circuit import GuardedSource, QueueSource
from widget.ece.client import EceClient
from widget.launch import ChatAddresses
from widget.settings import Settings
from widget.telemetry import Metrics, Sample
from widget.texts import Texts
from widget.themes import Themes
from widget.tokens import Tokens
from widget.watching import Watching, availability_samples
from widget.web.headers import EdgeHeaders
from widget.web.pages import Pages
from widget.web.public import PublicAnswers


@dataclass(frozen=True, slots=True)
class Clock:
    """Where time and chance come from; tests bring their own."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    chance: Callable[[], float] = random.random


@dataclass(slots=True)
class Services:
    """What the routes are wired to."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    edge: EdgeHeaders
    pages: Pages
    ece: EceClient
    source: GuardedSource
    availability: Availability
    answers: PublicAnswers
    tokens: Tokens
    chat_addresses: ChatAddresses

    async def start(self) -> None:
        """Open what has to be open before the first visitor."""

    async def stop(self) -> None:
        """Close everything, the visitors' side first."""
        await self.availability.aclose()
        await self.ece.aclose()


def build(settings: Settings, *, ece: QueueSource | None = None, clock: Clock | None = None) -> Services:
    """Build all services; reads certificates, templates and catalogs, so call it outside a running event loop."""
    clock = clock or Clock()
    metrics = Metrics(version=__version__)
    watching = Watching(metrics)
    client = EceClient(settings.ece)
    source = GuardedSource(
        ece or client,
        monotonic=clock.monotonic,
        now=clock.now,
        chance=clock.chance,
        called=watching.called,
    )
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
        monotonic=clock.monotonic,
        now=clock.now,
        observer=watching,
    )
    edge = EdgeHeaders(settings.server)
    pages = Pages(
        settings, Themes.load(settings.themes.directory), Texts.load(settings.themes.directory), clock=clock.now
    )
    answers = PublicAnswers(availability, pages, headers=edge.public_answer_headers(), monotonic=clock.monotonic)
    metrics.register_source(lambda: availability_samples(availability, source))
    metrics.register_source(lambda: _decisions(answers))
    keys = [key.get_secret_value() for key in settings.security.secret_keys]
    tokens = Tokens(keys, clock.now)
    lifetime = timedelta(seconds=settings.security.ticket_lifetime)

    def ticket(entry_point: str, locale: str) -> str:
        metrics.ticket("issued")
        return tokens.sign_ticket(entry_point, expires=clock.now() + lifetime, locale=locale)

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
        tokens=tokens,
        chat_addresses=ChatAddresses(settings.entry_points, ticket),
    )


def _decisions(answers: PublicAnswers) -> Iterator[Sample]:
    for _, entry_point, state, reason, tally in answers.tallies():
        yield "ece_widget_decisions_total", (entry_point, state, reason), tally.ok + tally.not_modified
