"""One thread, one connection, and group commit: what has queued while one commit ran shares the next.

No job waits for others: one that is alone is committed at once. A job's outcome is told only after COMMIT returned and
the database proved that the commit is where a restart will look for it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from widget.domain.errors import OutboxUnavailable
from widget.store.faults import STORE_ERRORS, StoreRefused, in_words, took_too_long, worth_trying_singly
from widget.store.owners import Owners

LARGEST_BATCH = 1000
LONGEST_QUEUE = 20_000
CLOSE_SECONDS = 10.0
SLOW_IN_A_ROW = 2  # statements; with the group's own that is what a visitor waits

log = structlog.get_logger(__name__)


class Database(Protocol):
    """What both databases offer; `tried` gives None for a file that is still to be made."""

    name: str
    owners: Owners | None

    @property
    def caution(self) -> str | None: ...

    def prepare(self) -> None: ...

    def tried(self) -> AbstractContextManager[Connection | None]: ...

    def connect(self) -> Connection: ...

    def connect_to_read(self) -> Connection: ...

    def prove(self) -> None: ...

    def erase_freed(self, within: float | None) -> str | None: ...

    def dispose(self) -> None: ...


@dataclass(slots=True, eq=False)
class Job:
    """One piece of work and its outcome. Jobs with the same `together` function are run by one call of it."""

    together: Callable[[Connection, Sequence[Any]], Sequence[Any]]
    argument: Any
    result: Any = None
    error: Exception | None = None
    wanted: bool = True  # false once nobody waits any more; then it is not begun


class Writer:
    """Runs jobs in order of arrival. All methods may be called from any thread.

    `finished` is called on the writer's own thread, with the jobs whose outcome is known.
    """

    def __init__(
        self,
        database: Database,
        *,
        on_connect: Callable[[Connection], None],
        finished: Callable[[Sequence[Job]], None],
    ) -> None:
        self._database = database
        self._on_connect = on_connect
        self._finished = finished
        self._queue: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._connection: Connection | None = None
        self._prepared = False
        self.reason: str | None = "the database was not opened yet"
        # A daemon: a database that never answers must not hold up the end of the process.
        self._thread = threading.Thread(target=self._run, name="outbox-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job, or raise OutboxUnavailable when the writer is closed or too many wait."""
        with self._changed:
            if self._closing or len(self._queue) >= LONGEST_QUEUE:
                raise OutboxUnavailable("closed" if self._closing else "too many are waiting")
            self._queue.append(job)
            self._changed.notify()

    def close(self) -> None:
        """Do what is queued, then close the connection; blocks, with a bound."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while batch := self._next_batch():
            self._do(batch)
        self._disconnect()
        self._database.dispose()

    def _next_batch(self) -> list[Job]:
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            return [self._queue.popleft() for _ in range(min(len(self._queue), LARGEST_BATCH))]

    def _do(self, batch: list[Job]) -> None:
        try:
            wanted = [job for job in batch if job.wanted]
            for job in wanted:
                job.error = OutboxUnavailable("not run")  # until a commit says otherwise
            if wanted:
                self._commit_together(wanted)
        finally:
            self._finished(batch)

    def _commit_together(self, jobs: list[Job]) -> None:
        error = self._attempt(jobs)
        if error is None:
            self._worked(jobs)
        elif worth_trying_singly(error) and len(jobs) > 1:
            self._commit_singly(jobs)
        else:
            self._failed(jobs, error, alone=worth_trying_singly(error))

    def _commit_singly(self, jobs: list[Job]) -> None:
        """Commit each by itself, until several in a row take too long: then it is the database."""
        slow = 0
        for place, job in enumerate(jobs):
            error = self._attempt([job])
            if error is None:
                slow = 0
                self._worked([job])
                continue
            slow = slow + 1 if took_too_long(error) else 0
            if slow >= SLOW_IN_A_ROW or not worth_trying_singly(error):
                self._failed(jobs[place:], error, alone=False)
                return
            self._failed([job], error, alone=True)

    def _attempt(self, jobs: list[Job]) -> Exception | None:
        """Run and commit the jobs; return the error, or None. A connection that broke while idle is replaced once."""
        for last_try in (False, True):
            fresh = self._connection is None
            committing = False
            try:
                connection = self._connected()
                self._database.prove()
                with connection.begin() as transaction:
                    _run_grouped(connection, jobs)
                    committing = True
                    transaction.commit()
                self._database.prove()
            except STORE_ERRORS as error:
                if not worth_trying_singly(error):
                    self._disconnect()
                stale = isinstance(error, DBAPIError) and error.connection_invalidated
                if last_try or committing or fresh or not stale:
                    return error
            except Exception as error:  # noqa: BLE001 — handed to whoever waits, as an executor does
                self._disconnect()
                return error
            else:
                return None
        raise AssertionError("unreachable")

    def _connected(self) -> Connection:
        if self._connection is None:
            if not self._prepared:
                self._database.prepare()
                self._prepared = True
            connection = self._database.connect()
            self._on_connect(connection)
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        """Drop the connection: after a failed sync nothing it remembers may be trusted."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except STORE_ERRORS:
                log.debug("close_failed")

    def _worked(self, jobs: list[Job]) -> None:
        for job in jobs:
            job.error = None
        if self.reason is not None:
            self.reason = None
            log.info("storage_ready", database=self._database.name)

    def _failed(self, jobs: list[Job], error: Exception, *, alone: bool) -> None:
        """Fail these jobs; unless they `alone` are at fault also all that queue, so that waits do not add up."""
        words = in_words(error)
        known: Exception = error if isinstance(error, StoreRefused) else OutboxUnavailable(words)
        known.__cause__ = error if known is not error else None
        for job in jobs:
            job.error = known
        if alone:
            slow = took_too_long(error)
            log.warning("storage_statement_too_slow" if slow else "storage_refused_a_value", kind=type(error).__name__)
            return
        if self.reason != words:
            self.reason = words
            said = str(error) if isinstance(error, StoreRefused) else words  # a sentence for the operator
            log.error("storage_unavailable", database=self._database.name, reason=said, kind=type(error).__name__)
        with self._changed:
            behind = list(self._queue)
            self._queue.clear()
        for job in behind:
            job.error = known
        self._finished(behind)


def _run_grouped(connection: Connection, jobs: Sequence[Job]) -> None:
    groups: dict[Any, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.together, []).append(job)
    for together, members in groups.items():
        results = together(connection, [job.argument for job in members])
        for job, result in zip(members, results, strict=True):
            job.result = result
