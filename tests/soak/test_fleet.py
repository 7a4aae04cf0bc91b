"""A fleet for longer: 50,000 requests across restarts, and every server behind it taken away again and again."""

from __future__ import annotations

import itertools
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.databases import Cluster
from tests.fleet_processes import FleetOfProcesses, fleet_of_processes, get
from tests.shared_server import SharedServerProcess, running_shared_server
from tests.store.killing import keys_in
from tests.visitors import Tally, visitors
from tests.waiting import wait_until

pytestmark = pytest.mark.soak

REQUESTS = int(os.environ.get("SOAK_REQUESTS", "50000"))
ROUNDS = int(os.environ.get("SOAK_FLEET_ROUNDS", "5"))
BACK_WITHIN = 5.0  # seconds


@pytest.fixture
def shared() -> Iterator[SharedServerProcess]:
    with running_shared_server() as server:
        yield server


@contextmanager
def four(folder: Path, shared: SharedServerProcess, database: str) -> Iterator[FleetOfProcesses]:
    with fleet_of_processes(
        folder,
        members=4,
        entry_points=20,
        shared_url=shared.url,
        storage_url=database,
        with_nginx=True,
    ) as fleet:
        yield fleet


@pytest.mark.postgres
def test_restarts_in_turn_cost_none_of_fifty_thousand_requests(
    tmp_path: Path, shared: SharedServerProcess, cluster: Cluster
) -> None:
    with four(tmp_path, shared, cluster.new_database()) as fleet:
        assert fleet.nginx is not None
        # Chats and forms reach a process each time; status answers mostly come from the cache.
        paths = [f"/v1/chat/{name}" for name in fleet.names] + [fleet.survey_path("chat"), "/v1/status/entry_point_000"]
        restarts = 0
        with visitors(fleet.nginx.port, paths, threads=8) as tally:
            for member in itertools.cycle(fleet.members):
                if tally.answered >= REQUESTS and restarts >= len(fleet.members):
                    break
                assert member.restart() == 0
                restarts += 1
        assert tally.failed() == 0, (tally.statuses, tally.lost[:5])
        print(
            f"\nrestarts in turn: {restarts} of 4 processes, {tally.answered} requests, 0 failed,"
            f" slowest {tally.slowest:.2f} s"
        )


class Answering(threading.Thread):
    """Visitors who send one survey after the other, each again until it is thanked for."""

    def __init__(self, fleet: FleetOfProcesses) -> None:
        super().__init__()
        self._fleet, self.over = fleet, threading.Event()
        self.thanked = 0
        self.refused: list[float] = []
        self.other: list[int] = []

    def run(self) -> None:
        assert self._fleet.nginx is not None
        for number in itertools.count():
            path, thanked = self._fleet.survey_path(f"chat-{number}"), False
            while not thanked:
                if self.over.is_set():
                    return
                status, page, _ = get(self._fleet.nginx.port, path, method="POST", body="helpful=4")
                thanked = b"Thank you" in page
                if status == 503:
                    self.refused.append(time.monotonic())
                    assert re.search(r'value="4"[^>]* checked', page.decode()), "the form is still filled"
                elif not thanked:
                    self.other.append(status)
                self.thanked += thanked


@pytest.mark.postgres
def test_whatever_is_taken_away_the_button_stands_and_nothing_thanked_is_lost(
    tmp_path: Path, shared: SharedServerProcess, cluster: Cluster
) -> None:
    database = cluster.new_database()
    with four(tmp_path, shared, database) as fleet, ExitStack() as stack:
        paths = [f"/v1/status/{name}" for name in fleet.names]
        surveys = Answering(fleet)
        surveys.start()
        tallies: list[Tally] = []
        for member in fleet.members[:3]:
            tallies.append(stack.enter_context(visitors(member.port, paths, threads=1)))
        outages, back = 0, [0.0]
        for _ in range(ROUNDS):
            _shared_server_dies(fleet, shared)
            fleet.members[3].stop(signal.SIGKILL)  # its turns end with their leases
            fleet.members[3].start()
            cluster.stop("immediate")
            refused = len(surveys.refused)
            wait_until(lambda refused=refused: len(surveys.refused) > refused, "surveys are refused")  # type: ignore[misc]
            cluster.start()
            outages, up, thanked = outages + 1, time.monotonic(), surveys.thanked
            wait_until(lambda thanked=thanked: surveys.thanked > thanked, "surveys are thanked for again")  # type: ignore[misc]
            back.append(time.monotonic() - up)
        surveys.over.set()
        surveys.join()
        stack.close()
        stored = len(keys_in(database))
    assert sum(tally.failed() for tally in tallies) == 0, [tally.lost[:3] for tally in tallies]
    assert surveys.other == []
    assert stored >= surveys.thanked
    assert max(back) <= BACK_WITHIN
    print(
        f"\n{ROUNDS} × shared server killed, process killed, database crashed:"
        f" {sum(tally.answered for tally in tallies)} public answers, 0 failed,"
        f" slowest {max(tally.slowest for tally in tallies):.2f} s;"
        f" {surveys.thanked} surveys thanked, {stored} stored, {len(surveys.refused)} refused with 503,"
        f" back {max(back):.2f} s after the database at the latest"
    )


def _shared_server_dies(fleet: FleetOfProcesses, shared: SharedServerProcess) -> None:
    shared.kill()
    wait_until(lambda: all(b'"degraded"' in get(each.port, "/readyz")[1] for each in fleet.members), "it is missed")
    shared.start()
    wait_until(lambda: all(b'"degraded"' not in get(each.port, "/readyz")[1] for each in fleet.members), "it is back")
