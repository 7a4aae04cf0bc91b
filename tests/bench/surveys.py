"""Survey posts accepted durably, against the same route without storage and with a commit for each request."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.figures import Figure, at_least
from tests.bench.load import Target, compare
from tests.bench.processes import free_port, running, uvicorn
from tests.databases import running_cluster
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


def measure(folder: Path) -> Iterator[Figure]:
    """Give the ratios of accepted posts with 64 connections and one process."""
    script = _load_script(folder)
    sqlite = f"sqlite:///{folder}/group.db"
    with serving(folder, "none", f"sqlite:///{folder}/none.db") as nothing:
        without = Target(nothing, script=script)
        with serving(folder, "group", sqlite) as group:
            yield at_least("accepted on SQLite / without storage", compare(Target(group, script=script), without), 0.60)
        with serving(folder, "group", sqlite) as group, serving(folder, "each", f"sqlite:///{folder}/each.db") as each:
            ratio = compare(Target(group, script=script), Target(each, script=script))
            yield at_least("accepted on SQLite / a commit for each request", ratio, 2.5)
        with running_cluster() as cluster, serving(folder, "group", cluster.new_database()) as group:
            ratio = compare(Target(group, script=script), without)
            yield at_least("accepted on PostgreSQL / without storage", ratio, 0.30)


@contextlib.contextmanager
def serving(folder: Path, kind: str, url: str) -> Iterator[str]:
    """Run the front door with one kind of outbox; give its address."""
    port = free_port()
    file = folder / f"{kind}-{port}.toml"
    file.write_text(SETTINGS.format(port=port, key=KEY, url=url), encoding="utf-8")
    command = [*uvicorn("tests.bench.survey_server:make", port), "--factory"]
    environment = {"BENCH_SETTINGS": str(file), "BENCH_OUTBOX": kind, "PYTHONPATH": os.getcwd()}
    with running(command, port=port, folder=folder, env=environment):
        yield f"http://127.0.0.1:{port}"


def _load_script(folder: Path) -> Path:
    tokens = Tokens([KEY], lambda: datetime.now(UTC))
    expires = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    links, script = folder / "links", folder / "post.lua"
    with links.open("w", encoding="ascii") as lines:
        for number in range(LINKS):
            lines.write(tokens.sign_survey(f"{number}_sid", "sales", "after_chat", expires) + "\n")
    script.write_text(SCRIPT.format(links=links), encoding="utf-8")
    return script
