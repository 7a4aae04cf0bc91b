"""A process that accepts surveys and delivers them to an ECE on a socket; each promise is one line. Killed by tests."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta

import structlog

from tests.store.conftest import make_message
from widget.application.clock import Clock
from widget.application.delivery import Delivery, DeliveryRules, Destination
from widget.domain.errors import OutboxUnavailable
from widget.ece.client import EceClient
from widget.ece.sink import EceSurveySink
from widget.settings import EceSettings
from widget.store.outbox import Outbox, open_outbox

CLIENTS = 4


async def run(url: str, name: str, base_url: str) -> None:
    """Promise until killed, and deliver meanwhile; without a name only deliver, until nothing waits."""
    outbox = await open_outbox(url, now=lambda: datetime.now(UTC))
    settings = EceSettings(base_url=base_url, timeout=1.0)
    sink = EceSurveySink(EceClient(settings), settings, outbox)
    delivery = Delivery(
        outbox,
        [Destination("ece", sink, concurrency=4, send_limit=timedelta(seconds=4))],
        rules=DeliveryRules(max_age=timedelta(days=7), retention=timedelta(days=90)),
        owner=os.urandom(8).hex(),
        clock=Clock(),
    )
    outbox.when_new(delivery.wake)
    running = asyncio.create_task(delivery.run())
    if name:
        await asyncio.gather(*[_promise(outbox, f"{name}-{client}") for client in range(CLIENTS)])
    while (await outbox.counts()).oldest_waiting is not None:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    delivery.stop()
    await running
    await outbox.close()


async def _promise(outbox: Outbox, name: str) -> None:
    number = 0
    while True:
        number += 1
        message = make_message(f"{name}-{number}")
        try:
            if await outbox.enqueue(message):
                os.write(1, f"new {message.key}\n".encode())
        except OutboxUnavailable as error:
            os.write(1, f"refused {message.key} {error}\n".encode())
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(run(*sys.argv[1:4]))
