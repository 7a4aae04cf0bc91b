"""Ask the writer's thread from an event loop: a future for each call, and a limit to its wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import Connection

from widget.domain.errors import OutboxUnavailable
from widget.store.writer import Database, Job, Writer

LONGEST_WAIT = 12.0  # seconds a caller waits; above the longest lock wait, below a browser's time-out

A = TypeVar("A")
R = TypeVar("R")
Arguments = TypeVarTuple("Arguments")


class AsyncWriter:
    """The writer for coroutines. Every call raises only OutboxUnavailable."""

    def __init__(self, database: Database, *, on_connect: Callable[[Connection], None]) -> None:
        self._writer = Writer(database, on_connect=on_connect, finished=self._finished)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[Job, asyncio.Future[Any]] = {}

    @property
    def reason(self) -> str | None:
        """Return what is wrong with the database in words that name no place, or None when all is well."""
        return self._writer.reason

    def start(self) -> None:
        """Start the thread; calls are answered on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._writer.start()

    async def close(self) -> None:
        """Finish what is queued and end the thread; nothing may be asked afterwards."""
        await asyncio.get_running_loop().run_in_executor(None, self._writer.close)

    async def do(
        self, together: Callable[[Connection, Sequence[A]], Sequence[R]], argument: A, *, within: float = LONGEST_WAIT
    ) -> R:
        """Return what `together` gives for this argument, once its whole group is committed and synced.

        Raise OutboxUnavailable where that takes longer than `within` seconds.
        """
        if self._loop is None:
            raise OutboxUnavailable("not open")
        job = Job(together, argument)
        future: asyncio.Future[R] = self._loop.create_future()
        self._waiting[job] = future
        try:
            async with asyncio.timeout(within):  # should it commit later, nothing was promised
                self._writer.submit(job)
                return await future
        except TimeoutError:
            if future.done() and not future.cancelled():  # it ended in the very turn in which the time was over
                return future.result()
            raise OutboxUnavailable("the database took too long") from None
        finally:
            job.wanted = False
            del self._waiting[job]

    async def run(
        self,
        work: Callable[[Connection, *Arguments], R],
        *arguments: *Arguments,
        within: float = LONGEST_WAIT,
    ) -> R:
        """Return what `work` gives, in a transaction that other calls may share."""
        return await self.do(lambda connection, _: [work(connection, *arguments)], None, within=within)

    def _finished(self, jobs: Sequence[Job]) -> None:
        """Bring outcomes from the writer's thread to the loop's, all with one call."""
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._resolve, jobs)

    def _resolve(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            future = self._waiting.get(job)
            if future is None or future.done():
                continue
            if job.error is not None:
                error = OutboxUnavailable(str(job.error))  # one for each: a traceback must not grow with every waiter
                error.__cause__ = job.error
                future.set_exception(error)
            else:
                future.set_result(job.result)
