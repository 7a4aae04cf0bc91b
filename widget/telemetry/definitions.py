"""Every metric: its name, kind, labels and meaning.

A label never holds what a visitor can choose: entry points and surveys by their configured names, routes by their
pattern, methods and statuses from closed sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric. `source` ones are read from registered sources at scrape time, the others are recorded."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str
    source: bool = False


DEFINITIONS = (
    Definition("ece_widget_info", "gauge", ("version",), "Always 1; the version as a label.", source=True),
    Definition(
        "ece_widget_decisions_total",
        "counter",
        ("entry_point", "state", "reason"),
        "Public answers (status and launcher, 304 too) by what they said; reason is empty where chat is available.",
        source=True,
    ),
    Definition(
        "ece_widget_state",
        "gauge",
        ("entry_point", "state"),
        "1 for the state that visitors are served now, 0 for the others; none while a visitor would wait for ECE.",
        source=True,
    ),
    Definition(
        "ece_widget_shown", "gauge", ("entry_point",), "Whether visitors are shown the button now.", source=True
    ),
    Definition(
        "ece_widget_within_hours",
        "gauge",
        ("entry_point",),
        "Whether the entry point is enabled and within its opening hours.",
        source=True,
    ),
    Definition(
        "ece_widget_wait_seconds", "gauge", ("entry_point",), "ECE's wait time that is served now.", source=True
    ),
    Definition(
        "ece_widget_queue_depth", "gauge", ("entry_point",), "ECE's queue depth that is served now.", source=True
    ),
    Definition("ece_widget_capacity", "gauge", ("entry_point",), "ECE's capacity that is served now.", source=True),
    Definition(
        "ece_widget_clicks_total",
        "counter",
        ("entry_point", "outcome"),
        "Visitors who asked for a chat: opened, or the reason why not.",
        source=True,
    ),
    Definition(
        "ece_widget_settings_info",
        "gauge",
        ("hash",),
        "Always 1; a hash of the settings, secrets left out.",
        source=True,
    ),
    Definition(
        "ece_widget_snapshot_age_seconds",
        "gauge",
        ("entry_point",),
        "Seconds since ECE gave the readings that are served.",
        source=True,
    ),
    Definition(
        "ece_widget_breaker_state",
        "gauge",
        ("entry_point", "call"),
        "Circuit breaker: 0 closed, 1 half-open, 2 open; both labels empty for ECE's host.",
        source=True,
    ),
    Definition("ece_widget_shared_up", "gauge", (), "Whether the server that the fleet shares answers.", source=True),
    Definition("ece_widget_ece_calls_total", "counter", ("call", "outcome"), "Calls to ECE; outcome ok or the fault."),
    Definition("ece_widget_ece_call_seconds", "histogram", ("call",), "Time of a call to ECE, failed ones too."),
    Definition("ece_widget_requests_total", "counter", ("route", "method", "status"), "Requests by route pattern."),
    Definition("ece_widget_request_seconds", "histogram", ("route",), "Time to the whole answer by route pattern."),
    Definition(
        "ece_widget_outbox_messages",
        "gauge",
        ("state",),
        "Waiting and dead rows of the outbox at the last look.",
        source=True,
    ),
    Definition(
        "ece_widget_outbox_waiting",
        "gauge",
        ("destination",),
        "Waiting rows of the outbox at the last look, by where they go.",
        source=True,
    ),
    Definition(
        "ece_widget_outbox_oldest_seconds",
        "gauge",
        ("state",),
        "Age of the oldest row in this state at the last look.",
        source=True,
    ),
    Definition(
        "ece_widget_surveys_total",
        "counter",
        ("outcome",),
        "Surveys: begun (the form was opened), accepted and repeated (thanked for), faulty, refused.",
        source=True,
    ),
    Definition(
        "ece_widget_messages_total",
        "counter",
        ("outcome",),
        "Messages left: accepted and repeated (thanked for), faulty, limited (too soon after another), refused.",
        source=True,
    ),
    Definition(
        "ece_widget_deliveries_total",
        "counter",
        ("outcome",),
        "Attempts to deliver a row of the outbox: delivered, retried, dead, possible_double, lost_lease; of the "
        "failures failed_over_row (only this row waits) and failed_whatever_the_row (the destination serves nobody).",
        source=True,
    ),
    Definition(
        "ece_widget_dead_letters_total",
        "counter",
        ("cause",),
        "Rows given up and kept: refused, age (tried for longer than max_age), unreadable.",
        source=True,
    ),
    Definition(
        "ece_widget_destination_state",
        "gauge",
        ("destination",),
        "Deliveries: 0 free, 1 in doubt since it failed over many rows, 2 stopped but for probes.",
        source=True,
    ),
    Definition(
        "ece_widget_tickets_total",
        "counter",
        ("outcome",),
        "Launch tickets: issued, taken up, or why refused.",
        source=True,
    ),
    Definition(
        "ece_widget_problems_total", "counter", ("route", "code"), "Requests answered with a fault, by its stable code."
    ),
    Definition("ece_widget_rate_limited_total", "counter", ("limit",), "Requests answered 429."),
    Definition(
        "ece_widget_connections_closed_total",
        "counter",
        ("reason",),
        "Connections that the guard closed, or requests that it refused.",
        source=True,
    ),
    Definition("ece_widget_open_connections", "gauge", (), "Connections that are open.", source=True),
    Definition("ece_widget_settings_reloads_total", "counter", ("outcome",), "SIGHUP: applied or refused."),
)
