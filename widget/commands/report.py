"""`ece-widget report`: what happened in a period, as a table, CSV or JSON."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from widget import telemetry
from widget.application.clock import Clock
from widget.application.history import History, Total
from widget.application.results import Report
from widget.commands import moments, survey_results
from widget.commands.moments import as_moment, shown
from widget.commands.options import config_option, json_option, load_settings, print_json
from widget.commands.terminal import WIDE, console, fail
from widget.domain.counted import AVAILABLE, COUNTS
from widget.domain.errors import OutboxUnavailable
from widget.domain.history import Spread
from widget.domain.readings import Reason
from widget.domain.spreadsheet import BYTE_ORDER_MARK, cell
from widget.services.operations import make_results
from widget.settings import Settings
from widget.store.command_outbox import command_outbox
from widget.store.faults import StoreRefused
from widget.store.history import HistoryStore

_SPREADS = ("wait", "queueDepth")
_PARTS = ("lowest", "mean", "highest")


@click.command()
@click.option(
    "--since", type=moments.time, default="7d", show_default=True, metavar="TIME", help='A day, a time, or "30d" ago.'
)
@click.option("--until", type=moments.end, metavar="TIME", help="Before this, default now; of a day, the end of it.")
@click.option("--entry-point", "entry_points", multiple=True, help="Only of this one; may be repeated.")
@click.option("--survey", "surveys", multiple=True, help="Results of this one; may be repeated. Default: all.")
@click.option("--by", type=click.Choice(["day", "week", "month"]), help="A line for each; default one for the period.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, not a table.")
@click.option("--bom", is_flag=True, help="Begin a CSV with the mark by which spreadsheets know UTF-8.")
@json_option
@config_option
def report(
    since: datetime | date,
    until: datetime | date | None,
    entry_points: tuple[str, ...],
    surveys: tuple[str, ...],
    by: str | None,
    as_csv: bool,
    bom: bool,
    as_json: bool,
    config: Path | None,
) -> None:
    """Report answers, clicks, tickets, wait and queue depth of a period for each entry point, and what surveys said.

    Days are those of the entry point's own time zone; times without an offset are UTC. Answers are those that this
    server gave: a CDN and open tabs stand between them and visitors. Clicks are exact. The days of surveys are UTC's. A
    CSV has one kind of rows: with --survey its results, else the history.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other.")
    if bom and not as_csv:
        raise click.UsageError("--bom is for spreadsheets, which read --csv.")
    end = until if until is not None else datetime.now(UTC)
    if as_moment(since) >= as_moment(end):
        raise click.UsageError("--since is not before --until.")
    found = load_settings(config)
    if not found.keeps_history:
        click.echo("The settings keep no history; what was kept before is reported. Set [history] enabled.", err=True)
    totals, results = _read(found, since, end, entry_points, surveys, by)
    if as_json:
        period = {"since": shown(since), "until": shown(end), "by": by}
        history = [_as_object(total) for total in totals]
        print_json({**period, "history": history, "surveys": [survey_results.as_object(each) for each in results]})
    elif as_csv:
        sys.stdout.write(BYTE_ORDER_MARK if bom else "")
        if surveys:
            survey_results.print_csv(results)
        else:
            _print_csv(totals)
    else:
        _print_table(totals, f"From {_in_words(since)} to before {_in_words(end)}.")
        survey_results.print_tables(results)


def _read(
    found: Settings,
    since: datetime | date,
    until: datetime | date,
    entry_points: Sequence[str],
    surveys: Sequence[str],
    by: str | None,
) -> tuple[list[Total], list[Report]]:
    telemetry.configure("error", stream=sys.stderr)
    url = found.storage.url.get_secret_value()
    try:
        with command_outbox(url):  # brings the database of an older release to this one's schema
            store = HistoryStore(url)
    except (StoreRefused, OutboxUnavailable) as error:
        fail(str(error))

    async def read() -> tuple[list[Total], list[Report]]:
        history = History(store, found.zones(), kept=True, clock=Clock())
        results = make_results(found, store)
        try:
            totals = await history.totals(since=since, until=until, entry_points=entry_points or None, by=by)
            days = [time.astimezone(UTC).date() if isinstance(time, datetime) else time for time in (since, until)]
            if isinstance(until, datetime):
                days[1] += timedelta(days=1)
            return totals, await survey_results.read(results, days[0], days[1], entry_points, surveys, by)
        finally:
            await store.close()

    try:
        return asyncio.run(read())
    except OutboxUnavailable as error:
        fail(f"The history cannot be read: {error}.")


