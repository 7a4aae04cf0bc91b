"""How old a snapshot may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget.domain.freshness import Freshness, freshness


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0, Freshness.FRESH),
        (4.999, Freshness.FRESH),
        (5, Freshness.STALE),
        (59.999, Freshness.STALE),
        (60, Freshness.EXPIRED),
        (1e18, Freshness.EXPIRED),
    ],
)
def test_each_limit_is_the_first_moment_of_the_next_class(age: float, expected: Freshness) -> None:
    assert freshness(age, fresh_for=5, stale_for=60) is expected


@given(st.floats(0, 1e9), st.floats(0.001, 1e6), st.floats(0.001, 1e6))
def test_nothing_past_stale_for_is_trusted(age: float, fresh_for: float, stale_for: float) -> None:
    found = freshness(age, fresh_for=fresh_for, stale_for=stale_for)
    assert (found is Freshness.EXPIRED) is (age >= stale_for)
