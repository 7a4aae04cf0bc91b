"""Processes that are killed while they count: what was counted long enough ago is there, and nothing twice."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

from widget.domain.history import Span
from widget.store import HistoryStore

WRITE_EVERY = 0.1  # seconds, where the product has 5
LONGEST_WRITE = 2.0  # of a busy machine
BEGINNING, END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def counted_until_killed(url: str, name: str, seconds: float) -> list[float]:
    """Let a process count for so many seconds after its first click, kill it with -9; return when each click was."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.counting", url, name, str(WRITE_EVERY)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None

    def moments() -> Iterator[float]:
        assert process.stdout is not None
        begun = None
        for line in process.stdout:
            number, _, moment = line.partition(" ")
            if not line.endswith("\n"):
                return
            begun = begun or float(moment)
            if float(moment) - begun > seconds and process.poll() is None:
                process.kill()
            yield float(moment)

    with process:
        found = list(moments())
        process.kill()
    assert found, "it counted"
    return found


async def clicks(url: str, span: Span) -> int:
    store = HistoryStore(url)
    try:
        return sum(each.counts.opened for each in await store.counts(span, BEGINNING, END))
    finally:
        await store.close()


def kill_while_counting(url: str, *, kills: int, seed: int, longest: float = 1.5) -> tuple[int, int]:
    """Do it `kills` times; fail on a click that is there twice, or lost though it was counted long before the kill.

    Returns how many were counted, and how many of them are there.
    """
    random, counted, there = Random(seed), 0, 0
    for number in range(kills):
        found = counted_until_killed(url, f"{seed}-{number}", random.uniform(0.0, longest))
        after = asyncio.run(clicks(url, Span.FIVE_MINUTES))
        for span in (Span.HOUR, Span.DAY):
            assert asyncio.run(clicks(url, span)) == after, "every span has the same"
        new = after - there
        long_ago = sum(moment < found[-1] - WRITE_EVERY - LONGEST_WRITE for moment in found)
        assert long_ago <= new <= len(found) + 1, f"seed {seed}, round {number}: {new} of {len(found)}"
        counted, there = counted + len(found), after
    return counted, there


def test_kill_9_loses_the_last_moments_and_counts_nothing_twice(url: str) -> None:
    counted, there = kill_while_counting(url, kills=3, seed=20261128)
    assert 0 < there <= counted + 3, "a click may be counted and not yet told"
