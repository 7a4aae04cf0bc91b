"""`serve`: the application behind the guard, on uvicorn, as one process or several.

SIGHUP reads the settings again: the new application is built and started beside the old one, then takes over between
two requests; settings that cannot be used change nothing. SIGTERM stops in bounded time: no new connections, answers
that are on their way go out, then exit code 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

import click
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.lifespan.on import LifespanOn

from widget import settings as settings_module
from widget import telemetry
from widget.dates import DatedHeaders
from widget.guard import Deadlines, Guard
from widget.protocol import GuardedProtocol
from widget.settings import Settings, SettingsFaults
from widget.telemetry import Metrics
from widget.workers import Supervisor, files_of

STOP_LIMIT = 8  # seconds for answers that are on their way; then they are cut
BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Served:
    """An application and its metrics, as `build` makes them from the settings."""

    app: ASGIApp
    metrics: Metrics


Build = Callable[[Settings, bool], Served]


class PortTaken(Exception):
    """Somebody listens there already; the text is one line for the operator."""


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int,
    delivery: bool,
    reload: bool,
    config: Path,
    build: Build | None = None,
    deadlines: Deadlines | None = None,
) -> int:
    """Serve until a signal; gives the exit code. `config` is the file that SIGHUP and the workers read."""
    telemetry.configure(settings.server.log_level)
    plan = Plan(config, delivery, build or build_served, deadlines or Deadlines())
    try:
        plan.metrics_listener(settings, worker=0).close()  # taken by somebody else? then say so now
        listener = listen(host, port, option="--port")
    except PortTaken as taken:
        click.echo(str(taken), err=True)
        return 1
    telemetry.logger().info("listening", host=host, port=listener.getsockname()[1], workers=workers)
    if workers == 1 and not reload:
        return WidgetServer(plan, settings).run_until_stopped(listener)
    if workers > 1:
        alone = "each worker asks ECE for itself and counts for itself; [shared] lets them share"
        telemetry.logger().info(
            "workers_ask_each" if settings.shared is None else "workers_share",
            workers=workers,
            note=f"{alone if settings.shared is None else 'one worker asks ECE for all'}; with metrics_listen each "
            "has its own port, counting up",
        )
    watched = files_of(settings, config) if reload else None
    work = functools.partial(_work, plan, listener)
    return Supervisor(work, settings, workers=workers, config=config, watched=watched).run()


def build_served(settings: Settings, delivery: bool) -> Served:
    """Build the product's application. Imported late: a supervisor of workers needs none of it."""
    from widget.app import create_app
    from widget.services import build

    services = build(settings, delivery=delivery)
    return Served(create_app(settings, services=services), services.metrics)


