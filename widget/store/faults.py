"""What can be wrong with a database, in words an operator can use; the drivers' own exceptions end here."""

from __future__ import annotations

import errno

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from widget.domain.errors import WidgetError

# What may go wrong in a call to the database. ValueError: text that a driver cannot encode.
STORE_ERRORS = (SQLAlchemyError, OSError, ValueError)


class StoreRefused(WidgetError):
    """The database named in `[storage] url` must not be used; the message says why. Nothing in it was changed."""

    code = "storage_refused"


class FileGone(OSError):
    """The database file was removed or replaced while it was in use."""


class SqliteFailure(OSError):
    """SQLite refused a statement that was given to it past SQLAlchemy, as PRAGMAs must be outside a transaction."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.sqlite_errorname = str(getattr(error, "sqlite_errorname", ""))


DISK_FAILED = "the disk failed to read or write"
_SYSTEM_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk is full",
    errno.EROFS: "the file system is read-only",
}
DAMAGED = "the database file is damaged"
LOCKED = "the database is locked by another program"
_SQLITE_WORDS = (
    ("SQLITE_FULL", "the disk is full"),
    ("SQLITE_READONLY", "the database is read-only"),
    ("SQLITE_BUSY", LOCKED),
    ("SQLITE_LOCKED", LOCKED),
    ("SQLITE_CORRUPT", DAMAGED),
    ("SQLITE_NOTADB", DAMAGED),
    ("SQLITE_CANTOPEN", "the database file cannot be opened"),
    ("SQLITE_IOERR", DISK_FAILED),
)
_POSTGRES_WORDS = (
    ("53100", "the disk of the database server is full"),
    ("53300", "the database server has no free connection"),
    ("25006", "the database is read-only"),
    ("28", "the database server refused the user or the password"),
    ("3D000", "the database does not exist on its server"),
    ("42P01", "the tables are missing in the database"),
    ("55P03", LOCKED),
    ("57014", "the database took too long"),
    ("57P", "the database server is stopping or starting"),
    ("08", "the database server cannot be reached"),
)


def in_words(error: BaseException) -> str:
    """Say what is wrong, with no path, address, user or value in it: `/readyz` shows this to anybody."""
    if isinstance(error, StoreRefused):
        return "the database that is configured cannot be used; the log says why"
    if isinstance(error, FileGone):
        return "the database file was removed or replaced"
    original = error.orig if isinstance(error, DBAPIError) else error
    name = str(getattr(original, "sqlite_errorname", "") or "")
    state = str(getattr(original, "sqlstate", "") or "")
    for start, words in _SQLITE_WORDS:
        if name.startswith(start):
            return words
    for start, words in _POSTGRES_WORDS:
        if state.startswith(start):
            return words
    if isinstance(original, OSError) and not isinstance(original, SqliteFailure):
        return _SYSTEM_WORDS.get(original.errno or 0, DISK_FAILED)
    if type(original).__module__.startswith("psycopg"):
        return "the database server cannot be reached"
    return "the database failed"


def worth_trying_singly(error: BaseException) -> bool:
    """Say whether a batch failed because of one of its statements, so that the others may succeed by themselves.

    True for a value that the database or the driver refuses, for a deadlock that PostgreSQL broke, and for a statement
    whose time was over; false for a database that is gone, full, locked or failing, where each further try would only
    make everybody wait.
    """
    if isinstance(error, OSError):
        return False
    if isinstance(error, ValueError | TypeError):
        return True
    if not isinstance(error, DBAPIError):
        return isinstance(error, StatementError)
    if error.connection_invalidated:
        return False
    state = str(getattr(error.orig, "sqlstate", "") or "")
    name = str(getattr(error.orig, "sqlite_errorname", "") or "")
    return (
        took_too_long(error)
        or state.startswith(("22", "23", "40"))
        or name.startswith(("SQLITE_TOOBIG", "SQLITE_MISMATCH"))
    )


def took_too_long(error: BaseException) -> bool:
    """Say whether PostgreSQL broke off one statement: its time was over, or the wait for a lock."""
    return isinstance(error, DBAPIError) and str(getattr(error.orig, "sqlstate", "")) in ("57014", "55P03")
