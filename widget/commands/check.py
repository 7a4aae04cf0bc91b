"""`ece-widget check`: an operator's doctor for the settings and for ECE."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from widget import settings
from widget.commands.options import config_option, json_option, load_settings, print_json
from widget.commands.progress import progress
from widget.commands.streams import can_write
from widget.commands.terminal import console, fail
from widget.doctor import Diagnosis, Finding, Report, Service, Severity, examine
from widget.doctor.browsing import Page, Unreached, visit
from widget.doctor.other_services import shared_service, smtp_failure, smtp_service, storage_service, webhook_service
from widget.domain.errors import DeliveryError
from widget.domain.readings import Call

if TYPE_CHECKING:
    from widget.mail import MailServer
    from widget.shared import SharedServer
    from widget.webhooks import WebhookSink

_PAGE_TIMEOUT = 5.0  # seconds for each step of fetching a chat page
_SHARED_TIMEOUT = 2.0  # seconds; longer than a running process waits, so that a slow name look-up is no fault


@click.command()
@config_option
@json_option
@click.option("--offline", is_flag=True, help="Judge the settings and the themes alone; ask nobody.")
def check(config: Path | None, as_json: bool, offline: bool) -> None:
    """Validate the settings, ask ECE everything, open storage, [shared], [smtp] and webhooks, and say what is wrong."""
    found = load_settings(config)
    from widget.application.clock import Clock
    from widget.application.launch import ChatAddresses
    from widget.ece.client import EceClient
    from widget.services.pages import load_pages
    from widget.store.choose import choose_database
    from widget.store.faults import StoreRefused
    from widget.web.designers.findings import findings

    try:
        client = EceClient(found.ece)
        database = choose_database(found.storage.url.get_secret_value())  # opens nothing yet
    except (settings.SettingsFaults, StoreRefused) as faults:
        fail(str(faults), code=2)
    pages = load_pages(found, Clock())
    warnings = [f"{each.about}: {each.words}" for each in findings(pages, now=datetime.now(UTC))]
    if offline:
        asyncio.run(client.aclose())
        print_offline([*settings.warnings(found, today=datetime.now(UTC).date()), *warnings], as_json=as_json)
        return
    addresses = ChatAddresses(found.entry_points, ticket=lambda _name, _locale: "check")
    report = asyncio.run(_examine(found, client, warnings, addresses, list(_services(found, database))))
    if as_json:
        print_json(as_table(report), indent=2)
    else:
        print_report(report, console())
    sys.exit(0 if report.all_well else 1)


def print_offline(warnings: list[str], *, as_json: bool) -> None:
    """Print what is unwise; settings that cannot be used have ended the command before."""
    if as_json:
        print_json({"warnings": warnings}, indent=2)
        return
    for warning in warnings:
        click.echo(f"Warning: {warning}")
    click.echo("The settings can be used. Neither ECE nor the storage was asked.")


def _services(found: settings.Settings, database: Any) -> Iterator[Coroutine[None, None, Service]]:
    """Yield what opens each service as a server would, without sending anything."""
    from widget.mail import MailServer
    from widget.webhooks import WebhookSink

    yield _storage(database, found.destinations)
    if found.smtp is not None:
        yield _smtp(MailServer.of(found.smtp), found.smtp)
    for name, each in found.webhooks.items():
        yield _webhook(name, WebhookSink(each))
    if found.shared is not None:
        from widget.shared import SharedServer

        yield _shared(SharedServer(found.shared.url.get_secret_value(), longest_wait=_SHARED_TIMEOUT))


async def _storage(database: Any, destinations: Sequence[str]) -> Service:
    from widget.store.trial import try_storage

    return storage_service(await asyncio.to_thread(try_storage, database), destinations)


async def _smtp(server: MailServer, own: settings.SmtpSettings) -> Service:
    from widget.mail import reach

    try:
        reached = await reach(server, own.sender, own.to)
    except DeliveryError as failure:
        return smtp_failure(failure)
    return smtp_service(encrypted=reached.encrypted, refused=reached.refused)


async def _webhook(name: str, sink: WebhookSink) -> Service:
    try:
        return webhook_service(name, await sink.reach())
    except DeliveryError as failure:
        return webhook_service(name, failure)


async def _shared(server: SharedServer) -> Service:
    async with aclosing(server):
        return shared_service(await server.tried())


async def _examine(
    found: settings.Settings,
    client: Any,
    warnings: list[str],
    addresses: Callable[[str, str | None], str],
    services: Sequence[Coroutine[None, None, Service]],
) -> Report:
    async def open_chat_page(name: str) -> tuple[str, Page | Unreached]:
        address = addresses(name, None)
        return address, await asyncio.to_thread(visit, address, timeout=_PAGE_TIMEOUT)

    with progress("Asking ECE", len(found.entry_points) * len(Call)) as advance:
        async with aclosing(client):
            return await examine(
                found,
                client.probe,
                now=datetime.now(UTC),
                asked=lambda: advance(1),
                open_chat_page=open_chat_page,
                try_services=services,
                warnings=warnings,
            )


def print_report(report: Report, console: Console) -> None:
    """Print the calls, the decisions, and in words what is wrong and what to change."""
    console.print(_calls(report))
    arrow = "→" if can_write("→") else "->"

    def line(text: str, style: str = "") -> None:
        console.print(Text(text, style=style), soft_wrap=True)  # addresses stay whole, to be copied

    for diagnosis in report.diagnoses:
        line(f"{diagnosis.entry_point}: {decision_in_words(diagnosis)}", "bold")
    for service in report.services:
        line(f"{service.section}: {service.state}", "bold")
    everybody = len(report.diagnoses)
    found = [
        *(
            (finding, ", ".join(names) if len(names) < max(everybody, 4) else "all entry points")
            for finding, names in report.grouped().items()
        ),
        *((finding, service.section) for service in report.services for finding in service.findings),
    ]
    for finding, which in found:
        wrong = finding.severity is Severity.WRONG
        line(f"{'Wrong' if wrong else 'Note'}: {which}: {finding.what}", "red" if wrong else "")
        if finding.change:
            line(f"  {arrow} {finding.change}")
        if finding.address:
            line(f"  {arrow} To open in a browser on this machine: {finding.address}")
    for warning in report.warnings:
        line(f"Warning: {warning}", "yellow")
    if report.all_well:
        line("All well.")


def _calls(report: Report) -> Table:
    calls = Table("entry point", "call", "status", "time", "understood", title="What ECE answers", title_justify="left")
    for diagnosis in report.diagnoses:
        for number, asked in enumerate(diagnosis.calls):
            probe = asked.probe
            calls.add_row(
                Text(f"{diagnosis.entry_point} ({diagnosis.id})" if number == 0 else ""),
                Text(probe.call + ("" if asked.used else " (not used)"), style="" if asked.used else "dim"),
                "-" if probe.status is None else str(probe.status),
                f"{probe.elapsed * 1000:.0f} ms",
                Text(asked.understood, style="" if probe.error is None else "red"),
                end_section=number == len(diagnosis.calls) - 1,
            )
    return calls


def decision_in_words(diagnosis: Diagnosis) -> str:
    """Return what visitors see now, and why."""
    decision = diagnosis.decision
    what = "the button shows" if decision.show else "the button does not show"
    why = f"{decision.state}" + (f", {decision.reason}" if decision.reason else "")
    numbers = [
        f"{word} {value}{unit}"
        for word, value, unit in (
            ("wait", decision.wait_time, " s"),
            ("place", decision.position, ""),
            ("capacity", decision.capacity, ""),
        )
        if value is not None
    ]
    opens = [f"opens {decision.opens_at:%Y-%m-%d %H:%M} UTC"] if decision.opens_at else []
    return f"{what} ({'; '.join([why, *numbers, *opens])})"


def as_table(report: Report) -> dict[str, Any]:
    """Return the report as JSON has it, in the words of the public answers."""
    return {
        "allWell": report.all_well,
        "entryPoints": [_entry_point(diagnosis) for diagnosis in report.diagnoses],
        **{
            service.section: {
                "state": service.state,
                "schema": service.schema,
                "newestSchema": service.newest,
                "findings": [_finding(finding) for finding in service.findings],
            }
            for service in report.services
        },
        "warnings": list(report.warnings),
    }


def _entry_point(diagnosis: Diagnosis) -> dict[str, Any]:
    decision = diagnosis.decision
    return {
        "entryPoint": diagnosis.entry_point,
        "id": diagnosis.id,
        "calls": [
            {
                "call": asked.probe.call,
                "address": asked.address,
                "used": asked.used,
                "status": asked.probe.status,
                "milliseconds": round(asked.probe.elapsed * 1000, 1),
                "contentType": asked.probe.content_type,
                "understood": asked.understood,
                "error": asked.probe.error.code if asked.probe.error is not None else None,
            }
            for asked in diagnosis.calls
        ],
        "decision": {
            "show": decision.show,
            "state": decision.state,
            "reason": decision.reason,
            "waitTime": decision.wait_time,
            "queueDepth": decision.queue_depth,
            "position": decision.position,
            "capacity": decision.capacity,
            "opensAt": decision.opens_at.isoformat().replace("+00:00", "Z") if decision.opens_at else None,
        },
        "findings": [_finding(finding) for finding in diagnosis.findings],
    }


def _finding(finding: Finding) -> dict[str, str | None]:
    return {
        "severity": finding.severity,
        "what": finding.what,
        "change": finding.change,
        "address": finding.address or None,
    }
