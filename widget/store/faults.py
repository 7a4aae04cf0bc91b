"""What can be wrong with a database, in words an operator can use; the drivers' own exceptions end here."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from widget.domain.errors import OutboxUnavailable, WidgetError

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
UNREACHABLE = "the database server cannot be reached"
# By how SQLite's name of an error begins, or PostgreSQL's code of one; the first that fits.
_WORDS_BY_CODE = (
    ("SQLITE_FULL", "the disk is full"),
    ("SQLITE_READONLY", "the database is read-only"),
    ("SQLITE_BUSY", LOCKED),
    ("SQLITE_LOCKED", LOCKED),
    ("SQLITE_CORRUPT", DAMAGED),
    ("SQLITE_NOTADB", DAMAGED),
    ("SQLITE_CANTOPEN", "the database file cannot be opened"),
    ("SQLITE_IOERR", DISK_FAILED),
    ("53100", "the disk of the database server is full"),
    ("53300", "the database server has too many connections"),
    ("25006", "the database is read-only, as on a standby server"),
    ("28P01", "the database server refused the password"),
    ("28", "the database server refused the user, or an encrypted or unencrypted connection, by its pg_hba.conf"),
    ("3D000", "the database does not exist on its server"),
    ("42501", "the database user has too few rights"),
    ("42P01", "the tables are missing in the database"),
    ("55P03", LOCKED),
    ("57014", "the database took too long"),
    ("57P", "the database server is stopping or starting"),
    ("08", UNREACHABLE),
)
# A connection that fails has no code in psycopg; these are libpq's and the system's own words, the first that fit.
_CONNECTING_WORDS = (
    ("password authentication failed", "the database server refused the password"),
    ("no password supplied", "the database server wants a password, and [storage] url has none"),
    ("too many clients", "the database server has too many connections"),
    ("too many connections", "the database server has too many connections"),
    ("remaining connection slots", "the database server has too many connections"),
    ("no pg_hba.conf entry", "the database server lets this user or machine not in, by its pg_hba.conf"),
    ("is not permitted to log in", "the database server lets this user not log in"),
    ("authentication failed", "the database server refused the user"),
    ("certificate verify failed", "the certificate of the database server is not trusted; see sslrootcert"),
    ("root certificate file", "the file of sslrootcert, which is to prove the database server, is missing"),
    ("server certificate for", "the certificate of the database server is for another name"),
    ("does not support ssl", "the database server speaks no TLS, and sslmode asks for it"),
    ("ssl", "the TLS connection to the database server failed"),
    ("starting up", "the database server is stopping or starting"),
    ("shutting down", "the database server is stopping or starting"),
    ("read-only", "the database is read-only, as on a standby server"),
    ("name or service not known", "the name of the database server is unknown"),
    ("could not translate host name", "the name of the database server is unknown"),
    ("failed to resolve host", "the name of the database server is unknown"),
    ("name resolution", "the name of the database server cannot be looked up now"),
    ("connection refused", "the database server refuses connections: nothing listens at its address"),
    ("no such file or directory", "the socket of the database server is not there"),
    ("timeout expired", "the database server does not answer"),
    ("connection timeout", "the database server does not answer"),
    ("no route to host", "no network leads to the database server"),
    ("network is unreachable", "no network leads to the database server"),
)
_OF_ONE_STATEMENT = ("22", "23", "40", "SQLITE_TOOBIG", "SQLITE_MISMATCH")  # a value, a constraint, a deadlock
_UNKNOWN_NAME = re.compile(r'(database|role|user) ".*" does not exist')


def in_words(error: BaseException) -> str:
    """Return what is wrong, with no path, address, user or value in it: `/readyz` shows this to anybody."""
    if isinstance(error, StoreRefused):
        return "the database that is configured cannot be used; the log says why"
    if isinstance(error, FileGone):
        return "the database file was removed or replaced"
    original = error.orig if isinstance(error, DBAPIError) else error
    code = code_of(error)
    if known := next((words for start, words in _WORDS_BY_CODE if code.startswith(start)), None):
        return known
    if isinstance(original, OSError) and not isinstance(original, SqliteFailure):
        return _SYSTEM_WORDS.get(original.errno or 0, DISK_FAILED)
    if type(original).__module__.startswith("psycopg"):
        return _why_not_connected(str(original).lower())
    return "the database failed"


def code_of(error: BaseException) -> str:
    """Return SQLite's name of an error or PostgreSQL's code of one; "" for an error that has none."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None) or "")


@contextmanager
def as_unavailable() -> Iterator[None]:
    """Raise OutboxUnavailable, with what is wrong in words, where a call to the database fails."""
    try:
        yield
    except STORE_ERRORS as error:
        raise OutboxUnavailable(in_words(error)) from error


def _why_not_connected(said: str) -> str:
    """Return what libpq's message means; nothing of it is passed on, since it holds names and addresses."""
    if unknown := _UNKNOWN_NAME.search(said):
        database = "the database does not exist on its server"
        return database if unknown[1] == "database" else "the database server refused the user"
    return next((words for part, words in _CONNECTING_WORDS if part in said), UNREACHABLE)


def worth_trying_singly(error: BaseException) -> bool:
    """Return whether a batch failed because of one of its statements, so that the others may succeed by themselves.

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
    return took_too_long(error) or code_of(error).startswith(_OF_ONE_STATEMENT)


def took_too_long(error: BaseException) -> bool:
    """Return whether PostgreSQL broke off one statement: its time was over, or the wait for a lock."""
    return code_of(error) in ("57014", "55P03")
