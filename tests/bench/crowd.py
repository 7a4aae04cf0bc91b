"""Public answers while hundreds of connections are slow on purpose: `python -m tests.bench.crowd PORT` is the crowd."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure, at_least
from tests.bench.load import PAIRS, Ratio, Target, burst
from tests.bench.processes import LOAD_CORE
from tests.bench.product import RunningProduct, running_product

EACH = 200
SECONDS = 2  # of a burst
DRIP = 0.5  # seconds between two bytes of a slow sender
HOST = b"Host: 127.0.0.1\r\n"
SLOW_HEAD = b"GET /v1/status/sales HTTP/1.1\r\nX-Slow: "
SLOW_BODY = b"POST /survey/x HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n"
UNREAD = (b"GET /v1/launcher/sales HTTP/1.1\r\n" + HOST + b"\r\n") * 200  # 800 kB of answers for a window of 4 kB
READY = b"crowded\n"


def measure(folder: Path) -> Iterator[Figure]:
    """Alternate bursts with and without a crowd of slow headers, slow bodies, idle connections and slow readers."""
    with running_product(folder) as ours:
        target = Target(ours.url("/v1/status/sales"))
        burst(target)
        beside: list[float] = []
        alone: list[float] = []
        for at in range(PAIRS):
            for crowded in (True, False) if at % 2 else (False, True):
                if crowded:
                    with _crowd(ours):
                        beside.append(burst(target, SECONDS))
                else:
                    alone.append(burst(target, SECONDS))
    ratios = [x / y for x, y in zip(beside, alone, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    ratio = Ratio(statistics.median(ratios), low, high, max(beside) / max(alone))
    yield at_least(f"status beside {EACH} each of slow headers, bodies, readers and idle / alone", ratio, 0.80)


@contextlib.contextmanager
def _crowd(ours: RunningProduct) -> Iterator[None]:
    command = ["taskset", "-c", LOAD_CORE, sys.executable, "-m", "tests.bench.crowd", str(ours.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != READY:
                raise RuntimeError("the crowd did not come together")
            yield
        finally:
            process.kill()


async def _slow(port: int, opening: bytes, drips: bytes, *, window: int | None = None) -> None:
    """Be slow on one connection, and on the next when the product closes it."""
    loop = asyncio.get_running_loop()
    while True:
        with socket.socket() as connection, contextlib.suppress(OSError):
            connection.setblocking(False)
            if window is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
            await loop.sock_connect(connection, ("127.0.0.1", port))
            if opening:
                await loop.sock_sendall(connection, opening)
            while drips:
                await asyncio.sleep(DRIP)
                await loop.sock_sendall(connection, drips)
            if window is None:
                await loop.sock_recv(connection, 1)  # idle until the product ends it
            else:
                await asyncio.sleep(3600)


async def _gather(port: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(EACH):
            group.create_task(_slow(port, SLOW_HEAD, b"x"))
            group.create_task(_slow(port, SLOW_BODY, b"x"))
            group.create_task(_slow(port, b"", b""))
            group.create_task(_slow(port, UNREAD, b"", window=4096))
        await asyncio.sleep(1.5)
        sys.stdout.buffer.write(READY)
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_gather(int(sys.argv[1])))
