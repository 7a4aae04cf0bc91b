"""`ece-widget deliver`: the delivery loop alone, for a fleet whose web servers run with --no-delivery."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from widget import settings, telemetry
from widget.commands.options import config_option, load_settings

if TYPE_CHECKING:
    from widget.delivery import DeliveryCounts
    from widget.services import Services


@click.command()
@config_option
def deliver(config: Path | None) -> None:
    """Deliver surveys to ECE until stopped; several may run at once, on several machines with PostgreSQL.

    SIGHUP reads the settings, keys and certificates again.
    """
    found, file = load_settings(config), config or settings.default_file()
    telemetry.configure(found.server.log_level)
    from widget.services import build
    from widget.store import StoreRefused

    try:
        counts = asyncio.run(_until_signalled(build(found), lambda: build(settings.load(file))))
    except settings.SettingsFaults as faults:
        click.echo(str(faults), err=True)
        sys.exit(2)
    except StoreRefused as refusal:
        click.echo(str(refusal), err=True)
        sys.exit(1)
    delivered, retried, dead = (
        sum(getattr(each, name) for each in counts) for name in ("delivered", "retried", "dead")
    )
    click.echo(f"Stopped: {delivered} delivered, {retried} to be tried again, {dead} given up", err=True)


async def _until_signalled(services: Services, rebuilt: Callable[[], Services]) -> list[DeliveryCounts]:
    """Deliver until a signal, with the settings read again at each SIGHUP; gives what each counted."""
    stop, again = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number, event in ((signal.SIGINT, stop), (signal.SIGTERM, stop), (signal.SIGHUP, again)):
        loop.add_signal_handler(number, event.set)
    counts = [_counts(services)]
    await services.start()
    click.echo(f"Delivering surveys to ECE at {services.settings.ece.base_url}; Ctrl-C stops", err=True)
    try:
        while await _first_of(stop, again) is not stop:
            again.clear()
            if (fresh := await _reloaded(services, rebuilt)) is not None:
                services = fresh
                counts.append(_counts(services))
    finally:
        await services.stop()
    return counts


def _counts(services: Services) -> DeliveryCounts:
    assert services.delivery is not None
    return services.delivery.counts


async def _first_of(stop: asyncio.Event, again: asyncio.Event) -> asyncio.Event:
    waiting = {asyncio.create_task(event.wait()): event for event in (stop, again)}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return stop if stop.is_set() else again


async def _reloaded(services: Services, rebuilt: Callable[[], Services]) -> Services | None:
    """Let services with new settings take over; with faults nothing changes and there are none."""
    from widget.store import StoreRefused

    log = telemetry.logger()
    try:
        fresh = await asyncio.to_thread(rebuilt)
        await fresh.start()
    except settings.SettingsFaults as refusal:
        faults = [f"{fault.key}: {fault.allowed}" for fault in refusal.faults]
        log.error("settings_refused", faults=faults, note="the settings in use stay")
        return None
    except (StoreRefused, OSError, ValueError) as error:
        log.error("settings_refused", faults=[type(error).__name__], note="the settings in use stay")
        return None
    telemetry.configure(fresh.settings.server.log_level)
    await services.stop()
    log.info("settings_applied")
    return fresh
