"""Inserts of rows that may be there already: the same words in both dialects, but SQLAlchemy has them only in each.

A dialect is imported at its first statement: PostgreSQL's would take 20 ms of every start on SQLite. Statements are
made once, since building one costs more than running it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from sqlalchemy import Insert, Table


def insert_into(dialect: str, table: Table) -> Any:
    """Return the dialect's own insert, which knows what to do about a row that is there."""
    return import_module(f"sqlalchemy.dialects.{dialect}").insert(table)


@cache
def insert_unless_there(dialect: str, table: Table) -> Insert:
    """Return an insert that leaves a row with the same unique key as it is."""
    made: Insert = insert_into(dialect, table).on_conflict_do_nothing()
    return made
