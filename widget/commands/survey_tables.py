"""What `ece-widget surveys list` prints: the outbox' counts and its rows."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from widget.commands.moments import shown
from widget.commands.survey_files import printable
from widget.domain.outbox import OutboxCounts, OutboxRow, RowKind


def counts_object(counts: OutboxCounts) -> dict[str, Any]:
    """Return the counts as JSON has them."""
    return {
        "counts": {state.value: number for state, number in counts.by_state.items()},
        "oldestWaiting": shown(counts.oldest_waiting),
        "waitingFor": dict(counts.waiting_for),
        "possibleDoubles": counts.possible_doubles,
    }


def counts_table(counts: OutboxCounts) -> Table:
    """Return a row for each state, and what waits longest."""
    table = Table("state", "surveys", title="Outbox", title_justify="left")
    for state, number in counts.by_state.items():
        table.add_row(state.value, str(number))
    oldest = counts.oldest_waiting
    waiting = "nothing waits" if oldest is None else f"the oldest waits since {oldest:%Y-%m-%d %H:%M:%S} UTC"
    table.caption = f"{waiting}; possible doubles: {counts.possible_doubles}"
    return table


def rows_table(rows: list[OutboxRow]) -> Table:
    """Return a row for each row of the outbox."""
    table = Table("row", "state", "chat", "entry point", "survey", "accepted (UTC)", "attempts", "reason")
    for row in rows:
        table.add_row(
            str(row.id),
            row.state.value,
            row.fingerprint or "-",
            Text(printable(row.entry_point)),
            Text(printable(_named(row))),
            "-" if row.accepted_at is None else f"{row.accepted_at:%Y-%m-%d %H:%M:%S}",
            str(row.attempts),
            Text(printable(row.reason or "")),
        )
    return table


def _named(row: OutboxRow) -> str:
    """Return what a row is: the survey's name, `(message)`, or that a survey's name stands for an alert about it."""
    return row.survey if row.kind == RowKind.SURVEY else f"{row.survey} ({row.kind})".strip()
