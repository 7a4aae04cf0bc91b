"""The settings as a file has them, before any check: what should be a table or a list may be anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

Valid = TypeVar("Valid")


def table_at(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the table under a key, an empty one where there is none."""
    value = table.get(key)
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """Return the value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def words(value: Any) -> list[str]:
    """Return the texts of a list, which a variable may have as words between commas."""
    return [str(each).strip() for each in (value.split(",") if isinstance(value, str) else listed(value))]


def valid(kind: TypeAdapter[Valid], value: Any) -> Valid | None:
    """Return a value as its kind has it, or None where it has faults: those are told as faults of the value itself."""
    try:
        return kind.validate_python(value)
    except ValidationError:
        return None
