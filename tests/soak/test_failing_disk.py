"""The n-th write or sync fails, for n = 1, 2, … until all succeed; and a disk that is full. Linux with strace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.store.killing import keys_in
from tests.waiting import wait_until

pytestmark = pytest.mark.soak

SYNC = "fsync,fdatasync"  # which of the two depends on how a SQLite was built
MESSAGES = 200
RECOVERY_SECONDS = 5.0


@pytest.fixture(scope="module", autouse=True)
def _strace() -> None:
    assert shutil.which("strace"), "strace was not found; install it (Debian: apt-get install strace)"


def traced(url: str, log: Path, *, inject: str | None, trace: str, messages: int, clients: int = 64) -> list[list[str]]:
    """Let a process promise under strace; return the words of each line that it wrote."""
    injection = ["-e", f"inject={inject}"] if inject else []
    serving = [sys.executable, "-m", "tests.store.serving", url, "strace", str(messages), str(clients)]
    done = subprocess.run(
        ["strace", "-f", "--seccomp-bpf", "-o", str(log), "-e", f"trace={trace}", *injection, *serving],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [line.split(maxsplit=2) for line in done.stdout.splitlines()]


def hold_to_its_word(url: str, lines: list[list[str]]) -> int:
    """Fail on a promise that is not stored; return how many there are."""
    promised = {words[1] for words in lines if words[0] in ("new", "known")}
    lost = promised - keys_in(url).keys()
    assert not lost, f"{len(lost)} promised and not stored"
    return len(promised)


@pytest.mark.parametrize(("call", "error"), [(SYNC, "EIO"), ("pwrite64", "ENOSPC"), ("ftruncate", "EIO")])
def test_the_nth_failure_of_a_call_makes_no_false_promise(tmp_path: Path, call: str, error: str) -> None:
    refused = 0
    for number in range(1, 2000):
        folder = tmp_path / f"{call}-{number}"
        folder.mkdir()
        url, log = f"sqlite:///{folder}/outbox.db", folder / "strace"
        lines = traced(url, log, inject=f"{call}:error={error}:when={number}", trace=call, messages=MESSAGES)
        kept = hold_to_its_word(url, lines)
        refused += MESSAGES - kept
        assert kept > 0, "one failure was not the end"
        injected = "INJECTED" in log.read_text()
        shutil.rmtree(folder)
        if not injected:
            break
    else:
        raise AssertionError("the failures never ended")
    print(f"\n{call} {error}: {number - 1} places to fail, {refused} refused, 0 promised and not stored")


@pytest.mark.parametrize("call", [SYNC, "pwrite64"])
def test_a_disk_that_goes_on_failing_gets_no_promise_any_more(tmp_path: Path, call: str) -> None:
    for number in (8, 12, 20):
        folder = tmp_path / f"{call}-{number}"
        folder.mkdir()
        url = f"sqlite:///{folder}/outbox.db"
        lines = traced(url, folder / "strace", inject=f"{call}:error=EIO:when={number}+", trace=call, messages=5000)
        assert hold_to_its_word(url, lines) <= 64 * number, "each sync that worked carries 64 promises at most"


def test_ten_promises_share_a_sync_and_a_lone_one_gets_its_own(tmp_path: Path) -> None:
    def syncs(clients: int, messages: int) -> float:
        folder = tmp_path / str(clients)
        folder.mkdir()
        url, log = f"sqlite:///{folder}/outbox.db", folder / "strace"
        lines = traced(url, log, inject=None, trace=SYNC, messages=messages, clients=clients)
        assert hold_to_its_word(url, lines) == messages
        return len(re.findall(r"\bf(?:data)?sync\(", log.read_text())) / messages

    shared, alone = syncs(64, 5000), syncs(1, 300)
    print(f"\nsyncs for each promise: {shared:.3f} with 64 at once, {alone:.2f} with one")
    assert shared <= 0.1
    assert 1.0 <= alone <= 1.1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    assert os.geteuid() == 0, "a disk of two megabytes is mounted for this test, which only root may do"
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_gets_no_promise_and_is_used_again_within_five_seconds(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 2**20)
    url = f"sqlite:///{small_disk}/outbox.db"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.serving", url, "full", "100000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    lines: list[list[str]] = []
    with process:
        reader = Thread(target=lambda: lines.extend(line.split(maxsplit=2) for line in process.stdout or ()))
        reader.start()
        wait_until(lambda: len(lines) > 0 and lines[-1][0] == "refused", "the full disk refuses")
        assert any("the disk is full" in words[2] for words in lines if words[0] == "refused")
        before = sum(words[0] == "new" for words in lines)
        freed = time.monotonic()
        ballast.unlink()
        wait_until(
            lambda: sum(words[0] == "new" for words in lines) > before, "promises again", seconds=RECOVERY_SECONDS
        )
        back = time.monotonic() - freed
        process.kill()
        reader.join()
    print(f"\nfull disk: {hold_to_its_word(url, lines[:-1])} promised, 0 lost; back after {back:.2f} s")
