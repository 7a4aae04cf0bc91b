"""The outbox as an operator's command sees it: no event loop, one connection, a transaction for each page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar, TypeVarTuple

from sqlalchemy import Connection

from widget.domain.outbox import OutboxCounts, OutboxRow
from widget.store import operating, remembering
from widget.store.choose import choose_database
from widget.store.faults import StoreRefused, as_unavailable
from widget.store.operating import FREED, PAGE, Selection
from widget.store.sqlite import SqliteDatabase
from widget.store.writer import Database

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class CommandOutbox:
    """Reads and changes rows. Every method raises only OutboxUnavailable."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database = database
        self._connection = connection
        self._key = self._do(remembering.read_hash_key)

    def counts(self) -> OutboxCounts:
        """Count the rows by state."""
        return self._do(operating.counts)

    def number_of(self, selection: Selection) -> int:
        """Count the rows that are meant."""
        return self._do(operating.number_of, selection)

    def newest(self, selection: Selection, limit: int) -> list[OutboxRow]:
        """Return the last rows, the newest first."""
        return self._do(operating.newest, selection, limit, self._key)

    def rows(self, selection: Selection) -> Iterator[OutboxRow]:
        """Return all rows by id. Between pages nothing is locked, so a long export holds nobody up."""
        last: int | None = None
        while page := self._do(operating.page, selection, last, PAGE, self._key):
            yield from page
            last = page[-1].id

    def set_aside(self, selection: Selection) -> list[int]:
        """Return the ids of the rows that were set aside because they cannot be read."""
        return self._do(operating.set_aside, selection)

    def send_again(self, selection: Selection, *, now: datetime) -> int:
        """Make dead rows pending again; return how many."""
        return self._do(operating.send_again, selection, now)

    def purge(self, selection: Selection, *, now: datetime) -> Iterator[int]:
        """Take sid and answers out of the rows, page by page; yield how many each page had."""
        while done := self._do(operating.purge, selection, now, PAGE):
            yield done

    def erase_freed(self) -> str | None:
        """Leave no trace of what was purged in any file; return None, or a sentence that says why some is left."""
        freed = self._do(remembering.recall, FREED)
        with as_unavailable():
            left = self._database.erase_freed(None)
        if left is None and freed is not None:
            self._do(remembering.forget, FREED, freed)
        return left

    def _do(self, work: Callable[[Connection, *Arguments], T], *arguments: *Arguments) -> T:
        with as_unavailable():
            with self._connection.begin():
                result = work(self._connection, *arguments)
            self._database.prove()
        return result


@contextmanager
def command_outbox(url: str) -> Iterator[CommandOutbox]:
    """Open the outbox that `[storage] url` names for an operator. Raise StoreRefused and OutboxUnavailable."""
    database = choose_database(url)
    if isinstance(database, SqliteDatabase) and not database.path.exists():
        raise StoreRefused(f"There is no outbox yet: {database.path} does not exist; `ece-widget serve` makes it.")
    with as_unavailable():
        database.prepare()
        connection = database.connect()
    try:
        yield CommandOutbox(database, connection)
    finally:
        connection.close()
        database.dispose()
