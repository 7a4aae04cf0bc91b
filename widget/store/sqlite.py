"""SQLite as the outbox's database: which library, how it is opened, and whether the file is still ours.

Versions before 3.51.3 can corrupt a database in WAL mode when two connections write or checkpoint at the same instant
(https://sqlite.org/wal.html, "The WAL-Reset Bug"). Where only such a version can be had, a rollback journal is used.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from widget.store.faults import DAMAGED, LOCKED, STORE_ERRORS, FileGone, SqliteFailure, StoreRefused, code_of, in_words
from widget.store.migrate import migrate
from widget.store.owners import Owners
from widget.store.schema import APPLICATION_ID

FIRST_SAFE_WAL = (3, 51, 3)
BUSY_SECONDS = 5.0  # how long a commit may wait for another program's lock
WITHOUT_WAL = (
    "SQLite {found} can damage a database in WAL mode, so a rollback journal is used: as safe, and slower for many "
    "surveys at once. Install SQLite 3.51.3 or later, as the package pysqlite3 carries on x86_64, or use PostgreSQL."
)
READ_BY_ANOTHER = "Another program is reading the database: its journal still holds what was purged. Run this again."
CHECK_WHOLE_FILE_UP_TO = 256 * 2**20  # bytes; a bigger file would make the start slow

log = structlog.get_logger(__name__)


def choose_driver() -> Any:
    """Return the newer of the SQLite libraries at hand as a DB-API module: the wheel's or the interpreter's own."""
    found = []
    for name in ("pysqlite3.dbapi2", "sqlite3.dbapi2"):
        with contextlib.suppress(ImportError):
            found.append(importlib.import_module(name))
    if not found:
        raise StoreRefused("This Python has no SQLite; install pysqlite3, or set [storage] url to a PostgreSQL.")
    return max(found, key=lambda module: tuple(module.sqlite_version_info))


class SqliteDatabase:
    """One file. Every connection it gives is ready to write, with each commit synced to the disk."""

    name = "sqlite"

    def __init__(self, path: Path, *, driver: Any | None = None, busy_seconds: float = BUSY_SECONDS) -> None:
        self.path, self._busy_seconds = path.absolute(), busy_seconds
        self._driver = driver or choose_driver()
        self._wal = tuple(self._driver.sqlite_version_info) >= FIRST_SAFE_WAL
        self._identity: tuple[tuple[int, int] | None, ...] = ()
        self._engine = self._make_engine()
        self.owners: Owners | None = Owners(self.path)

    @property
    def caution(self) -> str | None:
        """A sentence for the operator about the library that is used, or None."""
        return None if self._wal else WITHOUT_WAL.format(found=self._driver.sqlite_version)

    def prepare(self) -> None:
        """Make the file where there is none, refuse one that is not ours, and bring it to the newest schema."""
        self._make_file()
        with self._opened_if_ours() as connection, connection.begin():  # BEGIN IMMEDIATE: the lock of migrations
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
            migrate(connection)
        if self.caution is not None:
            log.warning("sqlite_without_wal", note=self.caution)

    @contextlib.contextmanager
    def tried(self) -> Iterator[Connection | None]:
        """Open the file as `prepare` does, but make none and migrate nothing: None where it can be made and is not."""
        self._refuse_place()
        if self.path.exists():
            with self._opened_if_ours() as connection:
                yield connection
        elif os.access(self.path.parent, os.W_OK | os.X_OK):
            yield None
        else:
            raise StoreRefused(f"No file can be made in the folder of [storage] url, {self.path.parent}.")

    def connect(self) -> Connection:
        """Open the file that `prepare` left; never make a new one, since that would lose what the old one promised."""
        if not self.path.exists():
            raise FileGone
        with contextlib.ExitStack() as unless_ready:
            connection = unless_ready.enter_context(self._engine.connect())
            if self._ask(connection, "PRAGMA application_id") != [(APPLICATION_ID,)]:
                raise FileGone  # not the file that was prepared
            self._set_up(connection)
            self._identity = (_identity(self.path), None)
            unless_ready.pop_all()
        return connection

    def connect_to_read(self) -> Connection:
        """Open the file beside the writer, who waits for no reader; nothing can be changed by this connection."""
        with contextlib.ExitStack() as unless_ready:
            connection = unless_ready.enter_context(self._engine.connect().execution_options(reads_only=True))
            self._ask(connection, "PRAGMA query_only = ON")
            unless_ready.pop_all()
        return connection

    def prove(self) -> None:
        """Raise FileGone unless the name still leads to the file we hold open.

        A removed file can be written and synced without any error, and nobody would ever read it again.
        """
        journal = _identity(self.path.with_name(self.path.name + "-wal")) if self._wal else None
        if self._identity[1] is None:
            self._identity = (self._identity[0], journal)
        if (_identity(self.path), journal) != self._identity or self._identity[0] is None:
            raise FileGone

    def erase_freed(self, within: float | None) -> str | None:
        """Leave no trace of deleted values in any file; return None, or a sentence that says why some are left.

        `secure_delete` overwrites what is deleted, but not copies that stayed behind when a page was split: only
        rebuilding the file removes those. Nobody can write meanwhile, so `within` bounds it, in seconds.
        """
        with self._engine.connect() as connection:
            raw: Any = connection.connection.dbapi_connection
            timer = threading.Timer(within or threading.TIMEOUT_MAX, raw.interrupt)
            timer.daemon = True
            try:
                if within is not None:
                    timer.start()
                self._ask(connection, "VACUUM")
            except SqliteFailure as failure:
                if code_of(failure).startswith("SQLITE_INTERRUPT"):
                    return f"The file takes longer than {within:g} s to rebuild. Run `surveys purge` in a quiet hour."
                if in_words(failure) == LOCKED:
                    return READ_BY_ANOTHER
                raise
            finally:
                timer.cancel()
            if not self._wal:
                return None
            ((busy, _, _),) = self._ask(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
            return READ_BY_ANOTHER if busy else None

    def dispose(self) -> None:
        self._engine.dispose()

    def _make_engine(self) -> Engine:
        address = f"file:{quote(str(self.path))}?mode=rw"

        def opened() -> Any:
            connection = self._driver.connect(
                address, uri=True, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
            )
            # The driver would fail the whole statement for one text that is no UTF-8; `reading` names its row instead.
            connection.text_factory = functools.partial(str, encoding="utf-8", errors="surrogateescape")
            return connection

        engine = create_engine("sqlite://", module=self._driver, creator=opened, poolclass=NullPool)

        @event.listens_for(engine, "begin")
        def _take_the_write_lock_first(connection: Connection) -> None:
            reads = connection.get_execution_options().get("reads_only")
            # a lock asked for later cannot be waited for
            connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

        return engine

    @contextlib.contextmanager
    def _opened_if_ours(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                self._refuse_foreign(connection)
                self._set_up(connection)
                connection.rollback()
                yield connection
        except STORE_ERRORS as error:
            if in_words(error) == DAMAGED:
                raise StoreRefused(self._damaged()) from error
            raise

    def _refuse_place(self) -> None:
        if not self.path.parent.is_dir():
            raise StoreRefused(f"The folder of [storage] url does not exist: {self.path.parent}")
        if self.path.is_dir():
            raise StoreRefused(f"[storage] url names a folder, {self.path}; let it name a file in it.")

    def _make_file(self) -> None:
        self._refuse_place()
        folder = self.path.parent
        try:
            # For its owner alone, since it will hold personal data. Never opened when it exists: closing a handle of
            # one's own drops the locks of all of SQLite's in this process (https://sqlite.org/howtocorrupt.html, 2.2).
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            folder_handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(folder_handle)
            finally:
                os.close(folder_handle)
        except (PermissionError, IsADirectoryError, NotADirectoryError, FileNotFoundError) as error:
            raise StoreRefused(
                f"The file of [storage] url, {self.path}, cannot be opened for writing: {error.strerror}."
            ) from error

    def _refuse_foreign(self, connection: Connection) -> None:
        ((found,),) = self._ask(connection, "PRAGMA application_id")
        ((tables,),) = self._ask(connection, "SELECT count(*) FROM sqlite_master")
        if found != APPLICATION_ID and tables:
            raise StoreRefused(
                f"The file {self.path} is a SQLite database of another program. "
                "It was left as it is; let [storage] url name a file of its own."
            )
        small = self.path.stat().st_size <= CHECK_WHOLE_FILE_UP_TO
        if small and self._ask(connection, "PRAGMA quick_check(1)") != [("ok",)]:
            raise StoreRefused(self._damaged())

    def _set_up(self, connection: Connection) -> None:
        wanted = "wal" if self._wal else "delete"
        ((mode,),) = self._ask(connection, f"PRAGMA journal_mode = {wanted}")
        if mode != wanted:
            raise StoreRefused(
                f"The file {self.path} is in journal mode {mode} and cannot be changed to {wanted}: another program "
                f"holds it open, or its file system has no shared memory (SQLite {self._driver.sqlite_version})."
            )
        for pragma in (
            "synchronous = FULL",
            "fullfsync = ON",  # macOS: a plain fsync does not reach the disk
            "checkpoint_fullfsync = ON",
            "secure_delete = ON",
            "journal_size_limit = 67108864",
            "trusted_schema = OFF",
        ):
            self._ask(connection, f"PRAGMA {pragma}")

    def _ask(self, connection: Connection, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement outside any transaction, which SQLAlchemy would begin."""
        raw = connection.connection.dbapi_connection
        assert raw is not None
        try:
            return list(raw.execute(statement).fetchall())
        except self._driver.Error as error:
            raise SqliteFailure(error) from error

    def _damaged(self) -> str:
        return (
            f"The file {self.path} is no SQLite database, or a damaged one. It was left as it is; "
            "put a backup in its place, or let [storage] url name another file."
        )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
