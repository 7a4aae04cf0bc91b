"""What a server is to serve, and on which ports: told to each worker, which builds it for itself."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from widget.server.guard import Deadlines
from widget.server.ports import PortTaken, listen
from widget.settings import Settings
from widget.telemetry import Metrics


@dataclass(frozen=True, slots=True)
class Served:
    """An application and its metrics, as `build` makes them from the settings."""

    app: ASGIApp
    metrics: Metrics


# From the settings, whether to deliver, and the metrics that go on (None at the start).
Build = Callable[[Settings, bool, Metrics | None], Served]


def build_served(settings: Settings, delivery: bool, metrics: Metrics | None) -> Served:
    """Build the product's application. Imported late: a supervisor of workers needs none of it."""
    from widget.app import create_app
    from widget.services import build

    services = build(settings, delivery=delivery, metrics=metrics)
    return Served(create_app(settings, services=services), services.metrics)


@dataclass(frozen=True, slots=True)
class Plan:
    """What every worker is told; travels to spawned processes."""

    config: Path
    delivery: bool
    build: Build
    deadlines: Deadlines

    def take_ports(self, settings: Settings, host: str, port: int, *, workers: int) -> socket.socket:
        """Take the server's port, and see that those for /metrics are others and free; raises PortTaken."""
        listener = listen(host, port, option="--port", host_option="--host")
        try:
            for worker in range(workers):
                if (metrics := self.metrics_listener(settings, worker=worker, shared=False)) is not None:
                    metrics.close()
        except PortTaken:
            listener.close()
            raise
        return listener

    def metrics_listener(self, settings: Settings, *, worker: int, shared: bool = True) -> socket.socket | None:
        """Take the worker's port for /metrics: `metrics_listen`, counted up by the worker's number.

        Shared, since a worker's successor takes the port while the worker still answers on it.
        """
        host, _, port = settings.server.metrics_listen.rpartition(":")
        if not host:
            return None
        return listen(host.strip("[]"), int(port) + worker, option="metrics_listen in [server]", shared=shared)
