"""`ece-widget status`: what a running server serves now, and why."""

from __future__ import annotations

import http.client
import json
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import click
from rich.table import Table
from rich.text import Text

from widget.commands.options import config_option, json_option, load_settings, print_json
from widget.commands.terminal import WIDE, console, fail
from widget.domain.decision import Decision
from widget.domain.evaluation import State
from widget.domain.readings import Reason
from widget.settings import EntryPointSettings, Settings

_TIMEOUT = 10.0  # seconds for each answer; the server itself waits at most `[ece] timeout`
_LONGEST_ANSWER = 100_000
_NUMBERS = {
    Reason.WAIT_TOO_LONG: ("wait_time", "max_wait", "s"),
    Reason.QUEUE_TOO_DEEP: ("queue_depth", "max_queue_depth", ""),
    Reason.NO_CAPACITY: ("capacity", "min_capacity", ""),
}


@click.command()
@click.argument("entry_point", required=False)
@click.option("--url", help="Where the server is asked, as http://127.0.0.1:8000; default [server] public_url.")
@config_option
@json_option
def status(entry_point: str | None, url: str | None, config: Path | None, as_json: bool) -> None:
    """Print what a running server serves now, and why, for ENTRY_POINT or for all."""
    found = load_settings(config)
    if entry_point is not None and entry_point not in found.entry_points:
        raise click.UsageError(f"no entry point is called {entry_point}; there are {', '.join(found.entry_points)}")
    names = [entry_point] if entry_point is not None else list(found.entry_points)
    rows = [_row(found, name, _ask(found, url, f"/v1/status/{name}")) for name in names]
    ready = _ask(found, url, "/readyz")
    notes = [f"{check['name']}: {check['reason']}" for check in ready.get("checks", []) if not check["ok"]]
    if as_json:
        print_json({"entryPoints": rows, "ready": ready.get("status"), "notes": notes}, indent=2)
        return
    table = Table("entry point", "shown", "state", "reason", "wait", "waiting", "as of", box=None, pad_edge=False)
    for row in rows:
        cells = (row["entryPoint"], "yes" if row["show"] else "no", row["state"], row["reason"] or "")
        numbers = (_shown(row["waitTime"], " s"), _shown(row["queueDepth"]), _shown(row["asOf"]))
        table.add_row(*map(Text, (*cells, *numbers)))
    console(WIDE).print(table)
    for line in (*(f"{row['entryPoint']}: {row['why']}" for row in rows), *(f"Note: {note}" for note in notes)):
        click.echo(line)


def _ask(found: Settings, url: str | None, path: str) -> dict[str, Any]:
    """Return the JSON that the server answers with, or end the command."""
    public = urlsplit(found.server.public_url)
    address = (url or found.server.public_url).rstrip("/") + path
    if urlsplit(address).scheme not in ("http", "https"):
        raise click.UsageError(f"--url is an address as http://127.0.0.1:8000, not {url}")
    # Not from the environment: a proxy for the outside would be asked for an address of this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(address, headers={"Host": public.netloc})  # noqa: S310 - http and https alone
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            body = answer.read(_LONGEST_ANSWER)
    except HTTPError as error:
        with error:
            body = error.read(_LONGEST_ANSWER)
        if error.code == 404:
            fail(f"The server at {address} does not know this entry point: reload its settings.")
        if error.code != 503:
            fail(f"{address} answers {error.code}; is that a server of ece-widget?")
    except (OSError, http.client.HTTPException, ValueError) as error:
        cause = getattr(error, "reason", error)
        fail(f"{address} cannot be asked: {cause}. Name another address with --url.")
    try:
        answered = json.loads(body)
    except ValueError:
        answered = None
    if not isinstance(answered, dict):
        fail(f"{address} does not answer with JSON; is that a server of ece-widget?")
    return answered


def _row(found: Settings, name: str, answered: dict[str, Any]) -> dict[str, Any]:
    from widget.web.designers.reasons import explain

    try:
        decision = Decision(
            entry_point=name,
            show=answered["show"],
            state=State(answered["state"]),
            reason=None if answered["reason"] is None else Reason(answered["reason"]),
            wait_time=answered["waitTime"],
            queue_depth=answered["queueDepth"],
            position=answered["position"],
            capacity=answered["capacity"],
            opens_at=None,
            as_of=None,
            next_check=answered["nextCheck"],
        )
    except (KeyError, ValueError):
        fail(f"The answer for {name} is not one of this release of ece-widget.")
    entry_point = found.entry_points[name]
    why = explain(decision, entry_point) + _numbers(decision, entry_point)
    if answered.get("opensAt"):
        why += f" It opens at {answered['opensAt']}."
    return {**answered, "why": why}


def _numbers(decision: Decision, entry_point: EntryPointSettings) -> str:
    """Return ECE's number against the limit that closed the button, where the answer has it."""
    if decision.reason not in _NUMBERS:
        return ""
    field, limit, unit = _NUMBERS[decision.reason]
    number, allowed = getattr(decision, field), getattr(entry_point, limit)
    if allowed is None:
        return ""
    said = "not shown to pages" if number is None else f"{number:g} {unit}".rstrip()
    return f" ({said}; {limit} is {allowed:g} {unit}".rstrip() + ")"


def _shown(value: Any, unit: str = "") -> str:
    return "" if value is None else f"{value}{unit}"
