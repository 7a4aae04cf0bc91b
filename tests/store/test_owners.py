"""What a killed process had leased is taken over at once, where it is certain that the process is gone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import settling
from widget.domain.outbox import Claim, OutboxMessage
from widget.store.outbox import open_outbox
from widget.store.owners import Owners

pytestmark = pytest.mark.anyio

Make = Callable[..., OutboxMessage]
LEASE = timedelta(seconds=60)
HOLDER = """
import sys, time
from pathlib import Path
from widget.store.owners import Owners
Owners(Path(sys.argv[1])).enrol(sys.argv[2])
print("holds", flush=True)
time.sleep(600)
"""


def holder(database: Path, owner: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(database), owner], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"holds\n"
    return process


async def test_the_leases_of_a_killed_process_are_taken_over_at_once_and_those_of_a_living_one_are_not(
    tmp_path: Path, clock: Any, message: Make
) -> None:
    path = tmp_path / "outbox.db"
    outbox = await open_outbox(f"sqlite:///{path}", now=clock.now)
    processes = {owner: await asyncio.to_thread(holder, path, owner) for owner in ("killed", "lives")}
    rows = {}
    for number, owner in enumerate(("killed", "lives", "unknown")):
        await outbox.enqueue(message(number))
        (rows[owner],) = (await outbox.claim(Claim(limit=1, owner=owner, now=clock.now(), lease=LEASE))).messages
    processes["killed"].kill()
    await asyncio.to_thread(processes["killed"].wait)
    await outbox.enrol("successor")
    taken = await outbox.claim(Claim(limit=9, owner="successor", now=clock.now(), lease=LEASE))
    assert [each.id for each in taken.messages] == [rows["killed"].id]
    assert taken.messages[0].possible_doubles == 1, "the killed one may have sent it"
    assert await outbox.settle(settling.delivered(rows["killed"], now=clock.now())) is False
    assert await outbox.settle(settling.delivered(rows["lives"], now=clock.now())) is True
    assert not list(tmp_path.glob("*-owner-killed")), "its file is gone too"
    processes["lives"].kill()
    await asyncio.to_thread(processes["lives"].wait)
    await outbox.withdraw("successor")
    assert not list(tmp_path.glob("*-owner-successor"))
    await outbox.close()
    for process in processes.values():
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.parametrize("owner", ["../../etc/passwd", "", "a/b", "x" * 300, "\0"])
def test_an_owner_of_a_damaged_row_names_no_file(tmp_path: Path, owner: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    before = os.listdir(tmp_path)
    assert Owners(folder / "outbox.db").gone([owner]) == []
    assert (os.listdir(tmp_path), os.listdir(folder)) == (before, [])


def test_an_own_lease_is_never_taken_over(tmp_path: Path) -> None:
    owners = Owners(tmp_path / "outbox.db")
    owners.enrol("me")
    assert owners.gone(["me"]) == []
    assert Owners(tmp_path / "outbox.db").gone(["me"]) == [], "nor by another part of the same process"
    owners.withdraw("me")
