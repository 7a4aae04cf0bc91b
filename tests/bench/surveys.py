"""Survey posts accepted durably, against the same route without storage and with a commit for each request."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.figures import Figure, at_least
from tests.bench.load import Target, burst, compare
from tests.bench.processes import running, uvicorn
from tests.databases import running_cluster
from tests.ports import free_port
from widget.domain.outbox import Answer
from widget.store.accepting import dump_answers
from widget.store.choose import choose_database
from widget.tokens import Tokens

KEY = "a-key-for-benchmarks-that-is-long-enough"
LINKS = 200_000  # each burst uses links of its own, by the second in which it begins
SCRIPT = """
local links = {{}}
for line in io.lines("{links}") do links[#links + 1] = line end
local at = (os.time() * 6000) % #links
local headers = {{["Content-Type"] = "application/x-www-form-urlencoded"}}
local body = "helpful=4&comment=" .. string.rep("Quite+good%2C+thank+you.+", 12)
request = function()
  at = at % #links + 1
  return wrk.format("POST", "/survey/" .. links[at], headers, body)
end
"""
SETTINGS = """
[server]
public_url = "http://127.0.0.1:{port}"
log_level = "error"
[security]
secret_keys = ["{key}"]
[ece]
base_url = "http://127.0.0.1:9/system"
[entry_points.sales]
id = 1001
chat_url = "http://127.0.0.1:9/chat"
survey = "after_chat"
[surveys.after_chat]
title = "How did we do?"
[[surveys.after_chat.questions]]
id = "helpful"
kind = "rating"
text = "How helpful was the agent?"
required = true
[[surveys.after_chat.questions]]
id = "comment"
kind = "text"
text = "What could we do better?"
max_length = 800
[limits]
tokens = "off"
submits = "off"
[storage]
url = "{url}"
"""


SETTLED = 3_000_000
ANSWERS = dump_answers(
    [
        Answer("helpful", "How helpful was the agent?", "4"),
        Answer("comment", "What could we do better?", "Quite good, thank you. " * 4),
    ]
)
BUSY = 0.10  # of the machine used by others; above it a rate says who was scheduled, not what the product can do
CPU_BURST = 3


def measure(folder: Path) -> Iterator[Figure]:
    """Return the ratios of accepted posts with 64 connections and one process."""
    script = _load_script(folder)
    sqlite = f"sqlite:///{folder}/group.db"
    with serving(folder, "none", f"sqlite:///{folder}/none.db") as nothing:
        without = Target(nothing.url, script=script)
        with serving(folder, "group", sqlite) as group:
            stored = Target(group.url, script=script)
            yield judged("accepted on SQLite / without storage", stored, without, 0.60)
            share = cpu_of_a_request(nothing, without) / cpu_of_a_request(group, stored)
            yield Figure("processor time of a post without storage / on SQLite", f"{share:.2f}")
            with serving(folder, "each", f"sqlite:///{folder}/each.db") as each:
                alone = Target(each.url, script=script)
                yield Figure("a sync to this disk", f"{seconds_to_sync(folder) * 1000:.2f} ms")
                yield judged("accepted on SQLite / a commit for each request", stored, alone, 2.5)
        yield from _beside_settled_rows(folder, script)
        yield from _on_slower_disks(folder, script)
        with running_cluster() as cluster, serving(folder, "group", cluster.new_database()) as group:
            yield judged("accepted on PostgreSQL / without storage", Target(group.url, script=script), without, 0.30)


def _beside_settled_rows(folder: Path, script: Path) -> Iterator[Figure]:
    """Compare an outbox of the size that CAPACITY.md plans for with one that holds nothing yet."""
    empty, full = (f"sqlite:///{folder}/{name}.db" for name in ("empty", "full"))
    add_settled_rows(full, SETTLED)
    with serving(folder, "group", full) as ours, serving(folder, "group", empty) as other:
        beside, alone = (Target(server.url, script=script) for server in (ours, other))
        yield judged(f"accepted beside {SETTLED:,} settled rows / beside none", beside, alone, 0.90)


def add_settled_rows(url: str, number: int) -> None:
    """Make a database with surveys that were delivered in the last weeks, each with answers and a key of its own."""
    database = choose_database(url)
    database.prepare()
    database.dispose()
    now = time.time_ns() // 1_000_000
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("PRAGMA journal_mode = OFF")  # the product sets its own when it opens the file
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "INSERT INTO ece_widget_outbox (key, sid, entry_point, survey, answers, state, attempts, next_attempt_at,"
            " accepted_at, waiting_since, settled_at)"
            " WITH RECURSIVE each(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM each WHERE number < :number)"
            " SELECT lower(hex(randomblob(32))), lower(hex(randomblob(12))), 'sales', 'after_chat', :answers,"
            " 'delivered', 1, :now - number * 500, :now - number * 500, :now - number * 500, :now - number * 500"
            " FROM each",
            {"number": number, "now": now, "answers": ANSWERS},
        )


def _on_slower_disks(folder: Path, script: Path) -> Iterator[Figure]:
    """Compare where a sync takes as long as on networked and on spinning disks; here it may be too fast to matter."""
    for slower in (1, 5):
        group, each = (f"sqlite:///{folder}/{kind}-{slower}.db" for kind in ("group", "each"))
        with (
            serving(folder, "group", group, slower_sync=slower) as ours,
            serving(folder, "each", each, slower_sync=slower) as other,
        ):
            stored, alone = (Target(server.url, script=script) for server in (ours, other))
            yield judged(f"the same on a disk whose sync takes {slower} ms longer", stored, alone, 2.5)


def seconds_to_sync(folder: Path) -> float:
    """Return the time that a commit's worth of bytes takes to the disk, the median of many."""
    took = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(b"x" * 4096)
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begun)
    return statistics.median(took)


