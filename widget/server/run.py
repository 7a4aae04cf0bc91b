"""`serve`: the application on uvicorn, its connections guarded, as one process or several."""

from __future__ import annotations

import functools
import sys
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import click

from widget import __version__, telemetry
from widget.server import memory, signals
from widget.server.guard import Deadlines
from widget.server.plan import Build, Listeners, Plan, build_served
from widget.server.ports import PortTaken
from widget.server.reload import refused
from widget.server.widget_server import SENTENCES, WidgetServer
from widget.server.workers import Supervisor, files_of
from widget.settings import Settings, SettingsFaults
from widget.settings import warnings as warnings_of


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int,
    delivery: bool,
    reload: bool,
    config: Path,
    drain: float = 0.0,
    build: Build | None = None,
    deadlines: Deadlines | None = None,
) -> int:
    """Serve until a signal; return the exit code. `config` is the file that SIGHUP and the workers read.

    `drain` is for how many seconds a stop leaves the port open while /readyz answers 503.
    """
    telemetry.configure(settings.server.log_level)
    plan = Plan(config, delivery, build or build_served, deadlines or Deadlines(), drain)
    try:
        listeners = plan.take_ports(settings, host, port, workers=workers)
    except PortTaken as taken:
        click.echo(str(taken), err=True)
        return 1
    _log_start(settings, listeners, host=host, workers=workers)
    if workers == 1 and not reload:
        code = _run(plan, settings, listeners)
    else:
        watched = files_of(settings, config) if reload else None
        work = functools.partial(_work, plan, listeners)
        supervisor = Supervisor(work, settings, workers=workers, config=config, drain=drain, watched=watched)
        code = supervisor.run()
    if code == 0:
        telemetry.logger().info("stopped")
    return code


def _log_start(settings: Settings, listeners: Listeners, *, host: str, workers: int) -> None:
    telemetry.logger().info(
        "listening",
        host=host,
        port=listeners.server.getsockname()[1],
        workers=workers,
        version=__version__,
        public_url=settings.server.public_url,
        ece=settings.ece.base_url,
        entry_points=list(settings.entry_points),
    )
    for warning in warnings_of(settings, today=datetime.now(UTC).date()):
        telemetry.logger().warning("settings_warning", text=warning)
    if workers > 1:
        alone = "each worker asks ECE for itself and counts for itself; [shared] lets them share"
        telemetry.logger().info(
            "workers_ask_each" if settings.shared is None else "workers_share",
            workers=workers,
            note=f"{alone if settings.shared is None else 'one worker asks ECE for all'}; with metrics_listen each "
            "has its own port, counting up",
        )


def _run(
    plan: Plan, settings: Settings, listeners: Listeners, *, worker: int = 0, parent: Connection | None = None
) -> int:
    try:
        metrics = listeners.metrics[worker] if listeners.metrics else None
        return WidgetServer(plan, settings, metrics=metrics, parent=parent).run_until_stopped(listeners.server)
    except KeyboardInterrupt:
        return 0
    except SENTENCES as refusal:
        if parent is None:
            click.echo(str(refusal), err=True)
        else:
            parent.send(refused(refusal).faults)
        return 2 if isinstance(refusal, SettingsFaults) else 1


def _work(plan: Plan, listeners: Listeners, settings: Settings, worker: int, parent: Connection) -> None:
    """Run one worker: the target of a spawned process."""
    with signals.from_the_start(), memory.no_collection():
        telemetry.configure(settings.server.log_level)
        sys.exit(_run(plan, settings, listeners, worker=worker, parent=parent))
