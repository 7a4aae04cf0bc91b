"""What operators see and do: what happened, what happens now, the switches, the results of surveys.

Imported only where the settings switch the history or the console on.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from widget import __version__
from widget.application.availability import Availability
from widget.application.delivery import DeliveryCounts
from widget.application.history import History
from widget.application.live_status import LiveStatus
from widget.application.recorder import Answered, Recorder
from widget.application.results import Results
from widget.application.switches import Switches
from widget.domain.history import Process
from widget.domain.outbox import RowKind
from widget.settings import Settings
from widget.store.history import HistoryStore
from widget.store.outbox import Outbox
from widget.store.results import ResultsStore

if TYPE_CHECKING:
    from widget.services.delivering import DeliveryServices


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What the console shows and does."""

    history: History
    live_status: LiveStatus
    switches: Switches
    results: Results


def make_recorder(
    services: DeliveryServices,
    store: HistoryStore,
    *,
    role: str,
    availability: Availability | None = None,
    answered: Callable[[], Answered] = dict,
) -> Recorder:
    """Build what writes; `role` is `serve` or `deliver`, `availability` that of a process that answers visitors."""
    now, delivery, settings = services.clock.now(), services.delivery, services.settings
    process = Process(secrets.token_hex(8), role, socket.gethostname(), os.getpid(), __version__, now, now)
    return Recorder(
        store,
        services.tally,
        process=process,
        clock=services.clock,
        zones=settings.zones(),
        keeps=settings.keeps_history,
        availability=availability,
        answered=answered,
        delivered=dict if delivery is None else lambda: _surveys(delivery.counts),
    )


def _surveys(counts: DeliveryCounts) -> dict[str, int]:
    """Return the surveys that were delivered by entry point; messages and alerts are none."""
    return {name: number for (kind, name), number in counts.delivered_of.items() if kind is RowKind.SURVEY}


def make_operations(
    services: DeliveryServices, store: HistoryStore, recorder: Recorder, availability: Availability
) -> Operations:
    """Build what reads, and what follows the switches."""
    settings, clock = services.settings, services.clock
    history = History(store, settings.zones(), kept=settings.keeps_history, clock=clock)
    switches = Switches(
        store, settings.policies(), availability.follow, now=clock.now, fresh_for=settings.ece.fresh_for
    )
    live_status = LiveStatus(
        history,
        recorder,
        switches,
        availability=availability,
        source=services.source,
        tally=services.tally,
        outbox=services.outbox_watch,
        clock=clock,
    )
    results = make_results(settings, services.outbox)
    return Operations(history=history, live_status=live_status, switches=switches, results=results)


def make_results(settings: Settings, store: Outbox | HistoryStore) -> Results:
    """Build what reads the results of surveys from the database of `store`."""
    definitions = {name: survey.survey(name) for name, survey in settings.surveys.items()}
    return Results(ResultsStore(store), definitions)
