"""Processes that are killed while they count."""

from __future__ import annotations

from tests.store.history_killing import kill_while_counting


def test_kill_9_loses_the_last_moments_and_counts_nothing_twice(url: str) -> None:
    counted, there = kill_while_counting(url, kills=3, seed=20261128)
    assert 0 < there <= counted + 3, "a click may be counted and not yet told"
