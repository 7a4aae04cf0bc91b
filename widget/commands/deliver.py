"""`ece-widget deliver`: the delivery loop alone, for a fleet whose web servers run with --no-delivery."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from widget import settings, telemetry
from widget.commands.options import config_option, load_settings

if TYPE_CHECKING:
    from widget.services import Services


@click.command()
@config_option
def deliver(config: Path | None) -> None:
    """Deliver surveys to ECE until stopped; several may run at once, on several machines with PostgreSQL."""
    found = load_settings(config)
    telemetry.configure(found.server.log_level)
    from widget.services import build
    from widget.store import StoreRefused

    try:
        services = build(found)
        asyncio.run(_until_signalled(services))
    except settings.SettingsFaults as faults:
        click.echo(str(faults), err=True)
        sys.exit(2)
    except StoreRefused as refusal:
        click.echo(str(refusal), err=True)
        sys.exit(1)
    assert services.delivery is not None
    counts = services.delivery.counts
    click.echo(
        f"Stopped: {counts.delivered} delivered, {counts.retried} to be tried again, {counts.dead} given up", err=True
    )


async def _until_signalled(services: Services) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await services.start()
    click.echo(f"Delivering surveys to ECE at {services.settings.ece.base_url}; Ctrl-C stops", err=True)
    try:
        await stop.wait()
    finally:
        await services.stop()
