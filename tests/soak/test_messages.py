"""Kills with -9 while visitors leave messages and the mail server dies again and again: none thanked for is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from urllib.parse import urlencode

import httpx
import pytest

from tests.mail_server import MailHost, body, mail_host_beside
from tests.ports import free_port
from widget.application.messages import FORM_LIFETIME
from widget.domain.outbox import MessageState
from widget.store.operator import operator_store
from widget.tokens import Tokens

pytestmark = pytest.mark.soak

KILLS = int(os.environ.get("SOAK_KILLS", "200"))
SEED = int(os.environ.get("SOAK_SEED", "20261124"))
CLIENTS = 4
SECRET = "a-secret-for-this-proof-that-is-long-enough-0123456789"
DRAIN_SECONDS = 600.0


def settings_file(folder: Path, url: str, host: MailHost, port: int) -> Path:
    file = folder / "ece-widget.toml"
    file.write_text(
        f"""
[server]
public_url = "http://127.0.0.1:{port}"
log_level = "error"
[security]
secret_keys = ["{SECRET}"]
[ece]
base_url = "http://127.0.0.1:9/system"
[entry_points.sales]
id = 1001
chat_url = "http://127.0.0.1:9/chat"
[storage]
url = "{url}"
[messages]
required = []
[smtp]
url = "smtp://127.0.0.1:{host.port}"
from = "chat@example.com"
to = ["office@example.com"]
[limits]
submits = "off"
tokens = "off"
"""
    )
    return file


@contextmanager
def serving(file: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "widget", "serve", "--config", str(file), "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.05)
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Visitors:
    """Leave messages as fast as they are taken; `thanked` holds the texts that they were thanked for."""

    def __init__(self, port: int, name: str) -> None:
        self.thanked: list[str] = []
        self._address = f"http://127.0.0.1:{port}/message/sales"
        self._name = name
        self._stop = threading.Event()
        self._tokens = Tokens([SECRET], lambda: datetime.now(UTC))
        self._threads = [threading.Thread(target=self._leave, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _leave(self, client: int) -> None:
        expires = datetime.now(UTC) + FORM_LIFETIME * 0.9  # a form that was opened a while ago
        with httpx.Client(timeout=10) as visitor:
            for number in range(10**6):
                if self._stop.is_set():
                    return
                text = f"{self._name}-{client}-{number}"
                token = self._tokens.sign_message_form("sales", expires=expires)
                posted = urlencode({"form": token, "email": "ada@example.com", "text": text})
                try:
                    answer = visitor.post(
                        self._address, content=posted, headers={"Content-Type": "application/x-www-form-urlencoded"}
                    )
                except httpx.HTTPError:
                    self._stop.wait(0.05)
                    continue
                if answer.status_code == 200:
                    self.thanked.append(text)


def texts_of(host: MailHost) -> Counter[str]:
    return Counter(body(mail).rpartition("Message:\n")[2].split("\n")[0] for mail in host.mails)


def drain(url: str) -> None:
    limit = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < limit:
        with operator_store(url) as store:
            counts = store.counts().by_state
        assert counts[MessageState.DEAD] == 0
        if counts[MessageState.PENDING] + counts[MessageState.LEASED] == 0:
            return
        time.sleep(0.5)
    raise AssertionError("what waits did not become less")


def test_no_message_thanked_for_is_lost_to_kills_and_a_mail_server_that_dies(url: str, tmp_path: Path) -> None:
    random, port, thanked, drops = Random(SEED), free_port(), list[str](), 0
    with mail_host_beside() as host:
        file = settings_file(tmp_path, url, host, port)
        for number in range(KILLS):
            host.dead = random.random() < 0.5
            host.drops_after_content = random.choice((0, 0, 1, 2))
            drops += host.drops_after_content
            with serving(file, port), Visitors(port, f"k{number}") as visitors:
                limit = time.monotonic() + 20
                while not visitors.thanked and time.monotonic() < limit:
                    time.sleep(0.01)
                time.sleep(random.uniform(0.0, 0.5))
            assert visitors.thanked
            thanked += visitors.thanked
        host.dead, host.drops_after_content = False, 0
        with serving(file, port):
            drain(url)
        arrived = texts_of(host)
        ids = Counter((mail["Message-ID"], body(mail)) for mail in host.mails)
    lost = set(thanked) - arrived.keys()
    again = sum(times - 1 for times in arrived.values())
    print(
        f"\n{url.split(':')[0]}: {KILLS} kills, seed {SEED}: {len(thanked)} thanked, {len(lost)} lost,"
        f" {len(arrived)} arrived, {again} of them again ({drops} answers lost on purpose)"
    )
    assert not lost
    assert len(ids) == len(arrived), "each repeat has the Message-ID of the first"
    assert again <= drops + KILLS * 2, "no more than were on their way when something died"
