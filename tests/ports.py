"""Ports for the servers that tests start: other ones in each worker, and none that the system gives to clients."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from itertools import cycle

FIRST = 10_000
EACH = 1_000  # ports for each worker of pytest-xdist
WORKERS = 20  # so that all stay below 32768, where Linux begins with the ports of clients


def _numbers() -> Iterator[int]:
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0) % WORKERS
    numbers = [FIRST + worker * EACH + at for at in range(EACH)]
    start = os.getpid() % EACH  # two runs on one machine begin at different ones
    return cycle(numbers[start:] + numbers[:start])


_NUMBERS = _numbers()


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on, and that this process returns to nobody else."""
    for number in _NUMBERS:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                continue
            return number
    raise AssertionError("unreachable: the numbers repeat")
