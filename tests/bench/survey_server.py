"""The product with an outbox of the benchmark's choice behind it; made by uvicorn's --factory.

BENCH_OUTBOX: `none` (verification and validation, nothing stored), `each` (a commit for each request), `group` (the
product's own way). BENCH_SLOWER_SYNC: milliseconds by which each commit takes longer, for a disk slower than this one.
"""

from __future__ import annotations

import asyncio
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from starlette.types import ASGIApp

from widget import settings
from widget.app import create_app
from widget.application.surveys import SurveyOutbox, Surveys
from widget.domain.outbox import OutboxMessage
from widget.services.serving import build
from widget.store.outbox import Outbox


class NoStorage:
    """Thanks for everything."""

    async def enqueue(self, message: OutboxMessage, follower: OutboxMessage | None = None) -> bool:
        return True

    async def bind_ticket(self, ticket_id: str, sid_hash: str, expires: datetime) -> str:
        return sid_hash

    async def hash_key(self) -> bytes:
        return b"0" * 32


class OneByOne:
    """The same outbox, where nobody shares a commit."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._turn = asyncio.Lock()

    async def enqueue(self, message: OutboxMessage, follower: OutboxMessage | None = None) -> bool:
        async with self._turn:
            return await self._outbox.enqueue(message)

    async def bind_ticket(self, ticket_id: str, sid_hash: str, expires: datetime) -> str:
        return await self._outbox.bind_ticket(ticket_id, sid_hash, expires)

    async def hash_key(self) -> bytes:
        return await self._outbox.hash_key()


def make() -> ASGIApp:
    """Build the application."""
    if slower := float(os.environ.get("BENCH_SLOWER_SYNC", "0")):

        @event.listens_for(Engine, "commit")
        def _sync_slowly(connection: Connection) -> None:
            time.sleep(slower / 1000)  # on the writer's thread, as the sync itself

    found = settings.load(Path(os.environ["BENCH_SETTINGS"]))
    services = build(found, delivery=False)
    kinds: dict[str, Any] = {
        "none": NoStorage,
        "each": lambda: OneByOne(services.outbox),
        "group": lambda: services.outbox,
    }
    outbox: SurveyOutbox = kinds[os.environ["BENCH_OUTBOX"]]()
    services.surveys = Surveys(services.surveys.links, outbox=outbox, rehearse=services.surveys._rehearse)
    return create_app(found, services=services)
