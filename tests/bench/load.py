"""Load from the second core: bursts of wrk for rates, an open loop for latencies."""

from __future__ import annotations

import asyncio
import re
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.processes import LOAD_CORE

PAIRS = 7
BURST = 1


@dataclass(frozen=True)
class Target:
    """An address under load. `script` is a Lua file of wrk's that chooses paths; `headers` go with each request."""

    url: str
    headers: tuple[str, ...] = ()
    script: Path | None = None
    connections: int = 64
    core: str = LOAD_CORE


@dataclass(frozen=True)
class Ratio:
    """A against B: the median of the pairs, their quartiles, and best against best."""

    median: float
    low: float
    high: float
    best: float

    def reaches(self, goal: float) -> bool:
        """Noise only slows, so the better of median and best/best counts."""
        return max(self.median, self.best) >= goal - 0.005


def burst(target: Target, seconds: int = BURST) -> float:
    """Return the answered requests a second; raises RuntimeError when one was answered with an error."""
    command = ["taskset", "-c", target.core, "wrk", "-t1", f"-c{target.connections}", f"-d{seconds}s"]
    for header in target.headers:
        command += ["-H", header]
    if target.script is not None:
        command += ["-s", str(target.script)]
    printed = subprocess.run([*command, target.url], capture_output=True, text=True, check=True).stdout
    if bad := re.search(r"Non-2xx or 3xx responses: (\d+)", printed):
        raise RuntimeError(f"{target.url}: {bad[1]} answers were errors")
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", printed)
    assert rate is not None, printed
    return float(rate[1])


def compare(a: Target, b: Target, *, pairs: int = PAIRS, seconds: int = BURST) -> Ratio:
    """Alternate bursts of A and B, the order swapped each time; `seconds` is the length of each."""
    burst(a), burst(b)
    first: list[float] = []
    second: list[float] = []
    for at in range(pairs):
        for target, rates in ((a, first), (b, second)) if at % 2 else ((b, second), (a, first)):
            rates.append(burst(target, seconds))
    ratios = [x / y for x, y in zip(first, second, strict=True)]
    quartiles = statistics.quantiles(ratios, n=4)
    return Ratio(statistics.median(ratios), quartiles[0], quartiles[2], max(first) / max(second))


async def open_loop(port: int, path: str, *, rate: int, seconds: float) -> list[float]:
    """Send `rate` requests a second from due times; give each one's seconds from its due time to its answer."""
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
    idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for connection in connections:
        idle.put_nowait(connection)
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    took: list[float] = []

    async def one(due: float) -> None:
        reader, writer = await idle.get()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        length = re.search(rb"(?i)content-length: (\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        took.append(time.perf_counter() - due)
        idle.put_nowait((reader, writer))

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for at in range(int(rate * seconds)):
            due = begin + at / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(due))
    for _, writer in connections:
        writer.close()
    return took


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
