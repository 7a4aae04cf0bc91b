"""Visitors in threads: they ask, each on a connection of its own, and count what came back."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.fleet_processes import HOST
from tests.waiting import PATIENCE


@dataclass
class Tally:
    """What visitors saw. `lost` answers never came; `closed` connections were idle, and asked again as browsers do."""

    statuses: Counter[int] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    closed: int = 0
    slowest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def answered(self) -> int:
        return sum(self.statuses.values())

    def failed(self, *, well: Sequence[int] = (200, 303)) -> int:
        return len(self.lost) + sum(count for status, count in self.statuses.items() if status not in well)


@contextmanager
def visitors(port: int, paths: Sequence[str], *, threads: int = 4, pause: float = 0.0) -> Iterator[Tally]:
    """Have visitors ask for `paths` in turn until the block ends."""
    tally, over = Tally(), threading.Event()
    running = [threading.Thread(target=_visit, args=(port, paths, tally, over, pause)) for _ in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield tally
    finally:
        over.set()
        for thread in running:
            thread.join()


def _visit(port: int, paths: Sequence[str], tally: Tally, over: threading.Event, pause: float) -> None:
    connection, used, at = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE), False, 0
    while not over.is_set():
        begun = time.monotonic()
        try:
            connection.request("GET", paths[at % len(paths)], headers={"Host": HOST})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            idle = isinstance(error, http.client.RemoteDisconnected | BrokenPipeError | ConnectionResetError)
            with tally.lock:
                if used and idle:
                    tally.closed += 1
                else:
                    tally.lost.append(repr(error))
            used = False
            continue
        used, at = not answer.will_close, at + 1
        with tally.lock:
            tally.statuses[answer.status] += 1
            tally.slowest = max(tally.slowest, time.monotonic() - begun)
        if pause:
            over.wait(pause)
    connection.close()
