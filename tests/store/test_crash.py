"""Processes that are killed while they promise."""

from __future__ import annotations

from tests.store.killing import kill_again_and_again


def test_a_promise_survives_kill_9_at_any_moment(url: str) -> None:
    promised, stored = kill_again_and_again(url, kills=3, seed=20261124)
    assert promised > 0
    assert stored - promised <= 3 * 64, "what is stored beyond the promises was in flight at a kill"
