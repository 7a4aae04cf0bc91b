"""JSON as it is taken from outside: an object that has a name twice says two things, and is refused."""

from __future__ import annotations

from typing import Any


def no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of `json.loads`, as its `object_pairs_hook`. Raise ValueError where a name comes twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name twice")
    return members
