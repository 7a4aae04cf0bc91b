"""The outbox as the application sees it: coroutines whose work is done, committed and synced on one writer thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar, TypeVarTuple

import structlog
from sqlalchemy import Connection

from widget.domain.errors import OutboxUnavailable
from widget.domain.outbox import ECE, Claim, DeadRow, OutboxCounts, OutboxMessage, Settlement, Taken
from widget.store import accepting, delivering, operating, remembering
from widget.store.async_writer import AsyncWriter
from widget.store.choose import choose_database
from widget.store.faults import StoreRefused, as_unavailable, in_words
from widget.store.operating import Selection
from widget.store.times import to_ms
from widget.store.writer import Database

PROBE_EVERY = timedelta(seconds=1)  # readiness may be asked often; a probe costs a sync to disk

LONGEST_OPENING = 120.0  # seconds, with a migration, for a command that can do nothing before
CLEANING_SECONDS = 2.0  # nobody can write meanwhile
PAUSE_PER_CLEANING = 1000.0  # times as long as it took
LONGEST_CLEANING_PAUSE = 86_400.0

log = structlog.get_logger(__name__)

_SESSION = "session:"  # before the ids of sessions among the tickets

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class Outbox:
    """Takes promises and gives them out again. Every method raises only OutboxUnavailable."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._database = database
        self._writer = AsyncWriter(database, on_connect=self._read_key)
        self._key: bytes | None = None
        self._on_new: Callable[[], None] = lambda: None
        self._probed_at: datetime | None = None
        self._clean_again_at = float("-inf")
        self._not_cleaned = 0  # times in a row

    async def open(self, *, within: float = LONGEST_OPENING) -> None:
        """Start the writer and open the database. Raise StoreRefused when it must not be used.

        A database that cannot be reached now is tried again with each call, so that a server starts without it; one
        that is opened for longer than `within` seconds, as by a long migration, is opened further meanwhile.
        """
        self._writer.start()
        try:
            await self._writer.run(lambda _: None, within=within)
        except OutboxUnavailable as error:
            if isinstance(error.__cause__, StoreRefused):
                await self.close()
                raise error.__cause__ from error
            if error.__cause__ is None:  # it did not fail: then the writer has told why
                log.warning("storage_still_opening", database=self._database.name, waited=within)

    async def close(self) -> None:
        """Finish what is queued and close the database; nothing may be asked afterwards."""
        await self._writer.close()

    def when_new(self, callback: Callable[[], None]) -> None:
        """Name what to call, on the event loop, after a new message was accepted."""
        self._on_new = callback

    # --- promises ---

    async def enqueue(self, message: OutboxMessage, follower: OutboxMessage | None = None) -> bool:
        """Promise a message. True once it is on disk and new, False when it is there already.

        `follower` is a second row, an alert, which the same transaction takes where the first is new.
        """
        new = await self._writer.do(accepting.enqueue, (message, follower, self._now()))
        if new:
            self._on_new()
        return new

    async def holds(self, key: str) -> bool:
        """Return whether a row of this key was promised before, purged ones too."""
        return await self._writer.run(accepting.has_key, key)

    async def bind_ticket(self, ticket_id: str, sid_hash: str, expires: datetime) -> str:
        """Bind a launch ticket to a chat unless it is bound; return the hash of the chat it belongs to."""
        return await self._writer.do(accepting.bind_tickets, (ticket_id, sid_hash, expires))

    # --- sessions of the console ---

    async def end_session(self, session: str, expires: datetime) -> None:
        """Remember a session that was signed out until it expires, for every process; kept among the used tickets."""
        await self._writer.do(accepting.bind_tickets, (_SESSION + session, "", expires))

    async def session_has_ended(self, session: str) -> bool:
        """Return whether a session was signed out."""
        return await self.read(accepting.is_bound, _SESSION + session)

    # --- for operators ---

    async def read(self, work: Callable[[Connection, *Arguments], T], *arguments: *Arguments) -> T:
        """Return what `work` reads, on a connection of its own, so that no writing waits."""
        return await asyncio.to_thread(self._read, lambda connection: work(connection, *arguments))

    async def change(self, work: Callable[[Connection, *Arguments], int], *arguments: *Arguments) -> int:
        """Return what `work` returns once it is on disk; rows that are due again are sent at once."""
        changed = await self._writer.run(work, *arguments)
        self._on_new()
        return changed

    async def hash_key(self) -> bytes:
        """Return the secret of keyed hashes, made at random once in the life of a database."""
        if self._key is None:
            await self._writer.run(lambda _: None)
        assert self._key is not None  # the writer reads it before any work
        return self._key

    # --- delivery ---

    async def enrol(self, owner: str) -> None:
        """Make this owner known on its machine, and take over at once what owners leased that are certainly gone."""
        owners = self._database.owners
        if owners is None:
            return
        try:
            await asyncio.to_thread(owners.enrol, owner)
        except OSError as error:
            log.warning("owner_not_enrolled", reason=in_words(error))  # its leases are then waited for
        now = self._now()
        ended = await self._writer.run(delivering.end_leases, owners.gone, now)
        if ended:
            log.info("leases_taken_over", rows=ended)

    async def withdraw(self, owner: str) -> None:
        """Record that this owner holds nothing any more."""
        if (owners := self._database.owners) is not None:
            await asyncio.to_thread(owners.withdraw, owner)

    async def claim(self, wanted: Claim) -> Taken:
        """Lease due messages of a destination; those that cannot be read become dead instead."""
        return await self._writer.run(delivering.claim, wanted)

    async def settle(self, settlement: Settlement) -> bool:
        """Record what became of a claimed message. False when the lease was lost."""
        return await self._writer.do(delivering.settle, settlement)

    async def hasten(self, *, destination: str = ECE, now: datetime) -> int:
        """Make due what waits only because this destination did not serve; return how many."""
        return await self._writer.run(delivering.hasten, destination, now)

    async def tidy(self, *, now: datetime, max_age: timedelta, retention: timedelta) -> list[DeadRow]:
        """Give up what was tried for longer than `max_age`, and purge what was settled longer ago than `retention`.

        The files are cleaned of what was purged. Return the rows that were given up.
        """
        given_up: list[DeadRow] = []
        while page := await self._writer.run(delivering.give_up_before, now - max_age, now):
            given_up += page
        await self._writer.run(accepting.forget_expired_tickets, now)
        settled = Selection(settled_before=now - retention)
        while await self._writer.run(operating.purge, settled, now, operating.PAGE):
            continue
        await self.clean_files()
        return given_up

    async def clean_files(self) -> None:
        """Leave nothing of what was purged in the files, at most so often that visitors do not notice."""
        clock = asyncio.get_running_loop().time
        freed = await self._writer.run(remembering.recall, operating.FREED)
        if freed is None or clock() < self._clean_again_at:
            return
        begun = clock()
        left = await asyncio.to_thread(self._erase_freed)
        if left is None:
            self._not_cleaned = 0
            await self._writer.run(remembering.forget, operating.FREED, freed)
        else:
            self._not_cleaned += 1
            log.warning("outbox_not_cleaned", reason=left)
        pause = PAUSE_PER_CLEANING * (clock() - begun) * 2 ** min(self._not_cleaned, 10)
        self._clean_again_at = clock() + min(pause, LONGEST_CLEANING_PAUSE)

    def _erase_freed(self) -> str | None:
        with as_unavailable():
            return self._database.erase_freed(CLEANING_SECONDS)

    # --- what is known ---

    async def ready(self) -> str | None:
        """Write and sync one value; return what is wrong in words that name no place, or None when all is well."""
        now = self._now()
        fresh = self._probed_at is not None and timedelta(0) <= now - self._probed_at < PROBE_EVERY
        if not fresh or self._writer.reason is not None:
            self._probed_at = now
            try:
                await self._writer.run(remembering.remember, "probe", str(to_ms(now)))
            except OutboxUnavailable as error:
                return self._writer.reason or str(error)
        return self._writer.reason

    async def counts(self) -> OutboxCounts:
        """Count all rows by state, on a connection of its own, so that no writing waits. The cost grows with them."""
        return await self.read(operating.counts)

    async def counts_of_unsettled(self) -> OutboxCounts:
        """Count what waits and what is dead, as `counts` does, at a cost that settled rows do not add to."""
        return await self.read(operating.counts_of_unsettled)

    async def load_dialect(self) -> str | None:
        """Return the form of the survey call that ECE accepted last, as `ece/` wrote it."""
        return await self._writer.run(remembering.recall, "dialect")

    async def save_dialect(self, dialect: str) -> None:
        """Keep the form that ECE accepted."""
        await self._writer.run(remembering.remember, "dialect", dialect)

    def _read(self, work: Callable[[Connection], T]) -> T:
        with as_unavailable(), self._database.connect_to_read() as connection, connection.begin():
            return work(connection)

    def _read_key(self, connection: Connection) -> None:
        with connection.begin():
            self._key = remembering.read_hash_key(connection)


async def open_outbox(url: str, *, now: Callable[[], datetime]) -> Outbox:
    """Open the outbox that `[storage] url` names, bringing its schema up to date. Raise StoreRefused."""
    # in a thread, since a driver is imported here and reads files
    outbox = Outbox(await asyncio.to_thread(choose_database, url), now=now)
    await outbox.open()
    return outbox
