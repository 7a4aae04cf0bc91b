"""Three servers on loopback in one process: the ECE simulator, the widget server, a sample site.

Each has a thread with an event loop of its own, so that nothing the simulator does delays the widget server; the main
thread waits for Ctrl-C and stops all three. All ports are taken before anything is started.
"""

from __future__ import annotations

import secrets
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvicorn

from widget import telemetry
from widget.app import create_app
from widget.demo_settings import demo_settings
from widget.guard import Guard
from widget.protocol import GuardedProtocol
from widget.simulator import create_simulator, create_site
from widget.simulator.server import PortTaken, ResettableProtocol, ServerThread, listen, make_server
from widget.web.context import new_request_id

HOST = "127.0.0.1"
_LOOK_EVERY = 0.05
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ports:
    widget: int = 8000
    simulator: int = 8100
    site: int = 8080

    def url(self, name: str) -> str:
        return f"http://{HOST}:{getattr(self, name)}"


def run(ports: Ports, *, say: Say, complain: Say) -> int:
    """Start the demo and wait until it is stopped; gives the exit code."""
    with ExitStack() as stack:
        listeners: dict[str, socket.socket] = {}
        try:
            for name, option in (("widget", "--port"), ("simulator", "--simulator-port"), ("site", "--site-port")):
                listener = listen(HOST, getattr(ports, name), option=option)
                listeners[name] = stack.enter_context(listener)
        except PortTaken as taken:
            complain(str(taken))
            return 1
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ece-widget-demo-")))
        stop = _stop_on_signals(stack)
        running = [ServerThread(server, listeners[name], name=name) for name, server in _servers(ports, folder).items()]
        return _serve(running, stop, started=lambda: say(_addresses(ports)))


def _servers(ports: Ports, folder: Path) -> dict[str, uvicorn.Server]:
    settings = demo_settings(
        widget_url=ports.url("widget"),
        simulator_url=ports.url("simulator"),
        site_url=ports.url("site"),
        folder=folder,
        secret=secrets.token_urlsafe(32),
    )
    telemetry.configure(settings.server.log_level)
    guard = Guard(new_id=new_request_id)
    simulator = create_simulator(widget_url=ports.url("widget"))
    site = create_site(ports.url("widget"), simulator_url=ports.url("simulator"))
    return {
        "simulator": make_server(simulator, http=ResettableProtocol),
        "widget": make_server(create_app(settings, preview=True), http=partial(GuardedProtocol, guard=guard)),
        "site": make_server(site),
    }


def _addresses(ports: Ports) -> str:
    return (
        "The demo is running.\n\n"
        f"  Sample site     {ports.url('site')}/   (open this one first)\n"
        f"  ECE simulator   {ports.url('simulator')}/   (agents, queues, faults, received surveys)\n"
        f"  Widget server   {ports.url('widget')}/preview   (every state, theme and language)\n\n"
        "Ctrl-C stops all three."
    )


def _serve(running: list[ServerThread], stop: threading.Event, *, started: Callable[[], None]) -> int:
    """Run all servers until `stop` is set, or until one of them ends by itself, which is a failure."""
    for each in running:
        each.start()
    told = False
    while all(each.running for each in running) and not stop.wait(_LOOK_EVERY):
        if not told and all(each.started for each in running):
            started()
            told = True
    for each in running:
        each.ask_to_stop()
    for each in running:
        each.wait_for_the_end()
    return 0 if stop.is_set() else 1


def _stop_on_signals(stack: ExitStack) -> threading.Event:
    """Let the first Ctrl-C or SIGTERM end the demo in good order; the second one ends it at once."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, _frame: object) -> None:
        if stop.is_set():
            restore()
            sys.exit(128 + number)
        stop.set()

    for number in before:
        signal.signal(number, handle)
    stack.callback(restore)
    return stop
