"""Three servers on loopback in one process: the ECE simulator, the widget server, a sample site.

Each has a thread with an event loop of its own, so that nothing the simulator does delays the widget server; the main
thread waits for Ctrl-C and stops all three. All ports are taken before anything is started.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
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
from widget.server.ports import listen, take_port
from widget.server.protocol import GuardedProtocol
from widget.settings import Settings
from widget.simulator import create_simulator
from widget.simulator.server import (
    ResettableProtocol,
    ServerThread,
    make_server,
    run_until_stopped,
    stopped_by_signals,
)
from widget.web.edge.context import new_request_id

HOST = "127.0.0.1"
# name → the option for its port
OPTIONS = {"widget": "--port", "simulator": "--simulator-port", "site": "--site-port"}


def run(ports: Mapping[str, int], *, say: Callable[[str], None]) -> int:
    """Start the demo, wait until it is stopped, and return the exit code. Raise PortTaken.

    `ports` has the names of `OPTIONS`.
    """
    with ExitStack() as stack:
        listeners: dict[str, socket.socket] = {}
        for name, option in OPTIONS.items():
            listeners[name] = stack.enter_context(take_port(HOST, ports[name], option=option))
            listen(listeners[name])
        mail = stack.enter_context(socket.create_server((HOST, 0)))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ece-widget-demo-")))
        stop = stack.enter_context(stopped_by_signals())
        token = secrets.token_urlsafe(18)
        urls = {name: f"http://{HOST}:{port}" for name, port in ports.items()}
        servers = _servers(urls, mail, folder, token)
        running = [ServerThread(server, listeners[name], name=name) for name, server in servers.items()]
        return run_until_stopped(running, stop, started=lambda: say(_addresses(urls, token)))


def _servers(
    urls: Mapping[str, str], mail: socket.socket, folder: Path, operator_token: str
) -> dict[str, uvicorn.Server]:
    settings = demo_settings(
        widget_url=urls["widget"],
        simulator_url=urls["simulator"],
        site_url=urls["site"],
        mail_port=mail.getsockname()[1],
        folder=folder,
        secret=secrets.token_urlsafe(32),
        operator_token=operator_token,
    )
    telemetry.configure(settings.server.log_level)
    _seed(settings)
    app = create_app(settings, preview=True)
    protocol = partial(GuardedProtocol, guard=Guard(new_id=new_request_id), current=CurrentApplication(app))
    simulator = create_simulator(widget_url=urls["widget"])
    site = create_site(urls["widget"], simulator_url=urls["simulator"], mail=mail)
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


def _addresses(urls: Mapping[str, str], operator_token: str) -> str:
    return (
        "The demo is running.\n\n"
        f"  Sample site     {urls['site']}/   (open this one first: in five seconds the chat greets you)\n"
        f"  Closed chats    {urls['site']}/closed   (other ways, a message, tell me when it opens)\n"
        f"  Mails           {urls['site']}/messages   (what visitors wrote, as it arrived)\n"
        f"  ECE simulator   {urls['simulator']}/   (agents, queues, faults, received surveys)\n"
        f"  Widget server   {urls['widget']}/preview   (every state, theme and language)\n"
        f"  Console         {urls['widget']}/console   (sign in with {operator_token})\n\n"
        "Ctrl-C stops all three."
    )
