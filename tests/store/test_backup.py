"""The guide's commands for back-up and restore, run to the letter: only places, user and database are the test's."""

from __future__ import annotations

import asyncio
import getpass
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Cluster, server_programs
from tests.release.packages import ROOT
from widget.domain.outbox import MessageState, OutboxMessage
from widget.store.outbox import open_outbox

pytestmark = pytest.mark.anyio

Make = Callable[..., OutboxMessage]
GUIDE = (ROOT / "examples" / "deploy" / "README.md").read_text(encoding="utf-8")
# systemd and another user are not at hand in every test machine; these say that they were called.
STOOD_IN = {"systemctl": 'echo "systemctl $*" >> "$CALLED"', "runuser": 'shift 3; exec "$@"'}


def blocks() -> list[str]:
    section = GUIDE.partition("\n## Back-up and restore\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


class Shell:
    """Runs commands of the guide in a bare shell."""

    def __init__(self, folder: Path, changes: dict[str, str], **environ: str) -> None:
        self._changes = {"-o ece-widget": f"-o {getpass.getuser()}", **changes}
        programs = folder / "programs"
        programs.mkdir()
        for name, script in STOOD_IN.items():
            (programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name).chmod(0o755)
        self.called = folder / "called"
        path = f"{programs}:{server_programs()}:/usr/bin:/bin"
        self._environ = {"PATH": path, "CALLED": str(self.called), **environ}

    def run(self, block: str) -> None:
        for ours, tests in self._changes.items():
            block = block.replace(ours, tests)
        done = subprocess.run(
            ["sh", "-eu"], input=block, env=self._environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_the_guide_has_both_ways_for_both_databases() -> None:
    assert [("sqlite3" in block or "install" in block, "systemctl stop" in block) for block in blocks()] == [
        (True, False),
        (False, False),
        (True, True),
        (False, True),
    ]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def test_what_the_guide_backs_up_is_there_after_its_restore(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, clock: Any, message: Make
) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    changes = {"/var/backups": str(backups)}
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path}/ece-widget.db"
        shell = Shell(tmp_path, {**changes, "/var/lib/ece-widget/": f"{tmp_path}/"})
        back_up, restore = blocks()[0], blocks()[2]
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        url = cluster.new_database()
        name = re.findall(r"/(test\d+)", url)[0]
        database = {" ece_widget ": f" {name} ", "=ece_widget ": f"={name} "}
        shell = Shell(tmp_path, {**changes, **database}, PGHOST=str(cluster.folder), PGUSER="postgres")
        back_up, restore = blocks()[1], blocks()[3]

    outbox = await open_outbox(url, now=clock.now)
    for number in range(3):
        await outbox.enqueue(message(number))
    key = await outbox.hash_key()
    await asyncio.to_thread(shell.run, back_up)  # while it runs
    await outbox.enqueue(message("later"))
    await outbox.close()
    (file,) = backups.iterdir()
    assert os.stat(file).st_mode & 0o077 == 0, "it holds personal data"

    await asyncio.to_thread(shell.run, restore)
    assert shell.called.read_text().splitlines() == [
        "systemctl stop ece-widget@*",
        "systemctl start ece-widget@8001 ece-widget@8002",
    ]
    again = await open_outbox(url, now=clock.now)
    assert (await again.counts()).by_state[MessageState.PENDING] == 3
    assert await again.hash_key() == key
    assert await again.enqueue(message(1)) is False, "what was promised before the back-up is known"
    assert await again.ready() is None
    await again.close()
