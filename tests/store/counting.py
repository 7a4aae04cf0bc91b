"""A process that counts clicks and changes of state until it is killed, as `tests/store/test_history_kills.py` starts it.

It prints a line for each click before it counts the next: its number, and the moment on the machine's monotonic clock.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime

from widget.application.clock import Clock
from widget.application.recorder import Recorder
from widget.application.tally import Tally
from widget.domain.history import Process
from widget.store import HistoryStore, open_outbox


async def count(url: str, name: str, write_every: float) -> None:
    """Count as fast as a busy site clicks, and let the recorder write."""
    outbox = await open_outbox(url, now=lambda: datetime.now(UTC))
    store, tally, clock = HistoryStore(url), Tally(monotonic=time.monotonic), Clock()
    process = Process(name, "serve", "host", 1, "1.0", clock.now(), clock.now())
    recorder = Recorder(store, tally, process=process, clock=clock, zones={}, keeps=True, write_every=write_every)
    running = asyncio.create_task(recorder.run())
    number = 0
    while not running.done():
        tally.click("sales", "opened")
        number += 1
        sys.stdout.write(f"{number} {time.monotonic()}\n")
        sys.stdout.flush()
        await asyncio.sleep(0.001)
    await outbox.close()


if __name__ == "__main__":
    asyncio.run(count(sys.argv[1], sys.argv[2], float(sys.argv[3])))
