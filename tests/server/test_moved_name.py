"""ECE's name moves to another address under visitors: what is served is right again in time, and no request fails."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.fleet_processes import HOST, Process, get
from tests.ports import free_port
from tests.visitors import visitors
from tests.waiting import PATIENCE, wait_until

VISITORS = 64
MAX_AGE = 2.0  # connection_max_age, seconds
FRESH_FOR = 1.0
CALLS = 2  # in a refresh
OLD_WAIT, NEW_WAIT = 60, 540
# uvloop asks the system itself, so that nothing but a loop of its kind can be told where the name leads.
START = """
import sys
from pathlib import Path

import uvloop

leads_to = Path(sys.argv.pop(1))


class Loop(uvloop.Loop):
    async def getaddrinfo(self, host, port, **about):
        if host == "ece.example.com":  # addresses that were found come this way too
            host = leads_to.read_text()
        return await super().getaddrinfo(host, port, **about)


uvloop.new_event_loop = Loop
from widget.cli import main

main()
"""
SETTINGS = """
server.public_url = "https://chat.example.com"
server.log_level = "warning"
security.secret_keys = ["a-secret-for-tests-that-is-long-enough"]
[ece]
base_url = "http://ece.example.com:{port}/system"
connection_max_age = {max_age}
fresh_for = {fresh_for}
stale_for = 60
timeout = 1
[entry_points.sales]
id = 1001
chat_url = "http://ece.example.com/chat?id={{id}}"
"""


@dataclass
class Site:
    """One site of ECE. `mode` is "well", "not_running", "hangs" or "resets"."""

    wait: int
    mode: str = "well"
    calls: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def body(self, call: str) -> str:
        if call == "chatAllowed":
            allowed = 'allowed="true"' if self.mode == "well" else 'allowed="false" reason="SERVICE_NOT_RUNNING"'
            return f"<chatAllowed {allowed}/>"
        return f"<sessionStatus><waitTime>{self.wait}.0</waitTime><queueDepth>1</queueDepth></sessionStatus>"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, site: Site) -> None:
        self.site = site
        super().__init__((host, port), Calls)


class Calls(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open, as ECE's do
    server: Server

    def do_GET(self) -> None:
        site = self.server.site
        site.calls += 1
        if site.mode == "hangs":
            site.over.wait(PATIENCE)
        if site.mode in ("hangs", "resets"):
            self.close_connection = True
            return
        body = site.body(self.path.rsplit("/", 2)[1]).encode()
        self.send_response(200)
        self.send_header("content-type", "text/xml")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def answering(host: str, port: int, site: Site) -> Iterator[None]:
    with Server(host, port, site) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            site.over.set()
            server.shutdown()
            thread.join()


@contextmanager
def serving(folder: Path, ece_port: int) -> Iterator[Process]:
    config, port = folder / "ece-widget.toml", free_port()
    config.write_text(SETTINGS.format(port=ece_port, max_age=MAX_AGE, fresh_for=FRESH_FOR))
    command = [sys.executable, "-c", START, str(folder / "leads-to"), "serve", "--config", str(config)]
    process = Process([*command, "--port", str(port)], port, folder / "log")
    try:
        process.start()
        yield process
    finally:
        process.stop()


def served_wait(process: Process) -> int | None:
    status, body, _ = get(process.port, "/v1/status/sales", headers={"Host": HOST})
    assert status == 200
    decision = json.loads(body)
    return decision["waitTime"] if decision["show"] else None


def until_served(process: Process, wait: int) -> None:
    wait_until(lambda: served_wait(process) == wait, f"a wait of {wait}", process.log)


@pytest.mark.parametrize("left_behind", ["well", "not_running", "hangs", "resets"])
def test_a_name_that_moves_under_visitors_is_followed_in_time_and_no_request_fails(
    left_behind: str, tmp_path: Path
) -> None:
    port = free_port()
    old, new = Site(OLD_WAIT), Site(NEW_WAIT)
    leads_to = tmp_path / "leads-to"
    leads_to.write_text("127.0.0.1")
    paths = ["/v1/status/sales", "/v1/launcher/sales", "/widget.js"]
    with (
        answering("127.0.0.1", port, old),
        answering("127.0.0.2", port, new),
        serving(tmp_path, port) as process,
        visitors(process.port, paths, threads=VISITORS, pause=0.5) as tally,
    ):
        until_served(process, OLD_WAIT)
        assert new.calls == 0
        old.mode, calls = left_behind, old.calls
        leads_to.write_text("127.0.0.2")
        until_served(process, NEW_WAIT)
        # On a busy machine refreshes are later, not more: one at the move, and those within the age of a connection.
        assert old.calls - calls <= CALLS * (1 + MAX_AGE / FRESH_FOR + 1)
        calls = old.calls
        asked = new.calls
        while new.calls < asked + 4:  # two refreshes later
            assert served_wait(process) == NEW_WAIT, "it does not go back"
            time.sleep(0.05)
        assert old.calls == calls
    assert tally.answered > VISITORS
    assert tally.failed(well=(200,)) == 0, (tally.statuses, tally.lost)
