"""`ece-widget deliver`: the delivery loop alone, for a fleet whose web servers run with --no-delivery."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from widget import settings, telemetry
from widget.commands.options import config_option, load_settings
from widget.server import signals

if TYPE_CHECKING:
    from widget.application.delivery import DeliveryCounts
    from widget.services import Services


@click.command()
@config_option
def deliver(config: Path | None) -> None:
    """Deliver surveys to ECE until stopped; several may run at once, on several machines with PostgreSQL."""
    file = config or settings.default_file()
    found = load_settings(file)
    telemetry.configure(found.server.log_level)
    from widget.services import build
    from widget.store import StoreRefused

    try:
        counts = asyncio.run(_Delivering(file, build(found)).until_signalled())
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


class _Delivering:
    """The services of this command, replaced on SIGHUP by others with the settings as they are then."""

    def __init__(self, config: Path, services: Services) -> None:
        self._config = config
        self._services = services
        self._counts = [_counts(services)]
        self._told = asyncio.Event()
        self._stop = False
        self._hung_up = False

    async def until_signalled(self) -> list[DeliveryCounts]:
        """Deliver; gives what was done, an entry for each time that settings were read."""
        loop = asyncio.get_running_loop()

        def note(number: int, _: FrameType | None) -> None:
            self._stop = self._stop or number != signals.RELOADING
            self._hung_up = self._hung_up or number == signals.RELOADING
            loop.call_soon_threadsafe(self._told.set)

        with signals.handled(dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), note)):
            await self._services.start()
            click.echo(f"Delivering surveys to ECE at {self._services.settings.ece.base_url}; Ctrl-C stops", err=True)
            try:
                while not self._stop:
                    if self._hung_up:
                        self._hung_up = False
                        await self._renew()
                    await self._told.wait()
                    self._told.clear()
            finally:
                await self._services.stop()
        return self._counts

    async def _renew(self) -> None:
        """Let services with the settings as they are now begin, then the old ones end; faults change nothing."""
        from widget.domain.errors import WidgetError
        from widget.server.reload import Refused, built_anew, log_applied, refused
        from widget.services import build

        try:
            found, new = await built_anew(self._config, build)
            try:
                await new.start()
            except WidgetError as error:
                raise refused(error) from error
        except Refused as refusal:
            refusal.log()
            return
        telemetry.configure(found.server.log_level)
        self._services, old = new, self._services
        self._counts.append(_counts(new))
        log_applied(old.settings, found)
        await old.stop()


def _counts(services: Services) -> DeliveryCounts:
    assert services.delivery is not None
    return services.delivery.counts
