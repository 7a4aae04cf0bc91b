"""One line of a benchmark: what, how much, and the goal it is held against."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.load import Ratio


@dataclass(frozen=True)
class Figure:
    """`reached` is None for a figure without a goal."""

    what: str
    shown: str
    goal: str = ""
    reached: bool | None = None


def at_least(what: str, ratio: Ratio, goal: float) -> Figure:
    """Return a ratio of rates that should not be below `goal`."""
    shown = f"{ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f}), best/best {ratio.best:.2f}"
    return Figure(what, shown, f"≥ {goal:.2f}", ratio.reaches(goal))


def at_most(what: str, value: float, goal: float, unit: str = "") -> Figure:
    """Return a number that should not be above `goal`."""
    return Figure(what, f"{value:.4g}{unit}", f"≤ {goal:.4g}{unit}", value <= goal)
