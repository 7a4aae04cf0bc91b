"""The outbox for operators at a server: the same code as the commands', each action in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from widget.domain.errors import OutboxUnavailable
from widget.domain.outbox import MessageState, OutboxCounts, OutboxRow
from widget.store.faults import StoreRefused
from widget.store.operating import Selection
from widget.store.operator import OperatorStore, operator_store

T = TypeVar("T")


class OutboxDesk:
    """Reads rows, sends dead ones again, purges. Every coroutine raises only OutboxUnavailable."""

    def __init__(self, url: str, *, now: Callable[[], datetime]) -> None:
        self._url, self._now = url, now

    async def counts(self) -> OutboxCounts:
        """Count the rows by state. The cost grows with them."""
        return await self._do(lambda store: store.counts())

    async def look(
        self, state: MessageState | None, limit: int, *, before: int | None = None
    ) -> tuple[OutboxCounts, list[OutboxRow]]:
        """Return the same and the last rows in a state, or in any; `before` names the row that they come before."""
        selection = Selection(states=() if state is None else (state,), everything=state is None)
        return await self._do(lambda store: (store.counts(), store.newest(selection, limit, before=before)))

    async def row(self, ident: int) -> OutboxRow | None:
        """Return one row, or None."""
        return await self._do(lambda store: next(store.rows(Selection(ids=(ident,))), None))

    async def send_again(self, ident: int | None) -> int:
        """Make a dead row pending again, or all of them for None; return how many were."""
        selection = Selection(ids=() if ident is None else (ident,), states=(MessageState.DEAD,))
        return await self._do(lambda store: store.send_again(selection, now=self._now()))

    async def purge(self, ident: int) -> int:
        """Take sid and answers out of a row, and out of the files; return 1, or 0 where there was nothing to take."""

        def purge(store: OperatorStore) -> int:
            done = sum(store.purge(Selection(ids=(ident,)), now=self._now()))
            if (left := store.erase_freed()) is not None:
                raise OutboxUnavailable(left)
            return done

        return await self._do(purge)

    async def _do(self, work: Callable[[OperatorStore], T]) -> T:
        return await asyncio.to_thread(self._work, work)

    def _work(self, work: Callable[[OperatorStore], T]) -> T:
        try:
            with operator_store(self._url) as store:
                return work(store)
        except StoreRefused as refusal:
            raise OutboxUnavailable(str(refusal)) from refusal
