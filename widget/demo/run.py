"""Three servers on loopback in one process: the ECE simulator, the widget server, a sample site.

Each has a thread with an event loop of its own, so that nothing the simulator does delays the widget server; the main
thread waits for Ctrl-C and stops all three. All ports are taken before anything is started.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import uvicorn

from widget import telemetry
from widget.app import create_app
from widget.demo.answers import seed_answers
from widget.demo.history import seed
from widget.demo.settings import demo_settings
from widget.demo.site import create_site
from widget.server.current_application import CurrentApplication
from widget.server.guard import Guard
from widget.server.protocol import GuardedProtocol
from widget.settings import Settings
from widget.simulator import create_simulator
from widget.simulator.server import (
    PortTaken,
    ResettableProtocol,
    ServerThread,
    listen,
    make_server,
    run_until_stopped,
    stop_on_signals,
)
from widget.web.edge.context import new_request_id

HOST = "127.0.0.1"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ports:
    widget: int = 8000
    simulator: int = 8100
    site: int = 8080

    def url(self, name: str) -> str:
        return f"http://{HOST}:{getattr(self, name)}"


def run(ports: Ports, *, say: Say, complain: Say) -> int:
    """Start the demo, wait until it is stopped, and return the exit code."""
    with ExitStack() as stack:
        listeners: dict[str, socket.socket] = {}
        try:
            for name, option in (("widget", "--port"), ("simulator", "--simulator-port"), ("site", "--site-port")):
                listener = listen(HOST, getattr(ports, name), option=option)
                listeners[name] = stack.enter_context(listener)
        except PortTaken as taken:
            complain(str(taken))
            return 1
        mail = stack.enter_context(listen(HOST, 0))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ece-widget-demo-")))
        stop = stop_on_signals(stack)
        token = secrets.token_urlsafe(18)
        servers = _servers(ports, mail, folder, token)
        running = [ServerThread(server, listeners[name], name=name) for name, server in servers.items()]
        return run_until_stopped(running, stop, started=lambda: say(_addresses(ports, token)))


def _servers(ports: Ports, mail: socket.socket, folder: Path, operator_token: str) -> dict[str, uvicorn.Server]:
    settings = demo_settings(
        widget_url=ports.url("widget"),
        simulator_url=ports.url("simulator"),
        site_url=ports.url("site"),
        mail_port=mail.getsockname()[1],
        folder=folder,
        secret=secrets.token_urlsafe(32),
        operator_token=operator_token,
    )
    telemetry.configure(settings.server.log_level)
    _seed(settings)
    app = create_app(settings, preview=True)
    protocol = partial(GuardedProtocol, guard=Guard(new_id=new_request_id), current=CurrentApplication(app))
    simulator = create_simulator(widget_url=ports.url("widget"))
    site = create_site(ports.url("widget"), simulator_url=ports.url("simulator"), mail=mail)
    return {
        "simulator": make_server(simulator, http=ResettableProtocol),
        "widget": make_server(app, http=protocol),
        "site": make_server(site),
    }


def _seed(settings: Settings) -> None:
    url, now = settings.storage.url.get_secret_value(), datetime.now(UTC)
    asyncio.run(seed(url, now=now))
    (name,) = settings.surveys
    seed_answers(url, settings.surveys[name].survey(name), now=now)


def _addresses(ports: Ports, operator_token: str) -> str:
    return (
        "The demo is running.\n\n"
        f"  Sample site     {ports.url('site')}/   (open this one first: in five seconds the chat greets you)\n"
        f"  Closed chats    {ports.url('site')}/closed   (other ways, a message, tell me when it opens)\n"
        f"  Mails           {ports.url('site')}/messages   (what visitors wrote, as it arrived)\n"
        f"  ECE simulator   {ports.url('simulator')}/   (agents, queues, faults, received surveys)\n"
        f"  Widget server   {ports.url('widget')}/preview   (every state, theme and language)\n"
        f"  Console         {ports.url('widget')}/console   (sign in with {operator_token})\n\n"
        "Ctrl-C stops all three."
    )
