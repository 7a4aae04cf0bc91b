"""One process that serves: it starts, reads its settings again on SIGHUP, drains and stops.

SIGHUP reads the settings again: the new application is built and started beside the old one, then takes over between
two requests; settings that cannot be used change nothing. SIGTERM stops in bounded time. With `--drain` /readyz answers
503 first, and requests are served as before for that time. Then there are no new connections, answers that are on their
way go out, and the exit code is 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import socket
from collections.abc import Iterator
from multiprocessing.connection import Connection
from types import FrameType

import uvicorn

from widget import telemetry
from widget.domain.errors import WidgetError
from widget.server import memory, signals
from widget.server.configuration import STOP_LIMIT, configuration, metrics_app, new_connection, serve_app
from widget.server.current_application import CurrentApplication
from widget.server.guard import Guard
from widget.server.lifespan import Lifespan
from widget.server.plan import Plan
from widget.server.ports import BACKLOG, PortTaken, listen
from widget.server.reload import Refused, built_anew, log_applied, refused
from widget.server.workers import READY
from widget.settings import Settings, SettingsFaults

# What a start may end with that has a sentence for the operator.
SENTENCES = (SettingsFaults, WidgetError)
READ_BEFORE_CLOSING = 0.01  # seconds: turns of the event loop, in which it reads what has arrived over kept connections


class WidgetServer(uvicorn.Server):
    """uvicorn's server with guarded connections, a listener for metrics, reloads, and exit code 0 after a signal."""

    lifespan: Lifespan

    def __init__(
        self, plan: Plan, settings: Settings, *, metrics: socket.socket | None, parent: Connection | None
    ) -> None:
        from widget.web.edge.context import new_request_id

        self._plan = plan
        self._settings = settings
        self._metrics_listener = metrics
        self._parent = parent
        self._served = plan.build(settings, plan.delivery, None)
        self._guard = Guard(new_id=new_request_id, deadlines=plan.deadlines)
        self._served.metrics.add_source(self._guard.samples)
        self._reload_wanted = False
        self._reloading: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._current = CurrentApplication(self._served.app, self._served.fast_exit)
        super().__init__(configuration(self._current, self._guard))

    def run_until_stopped(self, listener: socket.socket) -> int:
        """Run on a socket that is bound already; return the exit code, or raise what there is a sentence for."""
        try:
            self.run(sockets=[listener])
        except SystemExit:  # uvicorn's way to say that the application did not start
            failure = self.lifespan.failure
            if isinstance(failure, SENTENCES):
                raise failure from None
            return 1
        return 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self.lifespan.when_started = functools.partial(self._listen, sockets or [])
        try:
            await super().startup(sockets=sockets)
        except PortTaken:
            await self.lifespan.shutdown()
            raise
        if self._metrics_listener is not None:
            await self._serve_metrics(self._metrics_listener)
        if self._parent is not None:
            self._loop.add_reader(self._parent.fileno(), self._obey_parent, self._parent)
            self._parent.send(READY)
        else:
            telemetry.logger().info("started")
        self._begin_reload()  # for a SIGHUP that came during the start

    def _listen(self, sockets: list[socket.socket]) -> None:
        for each in sockets:
            listen(each)
        if self._metrics_listener is not None:
            listen(self._metrics_listener)
        memory.set_aside()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._reloading is not None:
            self._reloading.cancel()
            await asyncio.gather(self._reloading, return_exceptions=True)
        await self._close_port(sockets or [])
        await super().shutdown(sockets=sockets)
        if self._leaving is not None and not self.force_exit:
            await self._leaving

    async def _close_port(self, listeners: list[socket.socket]) -> None:
        """Take in who has connected, then close: the system would reset those that nobody accepted."""
        waiting: list[socket.socket] = []
        for listener in listeners:
            with contextlib.suppress(OSError):  # BlockingIOError: nobody is left
                while len(waiting) < BACKLOG:
                    waiting.append(listener.accept()[0])
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        protocol = functools.partial(new_connection, self.config, self.server_state, self.lifespan.state)
        for each in waiting:
            with contextlib.suppress(OSError):
                await loop.connect_accepted_socket(protocol, each)
        await asyncio.sleep(READ_BEFORE_CLOSING)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle the signals while serving; unlike uvicorn, do not raise them again afterwards: a stop is a success."""
        handlers = {signal.SIGINT: self.handle_exit, signal.SIGTERM: self.handle_exit, signal.SIGHUP: self._hang_up}
        with signals.handled(handlers):
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop: after draining, or at once for a second signal."""
        if self._loop is not None and self.started and self._plan.drain and not self._guard.draining:
            self._loop.call_soon_threadsafe(self._drain)
        else:
            self._guard.draining = True
            super().handle_exit(sig, frame)

    def _drain(self) -> None:
        """Answer as before while balancers see 503 at /readyz and turn to others; each answer ends its connection."""
        if self._guard.draining:
            return
        self._guard.draining = True
        self._served.drain()
        telemetry.logger().info("draining", seconds=self._plan.drain)
        asyncio.get_running_loop().call_later(self._plan.drain, self._stop)

    def _stop(self) -> None:
        self._guard.draining = self.should_exit = True

    async def reload(self) -> None:
        """Read the settings again and let a new application take over; faults and a failed start change nothing.

        The old one stops by itself, when its answers have ended.
        """
        metrics = self._served.metrics
        try:
            settings, served = await built_anew(
                self._plan.config, lambda settings: self._plan.build(settings, self._plan.delivery, metrics)
            )
            lifespan = Lifespan(configuration(CurrentApplication(served.app), self._guard))
            await lifespan.startup()
            if lifespan.should_exit:
                raise refused(lifespan.failure)
        except Refused as refusal:
            metrics.settings_reload("refused")
            refusal.log()
            return
        metrics.settings_reload("applied")
        telemetry.configure(settings.server.log_level)
        self._current.app, self._current.fast_exit = served.app, served.fast_exit
        self.lifespan, old = lifespan, self.lifespan
        before, self._served, self._settings = self._settings, served, settings
        if self._guard.draining:
            served.drain()
        log_applied(before, settings)
        self._leaving = asyncio.ensure_future(self._leave(old, after=self._leaving))

    async def _leave(self, old: Lifespan, *, after: asyncio.Task[None] | None) -> None:
        """Let an application's answers end, then stop it; one after the other, as they came."""
        running = set(self.server_state.tasks)
        if after is not None:
            await after
        if running:
            await asyncio.wait(running, timeout=STOP_LIMIT)
        await old.shutdown()
        del old
        memory.drop_replaced()

    def _hang_up(self, _: int, __: FrameType | None) -> None:
        self._reload_wanted = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begin_reload)

    def _begin_reload(self) -> None:
        idle = self._reloading is None or self._reloading.done()
        if self._reload_wanted and idle and self.started and not (self.should_exit or self._guard.draining):
            self._reloading = asyncio.ensure_future(self._reload_while_wanted())

    async def _reload_while_wanted(self) -> None:
        while self._reload_wanted:
            self._reload_wanted = False
            await self.reload()

    def _obey_parent(self, parent: Connection) -> None:
        """Stop as the supervisor says: STOP as for a signal, the end of the pipe at once."""
        try:
            parent.recv()
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(parent.fileno())
            self._stop()
        else:
            self._drain() if self._plan.drain else self._stop()

    async def _serve_metrics(self, listener: socket.socket) -> None:
        app = metrics_app(self._served.metrics, lambda: self._settings)
        self.servers.append(await serve_app(app, listener, guard=self._guard, state=self.server_state))
