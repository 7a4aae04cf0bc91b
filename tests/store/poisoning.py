"""Kills, damaged rows and an ECE that misbehaves, all at once; nothing that was promised may be lost or made up."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sqlalchemy import text

from tests.store.test_schema import engine
from widget.domain.outbox import MessageState
from widget.store.command_outbox import command_outbox
from widget.store.operating import Selection

ONE_IN = 50
DAMAGES = ("answers = 'no json'", "answers = NULL", "answers = '[7]'", "sid = NULL", "attempts = -1")
_SID = re.compile(rb'sid="([^"]+)"')
_LENGTH = re.compile(rb"(?i)content-length: *(\d+)")
_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
_REFUSED = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
# What the first answer says is what ECE did; what stands behind it belongs to no request.
ANSWERS = {
    "taken": _TAKEN,
    "taken, and once more": _TAKEN + _TAKEN,
    "taken, with a body": b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
    "taken, stray bytes": _TAKEN + b"\x00\xffstray",
    "refused": _REFUSED,
    "refused, and a 204": _REFUSED + _TAKEN,
    "refused, stray bytes": _REFUSED + b"HTTP/1.1 2",
    "hung up": b"",
}


@dataclass
class Ece:
    """An ECE on a socket. `taken` are the sids of surveys whose own answer was a success."""

    random: Random
    well: bool = False
    taken: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/system"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        left = b""
        with connection:
            connection.settimeout(30)
            try:
                while True:
                    request, left = _request(connection, left)
                    if not self._answer(connection, request):
                        return
            except (OSError, EOFError):
                return

    def _answer(self, connection: socket.socket, request: bytes) -> bool:
        found = _SID.search(request)
        assert found is not None, request[:200]
        kind = "taken" if self.well else self.random.choice(list(ANSWERS))
        self.answered[kind] += 1
        if kind.startswith("taken"):
            self.taken[found[1].decode()] += 1
        connection.sendall(ANSWERS[kind])
        return kind != "hung up"


def _request(connection: socket.socket, read: bytes) -> tuple[bytes, bytes]:
    while True:
        head, separator, body = read.partition(b"\r\n\r\n")
        if separator:
            length = _LENGTH.search(head)
            size = int(length[1]) if length else 0
            if len(body) >= size:
                return body[:size], body[size:]
        more = connection.recv(65536)
        if not more:
            raise EOFError
        read += more


def kill_and_poison(url: str, *, rounds: int, seed: int) -> dict[str, int]:
    """Do it so many times, then let everything be well; fail on a promise lost or a delivery made up."""
    random = Random(seed)
    ece = Ece(Random(seed + 1))
    promised: list[str] = []
    damaged: set[str] = set()
    for number in range(rounds):
        promised += _round(url, f"{seed}-{number}", ece, seconds=random.uniform(0.05, 0.6))
        damaged |= _damage(url, random)
    ece.well = True
    _execute(url, "UPDATE ece_widget_outbox SET next_attempt_at = 0 WHERE state = 'pending'")
    _execute(url, "UPDATE ece_widget_outbox SET leased_until = 0 WHERE state = 'leased'")
    drain = [sys.executable, "-m", "tests.store.poisoned", url, "", ece.base_url]
    subprocess.run(drain, check=True, timeout=600, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ece.close()
    return _counted(url, promised, damaged, ece)


def _round(url: str, name: str, ece: Ece, *, seconds: float) -> list[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.poisoned", url, name, ece.base_url],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    with process:
        first = process.stdout.readline()
        killer = threading.Timer(seconds, process.kill)
        killer.start()
        lines = [first, *process.stdout.readlines()]
        killer.join()
    assert process.returncode == -9, "it died by our hand"
    whole = [line.decode().split() for line in lines if line.endswith(b"\n")]
    return [words[1] for words in whole if words[0] == "new"]


def _damage(url: str, random: Random) -> set[str]:
    """Make one waiting row in fifty unreadable, at least one; return their keys."""
    waiting = "SELECT key FROM ece_widget_outbox WHERE state IN ('pending', 'leased')"
    keys = [row.key for row in _execute(url, waiting)]
    chosen = random.sample(keys, k=min(len(keys), max(1, len(keys) // ONE_IN)))
    for key in chosen:
        damage = random.choice(
            ["answers = 'no json'", "answers = NULL", "sid = NULL", "attempts = -1", "answers = '[7]'"]
        )
        _execute(url, f"UPDATE ece_widget_outbox SET {damage} WHERE key = '{key}'")
    return set(chosen)


def _execute(url: str, statement: str) -> list[Any]:
    maker = engine(url)
    with maker.begin() as connection:
        result = connection.execute(text(statement))
        rows = list(result) if result.returns_rows else []
    maker.dispose()
    return rows


def _counted(url: str, promised: list[str], damaged: set[str], ece: Ece) -> dict[str, int]:
    with command_outbox(url) as store:
        numbers = {row.id: row for row in store.rows(Selection(everything=True))}
    keys = {row.id: row.key for row in _execute(url, "SELECT id, key FROM ece_widget_outbox")}
    rows = {keys[number]: row for number, row in numbers.items()}
    assert len(rows) == len(numbers), "a row was doubled"
    lost = [key for key in promised if key not in rows]
    assert not lost, f"{len(lost)} promised and lost, as {lost[:3]}"
    made_up = [
        key
        for key, row in rows.items()
        if row.state is MessageState.DELIVERED and not ece.taken[key.replace("key-", "1234_", 1)]
    ]
    assert not made_up, f"{len(made_up)} delivered that ECE refused, as {made_up[:3]}"
    # ECE may have each of those that it answered by a success nobody can read; they are bounded, kept and named
    settled = {
        key
        for key, row in rows.items()
        if row.state is MessageState.DELIVERED or (row.reason or "").startswith("doubtful_success")
    }
    held_up = rows.keys() - settled - damaged
    assert not held_up, f"{len(held_up)} good ones not delivered, as {[rows[key] for key in list(held_up)[:3]]}"
    unnamed = [
        key
        for key in damaged
        if rows[key].state is not MessageState.DELIVERED and not (rows[key].reason or "").startswith("unreadable: ")
    ]
    assert not unnamed, f"{len(unnamed)} damaged and not named, as {[rows[key] for key in unnamed[:3]]}"
    return {
        "promised": len(promised),
        "stored": len(rows),
        "damaged": len(damaged),
        "sendings": sum(ece.answered.values()),
        "dead in doubt": len(settled) - sum(row.state is MessageState.DELIVERED for row in rows.values()),
        "taken twice": sum(times > 1 for times in ece.taken.values()),
    }