def _as_object(total: Total) -> dict[str, Any]:
    first, last = total.days or (None, None)
    counts = total.counts
    spreads = {name: _parts(spread) for name, spread in zip(_SPREADS, (counts.wait, counts.depth), strict=True)}
    groups = {group: counts.of(group) for group in dict.fromkeys(group for group, _ in COUNTS)}
    return {"entryPoint": total.entry_point, "first": shown(first), "last": shown(last), **groups, **spreads}


def _parts(spread: Spread) -> dict[str, float | None]:
    mean = None if spread.mean is None else round(spread.mean, 1)
    return {"lowest": spread.lowest, "mean": mean, "highest": spread.highest}


def _print_csv(totals: Sequence[Total]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\r\n")  # RFC 4180
    spreads = [f"{name}_{part}" for name in _SPREADS for part in _PARTS]
    writer.writerow(["entryPoint", "first", "last", *("_".join(count) for count in COUNTS), *spreads])
    for total in totals:
        row = _as_object(total)
        numbers = [total.counts.numbers.get(count, 0) for count in COUNTS]
        parts = [row[name][part] for name in _SPREADS for part in _PARTS]
        writer.writerow(map(cell, [row["entryPoint"], row["first"], row["last"], *numbers, *parts]))


def _print_table(totals: Sequence[Total], period: str) -> None:
    if not totals:
        click.echo("Nothing was counted in this time.")
        return
    table = Table("period", "entry point", box=None, pad_edge=False)
    for name in ("answers", "shown", "clicks", "in vain", "tickets", "begun", "sent", "delivered", "wait", "waiting"):
        table.add_column(name, justify="right")
    for total in totals:
        counts = total.counts
        answers = counts.of("answers")
        all_answers, surveys = sum(answers.values()), counts.of("surveys")
        table.add_row(
            _period(total),
            Text(total.entry_point),
            str(all_answers),
            f"{answers.get(AVAILABLE, 0) / all_answers:.0%}" if all_answers else "",
            str(counts.opened + counts.in_vain),
            str(counts.in_vain),
            str(counts.of("tickets").get("issued", 0)),
            *(str(surveys.get(name, 0)) for name in ("begun", "sent", "delivered")),
            _spread(counts.wait, " s"),
            _spread(counts.depth),
        )
    console(WIDE).print(table)
    click.echo(f"{period} Shown: the part of the answers that chat is open. Wait and waiting: lowest / mean / highest.")
    click.echo(_why(totals))


def _why(totals: Sequence[Total]) -> str:
    """Return the reasons for which clicks opened no chat, the most frequent first."""
    refused = dict.fromkeys(Reason, 0)
    for total in totals:
        for name, number in total.counts.of("clicks").items():
            if name in refused:
                refused[Reason(name)] += number
    named = [f"{reason} {number}" for reason, number in sorted(refused.items(), key=lambda each: -each[1]) if number]
    return f"Clicks in vain by reason: {', '.join(named)}." if named else "No click was in vain."


def _period(total: Total) -> str:
    if total.days is None:
        return "whole time"
    first, last = total.days
    return first.isoformat() if first == last else f"{first.isoformat()} to {last.isoformat()}"


def _spread(spread: Spread, unit: str = "") -> str:
    return "" if spread.mean is None else f"{spread.lowest} / {spread.mean:.0f} / {spread.highest}{unit}"


def _in_words(time: datetime | date) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if isinstance(time, datetime) else time.isoformat()
