"""Many kills: at most the last 10 s of the history are lost, nothing is there twice, and changes stay in order."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from datetime import UTC, datetime
from http.client import HTTPException
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.fleet_processes import Process, fleet_of_processes, get
from tests.store.history_killing import kill_while_counting, written
from widget.domain.history import Span
from widget.domain.switches import Act, Entry
from widget.store.history import HistoryStore

pytestmark = pytest.mark.soak

KILLS = int(os.environ.get("SOAK_KILLS", "200"))
SEED = int(os.environ.get("SOAK_SEED", "20261128"))
MOST_LOST = 10.0  # seconds


def test_many_kills_lose_the_last_moments_and_count_nothing_twice(url: str) -> None:
    counted, there = kill_while_counting(url, kills=KILLS, seed=SEED)
    print(f"\n{url.split(':')[0]}: {KILLS} kills, seed {SEED}: {counted} counted, {there} there, 0 twice")


class Clicking(Thread):
    """Clicks as fast as it is answered; `clicks` are the moments of the answers."""

    def __init__(self, process: Process) -> None:
        super().__init__()
        self._process, self._enough = process, Event()
        self.clicks: list[float] = []

    def run(self) -> None:
        while not self._enough.is_set():
            try:
                if get(self._process.port, "/v1/chat/entry_point_000")[0] in (200, 303):
                    self.clicks.append(time.monotonic())
            except (OSError, HTTPException):  # killed before its answer, or within it
                self._enough.wait(0.05)

    def stop(self) -> None:
        self._enough.set()
        self.join()


def test_a_server_that_is_killed_under_load_has_lost_its_last_ten_seconds_at_most(url: str, tmp_path: Path) -> None:
    chance, store = random.Random(SEED), HistoryStore(url)
    rounds, there, counted = max(2, KILLS // 20), 0, 0
    history = "[history]\nenabled = true\n"
    with fleet_of_processes(tmp_path, members=1, storage_url=url, fresh_for=1, more=history) as fleet:
        (process,) = fleet.members
        for number in range(rounds):
            clicking = Clicking(process)
            clicking.start()
            act = Act.CLOSE if number % 2 == 0 else Act.REOPEN
            asyncio.run(_append(store, Entry("entry_point_000", act, "Ada", datetime.now(UTC))))
            time.sleep(chance.uniform(0.0, 25.0))
            process.stop(signal.SIGKILL)
            killed_at = time.monotonic()
            clicking.stop()
            process.start()
            by_span, changes = asyncio.run(written(store, "in_vain", "opened"))
            assert len(set(by_span.values())) == 1
            new = by_span[Span.DAY] - there
            long_ago = sum(moment < killed_at - MOST_LOST for moment in clicking.clicks)
            assert long_ago <= new <= len(clicking.clicks) + 2, f"round {number}: {new} of {len(clicking.clicks)}"
            there, counted = there + new, counted + len(clicking.clicks)
            assert all(before.state_and_reason != after.state_and_reason for before, after in pairwise(changes))
    print(f"\n{url.split(':')[0]}: {rounds} kills of serve, seed {SEED}: {counted} clicks, {there} there")


async def _append(store: HistoryStore, entry: Entry) -> None:
    await store.append(entry)
    await store.close()
