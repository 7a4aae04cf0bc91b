"""The outbox for operators at a server: the statements of the commands, over the connections that the server has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from widget.domain.outbox import MessageState, OutboxCounts, OutboxRow
from widget.store import operating
from widget.store.operating import PAGE, Selection
from widget.store.outbox import Outbox


class ConsoleOutbox:
    """Reads rows, sends dead ones again, purges. Every coroutine raises only OutboxUnavailable."""

    def __init__(self, outbox: Outbox, *, now: Callable[[], datetime]) -> None:
        self._outbox, self._now = outbox, now

    async def counts(self) -> OutboxCounts:
        """Count the rows by state. The cost grows with them."""
        return await self._outbox.counts()

    async def newest(
        self, state: MessageState | None, limit: int, *, before: int | None = None
    ) -> tuple[OutboxCounts, list[OutboxRow]]:
        """Return the same and the last rows in a state, or in any; `before` names the row that they come before."""
        selection = Selection(states=() if state is None else (state,), everything=state is None)
        key = await self._outbox.hash_key()
        return await self._outbox.read(
            lambda connection: (
                operating.counts(connection),
                operating.newest(connection, selection, limit, key, before),
            )
        )

    async def row(self, ident: int) -> OutboxRow | None:
        """Return one row, or None."""
        key = await self._outbox.hash_key()
        rows = await self._outbox.read(
            lambda connection: operating.page(connection, Selection(ids=(ident,)), None, 1, key)
        )
        return rows[0] if rows else None

    async def send_again(self, ident: int | None) -> int:
        """Make a dead row pending again, or all of them for None; return how many were."""
        selection = Selection(ids=() if ident is None else (ident,), states=(MessageState.DEAD,))
        return await self._outbox.change(operating.send_again, selection, self._now())

    async def purge(self, ident: int) -> int:
        """Take sid and answers out of a row, and out of the files as soon as can be; return 1, or 0 for none."""
        selection = Selection(ids=(ident,))
        done = await self._outbox.change(operating.purge, selection, self._now(), PAGE)
        await self._outbox.clean_files()
        return done
