"""Kill a process that counts, again and again, and hold it to what it counted."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

from widget.domain.history import Change, Span
from widget.store.history import HistoryStore

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
    clicks: list[float] = []
    with process:
        for line in process.stdout:
            if line.startswith("click ") and line.endswith("\n"):
                clicks.append(float(line.split()[1]))
                if clicks[-1] - clicks[0] > seconds and process.poll() is None:
                    process.kill()
    assert process.returncode == -9, "it died by our hand"
    return clicks


async def written(store: HistoryStore, *kinds: str) -> tuple[dict[Span, int], list[Change]]:
    """Return the clicks (`opened`, `in_vain`) by span, and the changes in order."""
    try:
        found = {}
        for span in Span:
            buckets = await store.counts(span, BEGINNING, END)
            found[span] = sum(getattr(each.counts, kind) for each in buckets for kind in kinds)
        return found, (await store.changes(BEGINNING, END))[::-1]
    finally:
        await store.close()


def kill_while_counting(url: str, *, kills: int, seed: int, longest: float = 1.5) -> tuple[int, int]:
    """Do it `kills` times; fail on a click that is there twice, or is lost though it was counted long before the kill.

    Returns how many were counted, and how many of them are there.
    """
    random, counted, there = Random(seed), 0, 0
    for number in range(kills):
        clicks = counted_until_killed(url, f"{seed}-{number}", random.uniform(0.0, longest))
        by_span, changes = asyncio.run(written(HistoryStore(url), "opened"))
        assert len(set(by_span.values())) == 1, "every span has the same"
        new = by_span[Span.DAY] - there
        long_ago = sum(moment < clicks[-1] - WRITE_EVERY - LONGEST_WRITE for moment in clicks)
        assert long_ago <= new <= len(clicks) + 1, f"seed {seed}, round {number}: {new} of {len(clicks)}"
        for before, after in pairwise(changes):
            assert before.state_and_reason != after.state_and_reason, (
                f"seed {seed}, round {number}: {before} is told twice"
            )
            assert before.at <= after.at, f"seed {seed}, round {number}: {after} comes before {before}"
        counted, there = counted + len(clicks), there + new
    assert len(changes) > kills, "there was something to put in order"
    return counted, there