def judged(what: str, a: Target, b: Target, goal: float) -> Figure:
    """Compare, and hold the ratio against its goal only if the machine did little else before and after."""
    before = busy_with_others()
    figure = at_least(what, compare(a, b), goal)
    others = max(before, busy_with_others())
    if others <= BUSY:
        return figure
    return Figure(what, f"not judged: {others:.0%} of the machine was busy with other work", figure.goal)


def busy_with_others() -> float:
    """Return the share of the machine that is used while our servers have nothing to do."""

    def ticks() -> tuple[int, int]:
        values = [int(value) for value in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(values), values[3] + values[4]

    all_before, idle_before = ticks()
    time.sleep(1.0)
    all_after, idle_after = ticks()
    return 1 - (idle_after - idle_before) / max(all_after - all_before, 1)


def cpu_of_a_request(server: Serving, target: Target) -> float:
    """Return processor seconds for each answered request: a second witness that a busy machine sways less."""

    def seconds() -> float:
        fields = Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    burst(target)
    before = seconds()
    answered = burst(target, CPU_BURST) * CPU_BURST
    return (seconds() - before) / answered


@dataclass(frozen=True)
class Serving:
    """A running server."""

    url: str
    pid: int


@contextlib.contextmanager
def serving(folder: Path, kind: str, url: str, *, slower_sync: float = 0) -> Iterator[Serving]:
    """Run the server with one kind of outbox; return its address. `slower_sync` is in milliseconds."""
    port = free_port()
    file = folder / f"{kind}-{port}.toml"
    file.write_text(SETTINGS.format(port=port, key=KEY, url=url), encoding="utf-8")
    command = [*uvicorn("tests.bench.survey_server:make", port), "--factory"]
    environment = {"BENCH_SETTINGS": str(file), "BENCH_OUTBOX": kind, "PYTHONPATH": os.getcwd()}
    environment["BENCH_SLOWER_SYNC"] = str(slower_sync)
    with running(command, port=port, folder=folder, env=environment) as process:
        yield Serving(f"http://127.0.0.1:{port}", process.pid)


def _load_script(folder: Path) -> Path:
    tokens = Tokens([KEY], lambda: datetime.now(UTC))
    expires = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    links, script = folder / "links", folder / "post.lua"
    with links.open("w", encoding="ascii") as lines:
        for number in range(LINKS):
            lines.write(tokens.sign_survey(f"{number}_sid", "sales", "after_chat", expires) + "\n")
    script.write_text(SCRIPT.format(links=links), encoding="utf-8")
    return script
