"""Kill a process that accepts surveys, again and again, and hold it to what it promised."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from random import Random
from threading import Timer

from sqlalchemy import create_engine, text

from widget.store.command_outbox import command_outbox
from widget.store.operating import Selection

ENDLESS = 10**9


def promised_before_death(url: str, name: str, *, seconds: float) -> list[str]:
    """Let a process promise for so many seconds after its first promise, kill it with -9, give the keys."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.serving", url, name, str(ENDLESS)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    with process:
        first = process.stdout.readline()
        killer = Timer(seconds, process.kill)
        killer.start()
        lines = [first, *process.stdout.readlines()]
        killer.join()
    assert process.returncode == -9, "it died by our hand"
    whole = [line.decode().split() for line in lines if line.endswith(b"\n")]
    assert all(words[0] == "new" for words in whole), whole[:3]
    return [words[1] for words in whole]


def kill_again_and_again(url: str, *, kills: int, seed: int, longest: float = 0.4) -> tuple[int, int]:
    """Do it `kills` times; fail on a promise lost, a row doubled or a damaged file. Give promised and stored."""
    random = Random(seed)
    promised: list[str] = []
    for number in range(kills):
        promised += promised_before_death(url, f"{seed}-{number}", seconds=random.uniform(0.0, longest))
    stored = keys_in(url)
    lost, doubled = set(promised) - stored.keys(), [key for key, times in stored.items() if times > 1]
    assert not lost, f"seed {seed}: {len(lost)} promised and lost, as {sorted(lost)[:3]}"
    assert not doubled, f"seed {seed}: {len(doubled)} rows doubled"
    return len(promised), len(stored)


def keys_in(url: str) -> Counter[str]:
    """Return every key, the oldest first, with its number of rows, after the database has said that it is whole."""
    with command_outbox(url) as store:  # opening runs the recovery that a restart would
        store.number_of(Selection(everything=True))
    if url.startswith("sqlite"):
        from pysqlite3 import dbapi2

        engine = create_engine(url, module=dbapi2)
    else:
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        if url.startswith("sqlite"):
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        oldest_first = text("SELECT key FROM ece_widget_outbox ORDER BY accepted_at, id")
        keys = Counter(connection.execute(oldest_first).scalars())
    engine.dispose()
    return keys
