"""How long a snapshot may be trusted (RFC 5861's stale-while-revalidate, with a hard end)."""

from __future__ import annotations

from enum import StrEnum


class Freshness(StrEnum):
    """Fresh: served without asking. Stale: served while one refresh runs. Expired: not trusted any more."""

    FRESH = "fresh"
    STALE = "stale"
    EXPIRED = "expired"


def freshness(age: float, *, fresh_for: float, stale_for: float) -> Freshness:
    """Class an age, all in seconds of monotonic time; both limits count from the moment ECE answered."""
    if age < min(fresh_for, stale_for):
        return Freshness.FRESH
    return Freshness.STALE if age < stale_for else Freshness.EXPIRED
