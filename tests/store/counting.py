"""A process that counts clicks and changes of state until it is killed.

It prints a line for each click before it counts the next: the word "click" and the machine's monotonic clock.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime

from tests.entry_points import EntryPoints
from widget.application.clock import Clock
from widget.application.recorder import Recorder
from widget.application.tally import Tally
from widget.domain.history import Process
from widget.domain.hours import Hours
from widget.domain.policy import Policy
from widget.domain.switches import Closing, Switch
from widget.store.history import HistoryStore
from widget.store.outbox import open_outbox

NEVER = Policy("sales", hours=Hours(UTC, ((),) * 7))
CLICKS_PER_CHANGE = 20


async def count(url: str, name: str, write_every: float) -> None:
    """Count as fast as a busy site clicks, close and reopen again and again, and let the recorder write."""
    outbox = await open_outbox(url, now=lambda: datetime.now(UTC))
    tally, clock, entry_points = Tally(monotonic=time.monotonic), Clock(), EntryPoints(NEVER)
    recorder = Recorder(
        HistoryStore(url),
        tally,
        process=Process(name, "serve", "host", 1, "1.0", clock.now(), clock.now()),
        clock=clock,
        zones={},
        keeps=True,
        write_every=write_every,
        availability=entry_points.availability,
    )
    running = asyncio.create_task(recorder.run())
    number = 0
    while not running.done():
        tally.click("sales", "opened")
        sys.stdout.write(f"click {time.monotonic()}\n")
        sys.stdout.flush()
        number += 1
        if number % CLICKS_PER_CHANGE == 0:
            closed = number // CLICKS_PER_CHANGE % 2 == 0
            entry_points.availability.follow(NEVER.switched(Switch(Closing("Ada", clock.now()) if closed else None)))
        await asyncio.sleep(0.001)
    await outbox.close()


if __name__ == "__main__":
    asyncio.run(count(sys.argv[1], sys.argv[2], float(sys.argv[3])))
