"""The numbers of CAPACITY.md: visitors, caches, processes and ECE, counted request by request. Standard library only.

    python3 examples/deploy/simulate.py                       a million visitors, a thousand entry points
    python3 examples/deploy/simulate.py --visitors 10000 --entry-points 20 --cdn-places 4

Time passes in steps of one second. In each the visitors whose next check is due ask the edge cache nearest to them;
what it cannot answer goes to the shield cache, and from there to a process of the fleet, which answers from its
snapshot. Of all processes one asks ECE for an entry point when its snapshot is older than `fresh_for`. Visitors choose
entry points unevenly (the n-th is asked 1/n as often as the first), as sites do.

Visitors of one entry point at one place behave alike, so the step draws how many of them ask instead of asking each
one: the outcome for a cache is the same, since it only matters whether at least one came.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from dataclasses import asdict, dataclass

CALLS_IN_A_SET = 2  # chatAllowed and liveSessionStatus, the default checks
WHILE_ASKING = 2  # seconds for which an answer may be kept whose refresh is under way
ANSWER_BYTES = 1_600  # a launcher with its headers, compressed
ROW_BYTES = 1_200  # a survey in PostgreSQL with its indexes


@dataclass(frozen=True)
class Plan:
    """What is planned for; times in seconds."""

    visitors: int = 1_000_000  # with the page open at the same time
    entry_points: int = 1_000
    next_check: int = 15  # the pace at which a page asks again
    cdn_places: int = 40
    processes: int = 8
    fresh_for: int = 5
    max_age: int = 4  # what is left of `fresh_for` when a cache gets the answer: at the least fresh_for - 1
    stay: int = 120  # how long a visitor has a page open
    hours: int = 10  # of a day that are as busy as this
    chats_per_visitor: float = 0.02
    surveys_per_chat: float = 0.3
    seconds: int = 60
    seed: int = 1


@dataclass
class Counts:
    """What happened in the simulated time."""

    visitors_asked: int = 0
    edge_fetches: int = 0
    origin_requests: int = 0
    sets_of_calls: int = 0


def simulate(plan: Plan) -> Counts:
    """Let `plan.seconds` pass after a minute's warm-up; give what happened in them."""
    chance, counts = random.Random(plan.seed), Counts()  # noqa: S311 - invented visitors, the same for the same seed
    weights = [1 / rank for rank in range(1, plan.entry_points + 1)]
    at_each = [plan.visitors * weight / sum(weights) / plan.cdn_places for weight in weights]
    edge = [[-1.0] * plan.entry_points for _ in range(plan.cdn_places)]  # when each copy runs out
    shield, snapshot = [-1.0] * plan.entry_points, [-1.0] * plan.entry_points
    for second in range(-60, plan.seconds):
        counted = second >= 0
        for entry_point, visitors in enumerate(at_each):
            for place in edge:
                asked = _poisson(chance, visitors / plan.next_check)
                if not asked:
                    continue
                counts.visitors_asked += asked * counted
                if second < place[entry_point]:
                    continue
                counts.edge_fetches += counted
                if second >= shield[entry_point]:
                    counts.origin_requests += counted
                    left = snapshot[entry_point] - second
                    if left <= 0:  # the stale answer goes out at once, for a moment; meanwhile ECE is asked
                        counts.sets_of_calls += counted
                        snapshot[entry_point] = second + plan.fresh_for
                    shield[entry_point] = second + (max(1, min(left, plan.max_age)) if left > 0 else WHILE_ASKING)
                place[entry_point] = shield[entry_point]  # a copy of a copy is as old as its original
    return counts


def report(plan: Plan, counts: Counts) -> dict[str, float]:
    """Give the figures of the page from what was counted."""
    seconds, rate = plan.seconds, counts.visitors_asked / plan.seconds
    visits = plan.visitors / plan.stay * plan.hours * 3600
    surveys = visits * plan.chats_per_visitor * plan.surveys_per_chat
    return {
        "visitors ask, a second": round(rate),
        "answered by an edge cache, per cent": round(100 * (1 - counts.edge_fetches / counts.visitors_asked), 2),
        "answered by some cache, per cent": round(100 * (1 - counts.origin_requests / counts.visitors_asked), 3),
        "edge caches fetch, a second": round(counts.edge_fetches / seconds),
        "requests to the fleet, a second": round(counts.origin_requests / seconds, 1),
        "requests to the fleet at most (one for each entry point), a second": plan.entry_points,
        "calls to ECE, a second": round(counts.sets_of_calls * CALLS_IN_A_SET / seconds, 1),
        "calls to ECE at most (sets / fresh_for), a second": plan.entry_points * CALLS_IN_A_SET / plan.fresh_for,
        "calls to ECE with each process for itself at most, a second": plan.entry_points
        * CALLS_IN_A_SET
        / plan.fresh_for
        * plan.processes,
        "megabits a second from the edge": round(rate * ANSWER_BYTES * 8 / 1e6),
        "megabits a second from the fleet": round(counts.origin_requests / seconds * ANSWER_BYTES * 8 / 1e6, 1),
        "visits a day": round(visits),
        "surveys a day": round(surveys),
        "surveys a second in busy hours": round(surveys / plan.hours / 3600, 1),
        "gigabytes of surveys in 90 days": round(surveys * 90 * ROW_BYTES / 1e9, 1),
    }


def _poisson(chance: random.Random, mean: float) -> int:
    """Draw how many of many come; by the normal curve where that is as good."""
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


def main(arguments: list[str]) -> None:
    """Read the plan from the command line and print the figures."""
    parser = argparse.ArgumentParser(description="The numbers of CAPACITY.md.")
    for name, default in asdict(Plan()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    parser.add_argument("--json", action="store_true")
    read = vars(parser.parse_args(arguments))
    as_json = read.pop("json")
    plan = Plan(**read)
    figures = report(plan, simulate(plan))
    if as_json:
        sys.stdout.write(json.dumps(figures, indent=2) + "\n")
        return
    width = max(map(len, figures))
    for name, value in figures.items():
        sys.stdout.write(f"{name:<{width}}  {value:>15,}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
