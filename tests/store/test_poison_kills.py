"""Kill -9, damaged rows and an ECE that misbehaves, together."""

from __future__ import annotations

from tests.store.poisoning import kill_and_poison


def test_kills_and_poison_together_lose_nothing_and_make_nothing_up(url: str) -> None:
    figures = kill_and_poison(url, rounds=4, seed=20261124)
    assert figures["damaged"] >= 1
    assert figures["promised"] > 0
