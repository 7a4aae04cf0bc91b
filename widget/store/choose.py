"""Which database `[storage] url` means."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from widget.store.faults import StoreRefused
from widget.store.postgres import PostgresDatabase
from widget.store.sqlite import SqliteDatabase


def choose_database(url: str) -> SqliteDatabase | PostgresDatabase:
    """Return the database of an address; one that cannot be used is refused without repeating its password."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreRefused(
            "[storage] url is no address of a database; write sqlite:///file.db or postgresql://user:password@host/name"
        ) from None
    if address.drivername == "sqlite":
        if not address.database or address.database == ":memory:" or address.query:
            raise StoreRefused("[storage] url must name a file, as sqlite:///ece-widget.db, with nothing after it")
        return SqliteDatabase(Path(address.database))
    if address.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return PostgresDatabase(address)
    raise StoreRefused(f"[storage] url begins with {address.drivername}; sqlite:/// and postgresql:// are known")
