"""A process that delivers from an outbox to an ECE that is well, or loses answers; each taken survey is one line."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta

import structlog

from widget.application.clock import Clock
from widget.application.delivery import Delivery, DeliveryRules, Destination
from widget.domain.errors import EceTimeout
from widget.domain.outbox import OutboxMessage
from widget.store.outbox import open_outbox

ECE_SECONDS = 0.005


class Ece:
    """Takes every survey; every so many of its answers are lost on the way."""

    def __init__(self, lose_one_in: int) -> None:
        self._lose_one_in = lose_one_in
        self._taken = 0

    async def submit(self, message: OutboxMessage) -> None:
        await asyncio.sleep(ECE_SECONDS)
        self._taken += 1
        lost = self._lose_one_in and self._taken % self._lose_one_in == 0
        os.write(1, f"{'lost' if lost else 'heard'} {message.key}\n".encode())
        if lost:
            raise EceTimeout(maybe_received=True)


async def deliver(url: str, lose_one_in: int) -> None:
    """Deliver until nothing waits."""
    outbox = await open_outbox(url, now=lambda: datetime.now(UTC))
    delivery = Delivery(
        outbox,
        [Destination("ece", Ece(lose_one_in), concurrency=4, send_limit=timedelta(seconds=2))],
        rules=DeliveryRules(max_age=timedelta(days=7), retention=timedelta(days=90)),
        owner=os.urandom(8).hex(),
        clock=Clock(),
    )
    running = asyncio.create_task(delivery.run())
    while (await outbox.counts()).oldest_waiting is not None:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    delivery.stop()
    await running
    await outbox.close()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(deliver(sys.argv[1], int(sys.argv[2])))
