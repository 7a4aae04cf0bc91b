"""Two hundred rounds of kill -9, damaged rows and an ECE that misbehaves, on each database."""

from __future__ import annotations

import os

import pytest

from tests.store.poisoning import kill_and_poison

pytestmark = pytest.mark.soak

ROUNDS = int(os.environ.get("SOAK_KILLS", "200"))
SEED = int(os.environ.get("SOAK_SEED", "20261124"))


def test_two_hundred_rounds_of_kills_and_poison_lose_nothing_and_make_nothing_up(url: str) -> None:
    figures = kill_and_poison(url, rounds=ROUNDS, seed=SEED)
    print(f"\n{url.split(':')[0]}: {ROUNDS} rounds, seed {SEED}: 0 lost, 0 delivered that ECE refused; {figures}")
