"""The settings as a file has them, before any check: what should be a table or a list may be anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def table_at(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the table under a key, an empty one where there is none."""
    value = table.get(key)
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """Return the value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []
