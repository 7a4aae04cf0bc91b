"""`ece-widget surveys`: look into the outbox of surveys, messages and alerts; send dead ones again, export, forget."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from widget import telemetry
from widget.commands.moments import seconds, since_option, until_option
from widget.commands.options import config_option, json_option, load_settings, print_json, typed_sid
from widget.commands.progress import progress
from widget.commands.survey_files import FORMATS, as_json_object, is_standard, opened, printable
from widget.commands.survey_tables import counts_object, counts_table, rows_table
from widget.commands.terminal import console, fail
from widget.domain.errors import OutboxUnavailable
from widget.domain.message import person
from widget.domain.outbox import LARGEST_ROW, LONGEST_SID, MessageState, RowKind, valid_sid
from widget.domain.spreadsheet import BYTE_ORDER_MARK
from widget.settings import Settings
from widget.store.command_outbox import CommandOutbox, command_outbox
from widget.store.faults import StoreRefused
from widget.store.operating import Selection

_row = click.IntRange(1, LARGEST_ROW)

kind_option: Callable[[Any], Any] = click.option(
    "--kind",
    "kinds",
    type=click.Choice([kind.value for kind in RowKind]),
    multiple=True,
    callback=lambda _, __, names: tuple(map(RowKind, names)),
    help="Only these; may be repeated.",
)
state_option: Callable[[Any], Any] = click.option(
    "--state",
    "states",
    type=click.Choice([state.value for state in MessageState]),
    multiple=True,
    callback=lambda _, __, names: tuple(map(MessageState, names)),
    help="Only these; may be repeated.",
)


@click.group()
def surveys() -> None:
    """Look into the outbox of surveys, messages and alerts: list, show, retry, export, purge."""


@surveys.command("list")
@state_option
@kind_option
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0, 10_000), help="How many rows, newest.")
@json_option
@config_option
def list_(
    states: tuple[MessageState, ...], kinds: tuple[RowKind, ...], limit: int, as_json: bool, config: Path | None
) -> None:
    """Count the rows by state and list the newest."""
    found = load_settings(config)
    selection = Selection(states=states, kinds=kinds, everything=not states and not kinds)
    with _store(found) as store:
        counts, rows = store.counts(), store.newest(selection, limit)
    if as_json:
        print_json(counts_object(counts) | {"rows": [as_json_object(row, answers=False) for row in rows]})
        return
    output = console()
    output.print(counts_table(counts))
    for name, number in counts.undeliverable(found.destinations).items():
        waiting = "1 row waits" if number == 1 else f"{number} rows wait"
        output.print(Text(f"{waiting} for {printable(name)}, which is not in the settings."))
    if rows:
        output.print(rows_table(rows))


@surveys.command()
@click.argument("row", type=_row)
@json_option
@config_option
def show(row: int, as_json: bool, config: Path | None) -> None:
    """Show one survey, message or alert with what was written. ROW is the number that `list` prints."""
    with _store(load_settings(config)) as store:
        found = next(store.rows(Selection(ids=(row,))), None)
    if found is None:
        fail(f"There is no survey number {row}.")
    if as_json:
        print_json(as_json_object(found))
        return
    output = console()
    about = Table(show_header=False, box=None)
    for name, value in as_json_object(found, answers=False).items():
        about.add_row(Text(name, style="bold"), Text("-" if value is None else printable(str(value))))
    output.print(about)
    for answer in found.answers or ():
        output.print(Text(printable(answer.question), style="bold"), soft_wrap=True)
        output.print(Text("  " + printable(answer.answer)), soft_wrap=True)
    if found.faults:
        output.print(f"This row cannot be read: {'; '.join(found.faults)}. It is not delivered; the others are.")
    elif found.answers is None:
        output.print("The answers were purged.")


@surveys.command()
@click.argument("rows", type=_row, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All dead ones.")
@config_option
def retry(rows: tuple[int, ...], everything: bool, config: Path | None) -> None:
    """Send dead surveys, messages and alerts again, with all their attempts and their time before them."""
    if bool(rows) == everything:
        raise click.UsageError("Name the rows to send again, or --all for every dead one.")
    with _store(load_settings(config)) as store:
        again = store.send_again(Selection(ids=rows, states=(MessageState.DEAD,)), now=_now())
    wanted = len(set(rows))
    click.echo(f"{_counted(again)} will be sent again.")
    if again < wanted:
        fail(f"{wanted - again} of the named rows {'is' if wanted - again == 1 else 'are'} not dead, or not there.")


@surveys.command()
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="csv", show_default=True)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="A new file; default and -: standard output."
)
@state_option
@kind_option
@since_option
@until_option
@click.option("--entry-point", help="Only of this entry point.")
@click.option("--survey", help="Only of this survey.")
@click.option("--bom", is_flag=True, help="Begin a CSV with the mark by which spreadsheets know UTF-8.")
@config_option
def export(
    form: str,
    output: Path | None,
    states: tuple[MessageState, ...],
    kinds: tuple[RowKind, ...],
    since: datetime | None,
    until: datetime | None,
    entry_point: str | None,
    survey: str | None,
    bom: bool,
    config: Path | None,
) -> None:
    """Export what was written: a CSV line for each answer or field, or a JSON line for each row."""
    if bom and form != "csv":
        raise click.UsageError("--bom is for spreadsheets, which read --format csv.")
    if since is not None and until is not None and since >= until:
        raise click.UsageError(f"--since {since:%Y-%m-%d %H:%M} is not before --until {until:%Y-%m-%d %H:%M} (UTC).")
    selection = Selection(
        states=states or _WITH_ANSWERS,
        kinds=kinds,
        accepted_from=since,
        accepted_before=until,
        entry_point=entry_point,
        survey=survey,
    )
    with _store(load_settings(config)) as store, opened(output) as stream:
        number, unreadable = 0, []
        with progress("Exporting", store.number_of(selection)) as advance:
            if bom:
                stream.write(BYTE_ORDER_MARK)
            write = FORMATS[form](stream)
            for row in store.rows(selection):
                write(row)
                number += 1
                if row.faults:
                    unreadable.append(row.id)
                advance(1)
    click.echo(f"{_counted(number)} exported{'' if is_standard(output) else f' to {output}'}.", err=True)
    _name_unreadable(unreadable)


@surveys.command()
@click.option(
    "--older-than", type=seconds, metavar="TIME", help='Delivered and dead ones settled longer ago than this, as "30d".'
)
@click.option("--sid", help='One chat\'s, whatever their state; "-" reads the sid from standard input.')
@click.option(
    "--email", help='Messages of one person, whatever their state; "-" reads the address from standard input.'
)
@click.option(
    "--row",
    "rows",
    type=click.IntRange(-LARGEST_ROW - 1, LARGEST_ROW),
    multiple=True,
    help="The row of this number; may be repeated.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
def purge(
    older_than: float | None,
    sid: str | None,
    email: str | None,
    rows: tuple[int, ...],
    yes: bool,
    config: Path | None,
) -> None:
    """Forget what was written and by whom for good; a keyed hash stays, so that a replay still changes nothing."""
    if (older_than is not None) + (sid is not None) + (email is not None) + bool(rows) != 1:
        raise click.UsageError("Say which: --older-than TIME, --sid SID, --email ADDRESS, or --row ROW.")
    if rows:
        selection = Selection(ids=rows)
    elif sid is not None:
        selection = Selection(sid=_sid(sid))
    elif email is not None:
        selection = Selection(person=person(_typed(email)))
    elif older_than is not None:
        selection = Selection(settled_before=_now() - timedelta(seconds=older_than))
    noun = "survey" if email is None else "message"
    with _store(load_settings(config)) as store:
        unreadable = store.set_aside(selection)
        number = store.number_of(selection)
        if number and not yes and sys.stdin.isatty() and sys.stdout.isatty():
            click.confirm(f"Forget what is written in {_counted(number, noun)} for good?", abort=True)
        done = 0
        with progress("Purging", number) as advance:
            for page in store.purge(selection, now=_now()):
                done += page
                advance(page)
        # also when there was nothing: an earlier purge may have been broken off before this
        left = store.erase_freed()
    click.echo(f"{_counted(done, noun)} purged.")
    _name_unreadable(unreadable)
    if left is not None:
        fail(left)


_WITH_ANSWERS = tuple(state for state in MessageState if state is not MessageState.PURGED)


@contextmanager
def _store(found: Settings) -> Iterator[CommandOutbox]:
    """Open the outbox of the settings; a database that is refused or fails is one sentence and exit code 1."""
    telemetry.configure("warning")
    try:
        with command_outbox(found.storage.url.get_secret_value()) as store:
            yield store
    except StoreRefused as refusal:
        fail(str(refusal))
    except OutboxUnavailable as error:
        fail(f"The outbox cannot be used now: {error}.")


def _now() -> datetime:
    return datetime.now(UTC)


def _name_unreadable(ids: list[int]) -> None:
    if ids:
        named = ", ".join(map(str, ids[:20])) + (", …" if len(ids) > 20 else "")
        click.echo(f"Of these {len(ids)} could not be read: {named}.", err=True)


def _typed(given: str) -> str:
    return typed_sid(LONGEST_SID) if given == "-" else given


def _sid(given: str) -> str:
    given = _typed(given)
    if not valid_sid(given):
        raise click.BadParameter(f"a session id has 1 to {LONGEST_SID} printable characters", param_hint="--sid")
    return given


def _counted(number: int, noun: str = "survey") -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
