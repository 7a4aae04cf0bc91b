"""Run the benchmarks and print every ratio beside its goal: `python -m tests.bench [public] [upstream] [latency] …`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import crowd, fleet, history, latency, memory, public, results, sizes, surveys, upstream
from tests.bench.figures import Figure
from tests.install_tools import FOR_BENCH, install, missing

SECTIONS: dict[str, Callable[[Path], Iterator[Figure]]] = {
    "public": public.measure,
    "upstream": upstream.measure,
    "latency": latency.measure,
    "crowd": crowd.measure,
    "memory": memory.measure,
    "sizes": sizes.measure,
    "surveys": surveys.measure,
    "fleet": fleet.measure,
    "history": history.measure,
    "results": results.measure,
}


def main(names: list[str]) -> int:
    """Measure the named sections, or all; 1 when a goal was missed, 2 when there is nothing to measure with."""
    if not install(missing(FOR_BENCH)):
        return 2
    console = Console()
    missed = 0
    for name in names or list(SECTIONS):
        table = Table("what", "measured", "goal", "", title=name, title_justify="left")
        with tempfile.TemporaryDirectory() as folder, console.status(f"measuring {name} …") as status:
            for figure in SECTIONS[name](Path(folder)):
                status.update(f"measuring {name}: {figure.what} done …")
                table.add_row(
                    figure.what, figure.shown, figure.goal, "" if figure.reached is None else "✓✗"[not figure.reached]
                )
                missed += figure.reached is False
        console.print(table)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
