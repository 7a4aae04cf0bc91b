"""Servers that are killed while clients post forms and a mail server dies: what both proofs of it are made of."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode

import httpx

from tests.mail_server import MailHost, body
from tests.waiting import wait_until
from widget.domain.outbox import MessageState
from widget.store.command_outbox import command_outbox
from widget.store.operating import Selection

SECRET = "a-secret-for-this-proof-that-is-long-enough-0123456789"
CLIENTS = 4
START_SECONDS = 120.0  # a busy machine may need many
DRAIN_SECONDS = 600.0

# From the text to write to the path of a form and its fields.
Form = Callable[[str], tuple[str, dict[str, str]]]


def settings_file(folder: Path, url: str, host: MailHost, port: int, *, ece_port: int = 9, more: str = "") -> Path:
    """Write settings whose mail goes to `host`; `more` goes behind the entry point `sales`, which is the last table."""
    file = folder / "ece-widget.toml"
    file.write_text(
        f"""
[server]
public_url = "http://127.0.0.1:{port}"
log_level = "error"
[security]
secret_keys = ["{SECRET}"]
[ece]
base_url = "http://127.0.0.1:{ece_port}/system"
[storage]
url = "{url}"
[smtp]
url = "smtp://127.0.0.1:{host.port}"
from = "chat@example.com"
to = ["office@example.com"]
[limits]
submits = "off"
tokens = "off"
[entry_points.sales]
id = 1001
chat_url = "http://127.0.0.1:9/chat"
{more}
"""
    )
    return file


@contextmanager
def serving(file: Path, port: int) -> Iterator[None]:
    """Serve within the block, and end with -9."""
    process = subprocess.Popen(
        [sys.executable, "-m", "widget", "serve", "--config", str(file), "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def is_well() -> bool:
        assert process.poll() is None, "the server ended by itself"
        with suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2).status_code == 200
        return False

    try:
        wait_until(is_well, "the server is well", seconds=START_SECONDS)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Visitors:
    """Post forms as fast as they are taken. `thanked` are the texts that they were thanked for, `seconds` how long each
    of these took.
    """

    def __init__(self, port: int, name: str, form: Form) -> None:
        self.thanked: list[str] = []
        self.seconds: list[float] = []
        self._port, self._name, self._form = port, name, form
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._post, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, number: int) -> None:
        """Wait until so many were thanked."""
        wait_until(lambda: len(self.thanked) >= number, f"{number} thanked", seconds=START_SECONDS)

    def _post(self, client: int) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        with httpx.Client(timeout=10, base_url=f"http://127.0.0.1:{self._port}", headers=headers) as visitor:
            for number in range(10**6):
                if self._stop.is_set():
                    return
                text = f"{self._name}-{client}-{number}"
                path, fields = self._form(text)
                begun = time.monotonic()
                try:
                    answer = visitor.post(path, content=urlencode(fields))
                except httpx.HTTPError:
                    self._stop.wait(0.05)
                    continue
                if answer.status_code == 200:
                    self.seconds.append(time.monotonic() - begun)
                    self.thanked.append(text)


def ids_of(host: MailHost) -> Counter[tuple[str, str]]:
    """Return what arrived: Message-ID with the text, and how often."""
    return Counter((mail["Message-ID"], body(mail)) for mail in host.mails)


def drain(url: str, selection: Selection) -> None:
    """Wait until there is no row of these; fail for one that is dead."""
    limit = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < limit:
        with command_outbox(url) as store:
            assert store.number_of(Selection(states=(MessageState.DEAD,))) == 0
            if store.number_of(selection) == 0:
                return
        time.sleep(0.5)
    raise AssertionError("what waits did not become less")
