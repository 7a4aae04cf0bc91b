"""What a server is to serve, and on which ports: told to each worker, which builds it for itself."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from starlette.types import ASGIApp

from widget.server.current_application import FastExit
from widget.server.guard import Deadlines
from widget.server.ports import refuse_twice, take_port
from widget.settings import Settings
from widget.telemetry import Metrics


class Served(NamedTuple):
    """An application with its metrics, as `build` makes them; `drain` has its /readyz say that it takes no more."""

    app: ASGIApp
    metrics: Metrics
    fast_exit: FastExit | None = None
    drain: Callable[[], None] = lambda: None


# From the settings, whether to deliver, and the metrics that go on (None at the start).
Build = Callable[[Settings, bool, Metrics | None], Served]


def build_served(settings: Settings, delivery: bool, metrics: Metrics | None) -> Served:
    """Build the product's application. Imported late: a supervisor of workers needs none of it."""
    from widget.app import create_app
    from widget.services.serving import build

    services = build(settings, delivery=delivery, metrics=metrics)
    try:
        app = create_app(settings, services=services)
    except BaseException:
        services.leave_metrics()  # else those that go on would read a reload that was refused
        raise
    # A limit on the public answers has to count each of them, which is the application's work.
    fast_exit = services.answers if settings.limits.public == "off" else None
    return Served(app, services.metrics, fast_exit, services.drain)


class Listeners(NamedTuple):
    """The server's socket, and one for the /metrics of each worker where there are any."""

    server: socket.socket
    metrics: tuple[socket.socket, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What every worker is told; travels to spawned processes. `drain` is in seconds."""

    config: Path
    delivery: bool
    build: Build
    deadlines: Deadlines
    drain: float = 0.0

    def take_ports(self, settings: Settings, host: str, port: int, *, workers: int) -> Listeners:
        """Take the server's port, and one for the /metrics of each worker: `metrics_listen`, counted up.

        Raise PortTaken. All are this process' own: two processes on one port would each answer a part of the scrapes.
        Workers inherit theirs, so that a successor has it while the worker still answers there.
        """
        metrics_host, _, first = settings.server.metrics_listen.rpartition(":")
        with ExitStack() as taken:
            server = taken.enter_context(take_port(host, port, option="--port", host_option="--host"))
            metrics = [
                taken.enter_context(
                    take_port(metrics_host.strip("[]"), int(first) + worker, option="metrics_listen in [server]")
                )
                for worker in range(workers if metrics_host else 0)
            ]
            refuse_twice([server, *metrics], option="metrics_listen in [server]")
            taken.pop_all()
        return Listeners(server, tuple(metrics))
