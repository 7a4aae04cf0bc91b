"""The statements of what is remembered between runs: one text under each name."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, delete, select

from widget.store.faults import StoreRefused
from widget.store.inserting import insert_unless_there
from widget.store.schema import remembered


def remember_once(connection: Connection, name: str, value: str) -> str:
    """Keep a value unless there is one; return the one that is kept."""
    connection.execute(insert_unless_there(connection.dialect.name, remembered), {"name": name, "value": value})
    return str(connection.execute(select(remembered.c.value).where(remembered.c.name == name)).scalar_one())


def read_hash_key(connection: Connection) -> bytes:
    """Return the secret of keyed hashes, made at random once. Raise StoreRefused for one that is damaged."""
    try:
        return bytes.fromhex(remember_once(connection, "hash_key", secrets.token_hex(32)))
    except ValueError:
        raise StoreRefused(
            "The value hash_key in the table ece_widget_remembered is damaged. Without it no survey can be told from "
            "one that was taken before; restore it from a backup."
        ) from None


def remember(connection: Connection, name: str, value: str) -> None:
    """Keep a value in place of the one before."""
    connection.execute(delete(remembered).where(remembered.c.name == name))
    connection.execute(insert_unless_there(connection.dialect.name, remembered), {"name": name, "value": value})


def recall(connection: Connection, name: str) -> str | None:
    """Return a kept value, or None."""
    return connection.execute(select(remembered.c.value).where(remembered.c.name == name)).scalar()


def forget(connection: Connection, name: str, value: str) -> None:
    """Keep the value no longer, unless it was replaced since."""
    connection.execute(delete(remembered).where(remembered.c.name == name, remembered.c.value == value))
