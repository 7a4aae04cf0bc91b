"""Try the database of `[storage] url` as `check` does: open it, read its schema and try every right; change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from widget.domain.outbox import OutboxCounts
from widget.store.faults import STORE_ERRORS, StoreRefused, code_of, in_words
from widget.store.migrate import version
from widget.store.operating import counts_of_unsettled
from widget.store.schema import HEAD, metadata
from widget.store.writer import Database

_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
# No row fits, so nothing changes, and both databases refuse what the user may not do.
_RIGHTS = {
    "SELECT": "SELECT 1 FROM {table} WHERE 1 = 0",
    "INSERT": "INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0",
    "UPDATE": "UPDATE {table} SET {column} = {column} WHERE 1 = 0",
    "DELETE": "DELETE FROM {table} WHERE 1 = 0",
}
_OWNED = text("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = CAST(:table AS regclass)")
_FORBIDDEN = "42501"  # PostgreSQL's insufficient_privilege


class StorageTrial(NamedTuple):
    """What was found.

    `server` is the database with its version, `schema` the revision that is there, `newest` the one of this release.
    `missing_rights` has "INSERT on TABLE" and the like. `counts` is known where the schema is of this release or later.
    `wrong` is a sentence about what cannot be used, or "".
    """

    server: str
    newest: str = HEAD
    schema: str | None = None
    missing_rights: tuple[str, ...] = ()
    counts: OutboxCounts | None = None
    caution: str | None = None
    wrong: str = ""


def try_storage(database: Database) -> StorageTrial:
    """Open the database and return what is the case. Blocks for some seconds at most, so call it in a thread."""
    name = _NAMES[database.name]
    try:
        with database.tried() as connection:
            if connection is None:
                return StorageTrial(name, caution=database.caution)
            numbers = connection.dialect.server_version_info or ()
            with connection.begin() as changes:
                try:
                    schema = version(connection)
                    missing = tuple(_missing_rights(connection, schema))
                    readable = schema is not None and schema >= HEAD and not missing
                    counts = counts_of_unsettled(connection) if readable else None
                finally:
                    changes.rollback()
    except StoreRefused as refusal:
        return StorageTrial(name, wrong=str(refusal).rstrip("."))
    except STORE_ERRORS as error:
        return StorageTrial(name, wrong=in_words(error))
    server = f"{name} {'.'.join(str(number) for number in numbers)}"
    return StorageTrial(server, schema=schema, missing_rights=missing, counts=counts, caution=database.caution)


def _missing_rights(connection: Connection, schema: str | None) -> Iterator[str]:
    if schema is None and not _is_allowed(connection, partial(metadata.create_all, connection)):
        yield "CREATE in the schema"
        return
    for table in metadata.sorted_tables:
        for right, statement in _RIGHTS.items():
            tried = text(statement.format(table=table.name, column=next(iter(table.columns)).name))
            if not _is_allowed(connection, partial(connection.execute, tried)):
                yield f"{right} on {table.name}"
        older = schema is not None and schema < HEAD and connection.dialect.name == "postgresql"
        if older and not connection.execute(_OWNED, {"table": table.name}).scalar():
            yield f"ownership of {table.name}"


def _is_allowed(connection: Connection, work: Callable[[], object]) -> bool:
    try:
        with connection.begin_nested():
            work()
    except DBAPIError as error:
        if code_of(error) != _FORBIDDEN:
            raise
        return False
    return True
