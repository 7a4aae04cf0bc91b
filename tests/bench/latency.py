"""How long an answer takes while ECE is well, slow, silent, dripping, failing or answering what cannot be read."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure, at_most
from tests.bench.load import open_loop, percentile
from tests.bench.product import RunningProduct, names, running_product

FAULTS = ("slow", "hangs", "drips", "fails", "garbage")
RATE = 500
SECONDS = 6.0
ROUNDS = 3


def measure(folder: Path) -> Iterator[Figure]:
    """Interleave healthy and faulted spells; the ratio of their p99 is the figure."""
    with running_product(folder, entry_points=20) as ours:
        for fault in FAULTS:
            pairs = [_pair(ours, fault) for _ in range(ROUNDS)]
            ratio = statistics.median(faulted / well for well, faulted in pairs)
            shown = ", ".join(f"{faulted * 1000:.2f}/{well * 1000:.2f} ms" for well, faulted in pairs)
            yield at_most(f"p99 while ECE {fault} / while it is well ({shown})", ratio, 1.25)
    with running_product(folder) as ours:
        ours.ece("/mode/hangs")
        began = time.perf_counter()
        ours.get("/v1/status/sales")
        took = time.perf_counter() - began
        yield at_most("first answer with no snapshot and ECE hanging, seconds (timeout 2)", took, 2.05)


def _pair(ours: RunningProduct, fault: str) -> tuple[float, float]:
    ours.ece("/mode/well")
    _until_open(ours)
    well = _p99(ours)
    ours.ece(f"/mode/{fault}")
    return well, _p99(ours)


def _p99(ours: RunningProduct) -> float:
    name = names(20)[7]
    took = asyncio.run(open_loop(ours.port, f"/v1/status/{name}", rate=RATE, seconds=SECONDS))
    assert len(took) == int(RATE * SECONDS), "an answer is missing"
    return percentile(took, 0.99)


def _until_open(ours: RunningProduct) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        if all(b'"available"' in ours.get(f"/v1/status/{name}")[0] for name in names(20)):
            return
        time.sleep(0.2)
    raise RuntimeError("the product did not recover")
