"""A process that accepts surveys under load and says on standard output which ones it promised. Killed by tests."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime

import structlog

from tests.store.conftest import make_message
from widget.domain.errors import OutboxUnavailable
from widget.store.outbox import open_outbox

CLIENTS = 64


async def serve(url: str, name: str, most: int, clients: int = CLIENTS) -> None:
    """Promise up to `most` messages; each promise is one line, written at once."""
    outbox = await open_outbox(url, now=lambda: datetime.now(UTC))
    numbers = iter(range(most))

    async def client() -> None:
        for number in numbers:
            message = make_message(f"{name}-{number}")
            try:
                new = await outbox.enqueue(message)
                os.write(1, f"{'new' if new else 'known'} {message.key}\n".encode())
            except OutboxUnavailable as error:
                os.write(1, f"refused {message.key} {error}\n".encode())
                await asyncio.sleep(0.02)

    await asyncio.gather(*[client() for _ in range(clients)])
    await outbox.close()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(serve(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])))
