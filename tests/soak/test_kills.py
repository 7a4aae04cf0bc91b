"""Two hundred kills for each database: nothing that was promised is lost or doubled, and no file is damaged."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from threading import Thread

import pytest

from tests.databases import Cluster
from tests.store.killing import keys_in, kill_again_and_again

pytestmark = pytest.mark.soak

KILLS = int(os.environ.get("SOAK_KILLS", "200"))
SEED = int(os.environ.get("SOAK_SEED", "20261124"))


def test_two_hundred_kills_lose_and_double_nothing(url: str) -> None:
    promised, stored = kill_again_and_again(url, kills=KILLS, seed=SEED, longest=0.25)
    print(
        f"\n{url.split(':')[0]}: {KILLS} kills, seed {SEED}: {promised} promised, 0 lost, 0 doubled;"
        f" {stored - promised} stored without a promise"
    )
    assert stored - promised <= KILLS * 64


@pytest.mark.postgres
def test_a_database_server_that_crashes_under_load_loses_nothing(cluster: Cluster) -> None:
    url = cluster.new_database()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.serving", url, "crash", str(10**9)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    lines: list[str] = []
    with process:
        reader = Thread(target=lambda: lines.extend(process.stdout or ()))
        reader.start()
        for _ in range(10):
            before = len([line for line in lines if line.startswith("new")])
            cluster.stop("immediate")
            cluster.start()
            limit = time.monotonic() + 5.0
            while len([line for line in lines if line.startswith("new")]) == before:
                assert time.monotonic() < limit, "not back within five seconds"
                time.sleep(0.01)
        process.kill()
        reader.join()
    promised = {line.split()[1] for line in lines if line.startswith("new") and line.endswith("\n")}
    stored = keys_in(url)
    assert not promised - stored.keys()
    print(f"\npostgresql: 10 crashes of the server: {len(promised)} promised, 0 lost")
