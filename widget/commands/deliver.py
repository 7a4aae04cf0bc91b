"""`ece-widget deliver`: the delivery loop alone, for a fleet whose web servers run with --no-delivery."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from widget import settings, telemetry
from widget.commands.options import config_option, load_settings
from widget.commands.terminal import fail
from widget.server import memory, signals

if TYPE_CHECKING:
    from widget.application.delivery import DeliveryCounts
    from widget.services.delivering import DeliveryServices


@click.command()
@config_option
def deliver(config: Path | None) -> None:
    """Deliver surveys to ECE until stopped; several may run at once, on several machines with PostgreSQL."""
    file = config or settings.default_file()
    found = load_settings(file)
    telemetry.configure(found.server.log_level)
    from widget.server.ports import PortTaken
    from widget.services.delivering import build_delivery
    from widget.store.faults import StoreRefused

    try:
        listener = _metrics_listener(found)
        counts = asyncio.run(_Delivering(file, build_delivery(found)).until_signalled(listener))
    except settings.SettingsFaults as faults:
        fail(str(faults), code=2)
    except (StoreRefused, PortTaken) as refusal:
        fail(str(refusal))
    click.echo(
        f"Stopped: {sum(each.delivered for each in counts)} delivered,"
        f" {sum(each.retried for each in counts)} to be tried again, {sum(each.dead for each in counts)} given up",
        err=True,
    )


class _Delivering:
    """The services of this command, replaced on SIGHUP by others with the settings as they are then."""

    def __init__(self, config: Path, services: DeliveryServices) -> None:
        self._config = config
        self._services = services
        self._counts = [_counts(services)]

    async def until_signalled(self, listener: socket.socket | None) -> list[DeliveryCounts]:
        """Deliver, with /metrics on `listener`; return what was done, one entry for each reading of the settings."""
        loop = asyncio.get_running_loop()
        signalled: asyncio.Queue[int] = asyncio.Queue()

        def note(number: int, _: FrameType | None) -> None:
            if number != signals.RELOADING or signalled.empty():  # a reload that waits reads what others ask for too
                loop.call_soon_threadsafe(signalled.put_nowait, number)

        with signals.handled(dict.fromkeys((*signals.STOPPING, signals.RELOADING), note)):
            await self._services.start()
            memory.set_aside()
            async with AsyncExitStack() as opened:
                opened.push_async_callback(lambda: self._services.stop())  # those that are then in use
                if listener is not None:
                    opened.callback((await self._serve_metrics(listener)).close)
                base_url = self._services.settings.ece.base_url
                click.echo(f"Delivering surveys to ECE at {base_url}; Ctrl-C stops", err=True)
                while await signalled.get() == signals.RELOADING:
                    await self._renew()
        return self._counts

    async def _serve_metrics(self, listener: socket.socket) -> asyncio.Server:
        from uvicorn.server import ServerState

        from widget.server.configuration import metrics_app, serve_app
        from widget.server.guard import Deadlines, Guard
        from widget.server.ports import listen
        from widget.web.edge.context import new_request_id

        guard = Guard(new_id=new_request_id, deadlines=Deadlines())
        metrics = self._services.metrics  # also of the services that will follow these
        metrics.add_source(guard.samples)
        app = metrics_app(metrics, lambda: self._services.settings)
        listen(listener)
        return await serve_app(app, listener, guard=guard, state=ServerState())

    async def _renew(self) -> None:
        """Start services with the settings as they are now, then stop the old ones; faults change nothing."""
        from widget.domain.errors import WidgetError
        from widget.server.reload import Refused, built_anew, log_applied, refused
        from widget.services.delivering import build_delivery

        metrics = self._services.metrics
        try:
            found, new = await built_anew(self._config, lambda found: build_delivery(found, metrics=metrics))
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
        del old
        memory.drop_replaced()


def _metrics_listener(found: settings.Settings) -> socket.socket | None:
    from widget.server.ports import take_port

    host, _, port = found.delivery.metrics_listen.rpartition(":")
    return take_port(host.strip("[]"), int(port), option="metrics_listen in [delivery]") if host else None


def _counts(services: DeliveryServices) -> DeliveryCounts:
    assert services.delivery is not None
    return services.delivery.counts