def listen(host: str, port: int, *, option: str, shared: bool = False) -> socket.socket:
    """Take a port; raises PortTaken with the option that chooses another one."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            text = f"Port {port} on {host} is taken; stop what listens there, or choose another with {option}."
        else:
            text = f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another with {option}."
        raise PortTaken(text) from None
    listener.setblocking(False)
    listener.set_inheritable(True)
    return listener


@dataclass(frozen=True, slots=True)
class Plan:
    """What every worker is told; travels to spawned processes."""

    config: Path
    delivery: bool
    build: Build
    deadlines: Deadlines

    def metrics_listener(self, settings: Settings, *, worker: int) -> socket.socket | _NoListener:
        """Take the worker's port for /metrics: `metrics_listen`, counted up by the worker's number."""
        host, _, port = settings.server.metrics_listen.rpartition(":")
        if not host:
            return _NoListener()
        # Shared, since a worker's successor takes the port while the worker still answers on it.
        return listen(host.strip("[]"), int(port) + worker, option="[server] metrics_listen", shared=True)


class _NoListener:
    def close(self) -> None:
        pass


class WidgetServer(uvicorn.Server):
    """uvicorn's server with the guard, a metrics listener, a reload on SIGHUP, and exit code 0 after a signal."""

    def __init__(self, plan: Plan, settings: Settings, *, worker: int = 0, parent: Connection | None = None) -> None:
        from widget.web.context import new_request_id

        self._plan = plan
        self._settings = settings
        self._worker = worker
        self._parent = parent
        self._served = plan.build(settings, plan.delivery)
        self._guard = Guard(new_id=new_request_id, deadlines=plan.deadlines)
        self._served.metrics.register_source(self._guard.samples)
        self._reloading: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._dated = DatedHeaders()
        super().__init__(self._configuration(self._served.app))
        self.server_state.default_headers = self._dated

    def run_until_stopped(self, listener: socket.socket) -> int:
        """Run on a socket that is bound already; gives the exit code."""
        try:
            self.run(sockets=[listener])
        except KeyboardInterrupt:
            return 0
        except SystemExit as failed:  # uvicorn's way to say that the application did not start
            return int(failed.code or 0) and 1
        return 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        metrics = self._plan.metrics_listener(self._settings, worker=self._worker)
        if isinstance(metrics, socket.socket):
            await self._serve_metrics(metrics)
        if self._parent is not None:
            self._loop.add_reader(self._parent.fileno(), self._parent_gone)
            self._parent.send(b"ready")

    async def on_tick(self, counter: int) -> bool:
        stop = await super().on_tick(counter)
        self.server_state.default_headers = self._dated  # uvicorn puts its own there once a second
        return stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals while serving; unlike uvicorn, do not raise them again afterwards: a stop is a success."""
        handlers = {signal.SIGINT: self.handle_exit, signal.SIGTERM: self.handle_exit, signal.SIGHUP: self._hang_up}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def reload(self) -> None:
        """Read the settings again and let a new application take over; faults and a failed start change nothing."""
        try:
            settings = await asyncio.to_thread(settings_module.load, self._plan.config)
            served = await asyncio.to_thread(self._plan.build, settings, self._plan.delivery)
        except SettingsFaults as faults:
            self._refused([f"{fault.key}: {fault.allowed}" for fault in faults.faults])
            return
        except (OSError, ValueError) as error:
            self._refused([type(error).__name__])
            return
        configuration = self._configuration(served.app)
        configuration.load()
        lifespan = LifespanOn(configuration)
        await lifespan.startup()
        if lifespan.should_exit:
            self._refused(["the application did not start with them"])
            return
        served.metrics.register_source(self._guard.samples)
        served.metrics.settings_reload("applied")
        if settings.server.metrics_listen != self._settings.server.metrics_listen:
            telemetry.logger().warning("needs_restart", setting="server.metrics_listen")
        telemetry.configure(settings.server.log_level)
        # The guard takes the application from here for each request, so connections that are open change over too.
        self.config.loaded_app = configuration.loaded_app
        self.lifespan, old = lifespan, self.lifespan
        self._served, self._settings = served, settings
        telemetry.logger().info("settings_applied")
        await self._let_old_answers_end()
        await old.shutdown()

    async def _let_old_answers_end(self) -> None:
        running = set(self.server_state.tasks)
        if running:
            await asyncio.wait(running, timeout=STOP_LIMIT)

    def _refused(self, faults: list[str]) -> None:
        self._served.metrics.settings_reload("refused")
        telemetry.logger().error("settings_refused", faults=faults, note="the settings in use stay")

    def _hang_up(self, _: int, __: FrameType | None) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begin_reload)

    def _begin_reload(self) -> None:
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.ensure_future(self.reload())

    def _parent_gone(self) -> None:
        assert self._loop is not None
        assert self._parent is not None
        self._loop.remove_reader(self._parent.fileno())
        self.should_exit = True

    async def _serve_metrics(self, listener: socket.socket) -> None:
        from widget.web.ops import MetricsListener

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await MetricsListener(self._served.metrics)(scope, receive, send)

        configuration = self._configuration(app)
        configuration.load()
        loop = asyncio.get_running_loop()

        def protocol() -> asyncio.Protocol:
            made: Any = configuration.http_protocol_class
            connection: asyncio.Protocol = made(config=configuration, server_state=self.server_state, app_state={})
            return connection

        self.servers.append(await loop.create_server(protocol, sock=listener, backlog=BACKLOG))

    def _configuration(self, app: ASGIApp) -> uvicorn.Config:
        http: Any = functools.partial(GuardedProtocol, guard=self._guard)
        return uvicorn.Config(
            app,
            loop="uvloop" if sys.platform != "win32" else "asyncio",
            http=http,
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=STOP_LIMIT,
        )


def _work(plan: Plan, listener: socket.socket, settings: Settings, worker: int, parent: Connection) -> None:
    """Be one worker: the target of a spawned process."""
    telemetry.configure(settings.server.log_level)
    sys.exit(WidgetServer(plan, settings, worker=worker, parent=parent).run_until_stopped(listener))
