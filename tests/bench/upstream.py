"""How often ECE is asked: with any number of visitors, entry points and unknown names."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure, at_most
from tests.bench.load import Target, burst
from tests.bench.product import RunningProduct, names, running_product

CALLS_IN_A_SET = 2  # chatAllowed and liveSessionStatus, the default checks
SECONDS = 11


def measure(folder: Path) -> Iterator[Figure]:
    """Count the calls that reach ECE while visitors come; the ceiling is one set per entry point and `fresh_for`."""
    for entry_points in (1, 20, 200):
        with running_product(folder, entry_points=entry_points) as ours:
            script = _script(folder, entry_points)
            for visitors in (1, 64, 512):
                yield _under_load(ours, script, entry_points, visitors)
    with running_product(folder) as ours:
        ours.get("/v1/status/sales")
        before = int(ours.ece("/count"))
        time.sleep(12)
        yield at_most("calls in 12 s with no visitor", int(ours.ece("/count")) - before, 0)
        before = int(ours.ece("/count"))
        _unknown_names(ours)
        yield at_most("calls for 10,000 names that are not configured", int(ours.ece("/count")) - before, 0)


def _under_load(ours: RunningProduct, script: Path, entry_points: int, visitors: int) -> Figure:
    before = int(ours.ece("/count"))
    burst(Target(ours.url("/"), script=script, connections=visitors), SECONDS)
    calls = int(ours.ece("/count")) - before
    ceiling = entry_points * CALLS_IN_A_SET * (SECONDS / 5 + 1)
    what = f"calls to ECE in {SECONDS} s, {entry_points} entry points, {visitors} visitors"
    return at_most(what, calls, ceiling)


def _unknown_names(ours: RunningProduct) -> None:
    for at in range(10_000):
        try:
            ours.get(f"/v1/status/name{at}")
        except OSError:
            time.sleep(0.01)


def _script(folder: Path, entry_points: int) -> Path:
    script = folder / f"paths-{entry_points}.lua"
    listed = ",".join(f'"/v1/status/{name}"' for name in names(entry_points))
    script.write_text(
        f"local paths = {{{listed}}}\nlocal at = 0\n"
        "request = function() at = (at + 1) % #paths; return wrk.format('GET', paths[at + 1]) end\n",
        encoding="utf-8",
    )
    return script
