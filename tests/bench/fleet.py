"""What several processes cost ECE, what a second one brings, and what a cache in front leaves for them."""

from __future__ import annotations

import http.client
import math
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench.figures import Figure, at_least, at_most
from tests.bench.load import Target, burst, compare
from tests.fleet_processes import HOST, FleetOfProcesses, Process, fleet_of_processes, get
from tests.shared_server import running_shared_server
from tests.visitors import visitors

CALLS_IN_A_SET = 2  # chatAllowed and liveSessionStatus, the default checks
FRESH_FOR = 5
ENTRY_POINTS = 20
BOTH_CORES = "0,1"


def measure(folder: Path) -> Iterator[Figure]:
    """Start fleets on a shared server of their own and measure."""
    with running_shared_server() as shared:
        yield from _calls(_new(folder, "calls"), shared.url)
        yield from _processes(_new(folder, "processes"), shared.url)
        yield from _cached(_new(folder, "cached"), shared.url)


def _new(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def _calls(folder: Path, url: str) -> Iterator[Figure]:
    """Four processes, twenty entry points: the fleet asks as often as one process would."""
    seconds = 30
    with fleet_of_processes(folder, members=4, entry_points=ENTRY_POINTS, fresh_for=FRESH_FOR, shared_url=url) as fleet:
        paths = [f"/v1/status/{name}" for name in fleet.names]
        with ExitStack() as stack:
            tallies = [stack.enter_context(visitors(each.port, paths, threads=1)) for each in fleet.members]
            while any(tally.answered < 2 * ENTRY_POINTS for tally in tallies):
                time.sleep(0.05)
            before, begun = fleet.calls(), time.monotonic()
            time.sleep(seconds)
            calls, took = fleet.calls() - before, time.monotonic() - begun
        one = ENTRY_POINTS * CALLS_IN_A_SET * took / FRESH_FOR
        yield Figure(f"answers of 4 processes in {seconds} s", f"{sum(tally.answered for tally in tallies):,}")
        yield at_most("calls to ECE, against one set for each entry point and fresh_for", calls / one, 1.10)
        yield at_most("public answers that failed", sum(tally.failed() for tally in tallies), 0)


def _processes(folder: Path, url: str) -> Iterator[Figure]:
    with (
        fleet_of_processes(_new(folder, "one"), members=1, shared_url=url) as one,
        fleet_of_processes(_new(folder, "two"), members=1, workers=2, shared_url=url) as two,
    ):
        targets = []
        for fleet in (two, one):
            for _ in range(20):  # each on a connection of its own, so that every worker has its answers ready
                get(fleet.members[0].port, "/v1/status/entry_point_000")
            address = f"http://127.0.0.1:{fleet.members[0].port}/v1/status/entry_point_000"
            targets.append(Target(address, core=BOTH_CORES, connections=128))
        yield at_least("two processes / one, generator on the same cores", compare(*targets), 1.35)


def _cached(folder: Path, url: str) -> Iterator[Figure]:
    """nginx with the site file of the examples: who answers, and what is left for the processes."""
    seconds = 10
    with fleet_of_processes(
        folder, members=2, entry_points=ENTRY_POINTS, fresh_for=FRESH_FOR, shared_url=url, with_nginx=True
    ) as fleet:
        assert fleet.nginx is not None
        script = _script(folder, fleet)
        target = Target(f"http://127.0.0.1:{fleet.nginx.port}/", (f"Host: {HOST}",), script, core=BOTH_CORES)
        burst(target)
        before, asked = _lines(folder), sum(map(_public_answers, fleet.members))
        burst(target, seconds)
        log = (folder / "ece-widget.log").read_text().splitlines()[before:]
        fetched = sum(map(_public_answers, fleet.members)) - asked
        max_age = _shortest_max_age(fleet)
    yield Figure("answers of nginx with proxy_cache in 10 s", f"{len(log):,}")
    yield Figure("served from the cache", f"{1 - fetched / len(log):.4%}", "≥ 99.9 %", fetched <= len(log) / 1000)
    ceiling = ENTRY_POINTS * (seconds / max_age + 1)
    yield at_most(
        f"requests to the processes, {ENTRY_POINTS} entry points, max-age {max_age}", fetched, math.ceil(ceiling)
    )


def _script(folder: Path, fleet: FleetOfProcesses) -> Path:
    script = folder / "paths.lua"
    listed = ",".join(f'"/v1/status/{name}"' for name in fleet.names)
    script.write_text(
        f"local paths = {{{listed}}}\nlocal at = 0\n"
        "request = function() at = (at + 1) % #paths; return wrk.format('GET', paths[at + 1]) end\n",
        encoding="utf-8",
    )
    return script


def _lines(folder: Path) -> int:
    return len((folder / "ece-widget.log").read_text().splitlines())


def _public_answers(member: Process) -> int:
    """Status and launcher answers that a process gave, by its own metric."""
    connection = http.client.HTTPConnection("127.0.0.1", member.port, timeout=10)
    connection.request("GET", "/metrics", headers={"Host": HOST, "Authorization": "Bearer operator-token-for-tests"})
    text = connection.getresponse().read().decode()
    connection.close()
    return sum(int(float(value)) for value in re.findall(r"^ece_widget_decisions_total\{.*\} (\S+)$", text, re.M))


def _shortest_max_age(fleet: FleetOfProcesses) -> int:
    ages = []
    for name in fleet.names:
        for member in fleet.members:
            found = re.search(r"max-age=(\d+)", get(member.port, f"/v1/status/{name}")[2]["cache-control"])
            assert found is not None
            ages.append(int(found[1]))
    return max(1, min(ages))
