"""The history and the switches as the application sees them: coroutines whose work a thread does.

They have connections of their own beside the outbox's, so that no visitor's survey waits in line behind them. The
outbox makes the schema; until it has, every method fails as it does while the database is away.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeVar, TypeVarTuple

from sqlalchemy import Connection

from widget.domain.errors import OutboxUnavailable
from widget.domain.history import Batch, Bucket, Change, Process, Span
from widget.domain.switches import Entry
from widget.store import recording, switching
from widget.store.choose import choose_database
from widget.store.faults import STORE_ERRORS, in_words
from widget.store.writer import Database

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class HistoryStore:
    """Writes and reads. Every method raises only OutboxUnavailable; times are aware, UTC.

    Making one imports a database's driver from disk: do it outside an event loop. Raises StoreRefused.
    """

    def __init__(self, url: str) -> None:
        self._writing = _Kept(choose_database(url))
        self._following = _Kept(choose_database(url), reads_only=True)
        self._reading = _Kept(choose_database(url), reads_only=True)

    async def close(self) -> None:
        """Close the connections; a method that is called later opens them again."""
        for each in (self._writing, self._following, self._reading):
            await asyncio.to_thread(each.drop)

    # --- history ---

    async def write(self, batch: Batch) -> bool:
        """Write a batch as a whole or not at all; False when this number was written before."""
        return await asyncio.to_thread(self._writing.do, recording.write, batch)

    async def counts(
        self, span: Span, since: datetime, until: datetime, entry_points: Collection[str] | None = None
    ) -> list[Bucket]:
        """Return the buckets that start from `since` to before `until`, in order of their start."""
        return await self.read(recording.read_counts, span, since, until, entry_points)

    async def sums(self, span: Span, since: datetime, until: datetime) -> list[Bucket]:
        """Return the same added up over all entry points, in buckets without a name."""
        return await self.read(recording.read_sums, span, since, until)

    async def in_vain(
        self, span: Span, since: datetime, until: datetime, entry_points: Collection[str] | None = None
    ) -> list[tuple[datetime, int, int]]:
        """Return for each bucket's start the clicks that opened a chat and those that opened none."""
        return await self.read(recording.read_in_vain, span, since, until, entry_points)

    async def changes(
        self, since: datetime, until: datetime, entry_point: str | None = None, limit: int | None = None
    ) -> list[Change]:
        """Return the changes from `since` to before `until`, the newest first."""
        return await self.read(recording.read_changes, since, until, entry_point, limit)

    async def last_changes(self, entry_points: Sequence[str], before: datetime | None = None) -> dict[str, Change]:
        """Return the last change of each, or the last one before a moment, where there is one."""
        return await self.read(recording.last_changes, entry_points, before)

    async def names(self) -> list[str]:
        """Return every entry point that anything was counted for."""
        return await self.read(recording.read_names)

    async def processes(self, seen_since: datetime) -> list[Process]:
        """Return the processes that wrote at or after a moment, by their start."""
        return await self.read(recording.read_processes, seen_since)

    async def purge(self, before: datetime) -> None:
        """Delete what is older, page by page, but for what is in force."""
        while await asyncio.to_thread(self._writing.do, recording.purge, before):
            continue
        await asyncio.to_thread(self._writing.do, switching.purge, before)

    # --- switches ---

    async def append(self, entry: Entry) -> int:
        """Add an entry to the log; return its id once it is on disk."""
        return await asyncio.to_thread(self._writing.do, switching.append, entry)

    async def log_after(self, known: int) -> tuple[int, list[Entry]] | None:
        """Return the last id and the whole log, None when the last id is `known`."""
        return await asyncio.to_thread(self._following.do, switching.log_after, known)

    async def log(
        self, since: datetime, until: datetime, entry_point: str | None = None, limit: int | None = None
    ) -> list[Entry]:
        """Return the entries from `since` to before `until`, the newest first."""
        return await self.read(
            lambda to: switching.read_log(to, since=since, until=until, entry_point=entry_point, limit=limit)
        )

    async def read(self, work: Callable[[Connection, *Arguments], T], *arguments: *Arguments) -> T:
        """Return what `work` reads."""
        return await asyncio.to_thread(self._reading.do, lambda connection: work(connection, *arguments))


class _Kept:
    """A connection that is kept open for one thing at a time, and dropped after a failure."""

    def __init__(self, database: Database, *, reads_only: bool = False) -> None:
        self._database = database
        self._reads_only = reads_only
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def do(self, work: Callable[[Connection, *Arguments], T], *arguments: *Arguments) -> T:
        """Do the work in a transaction; a connection that broke while it was idle is replaced once.

        Raise OutboxUnavailable, and then the work may have been committed or not.
        """
        with self._lock:
            for may_be_broken in (self._connection is not None, False):
                committing = False
                try:
                    if self._connection is None:
                        connect = self._database.connect_to_read if self._reads_only else self._database.connect
                        self._connection = connect()
                    self._prove()
                    with self._connection.begin() as transaction:
                        result = work(self._connection, *arguments)
                        committing = True
                        transaction.commit()
                    self._prove()
                except STORE_ERRORS as error:
                    self._disconnect()
                    if not may_be_broken or committing:
                        raise OutboxUnavailable(in_words(error)) from error
                except BaseException:
                    self._disconnect()
                    raise
                else:
                    return result
        raise AssertionError("unreachable")

    def _prove(self) -> None:
        if not self._reads_only:
            self._database.prove()

    def drop(self) -> None:
        with self._lock:
            self._disconnect()
            self._database.dispose()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*STORE_ERRORS):
                connection.close()
