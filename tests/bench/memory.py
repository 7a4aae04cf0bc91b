"""What a million requests leave behind: names, locales, themes and queries that differ each time."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure, at_most
from tests.bench.processes import LOAD_CORE
from tests.bench.product import running_product

REQUESTS = 1_000_000
WARM_UP = 300_000  # requests: until every bounded table is full


def measure(folder: Path) -> Iterator[Figure]:
    """Compare the resident memory of the process before and after."""
    script = folder / "hostile.lua"
    script.write_text(_LUA, encoding="utf-8")
    with running_product(folder, entry_points=20) as ours:
        _send(ours.url("/"), script, WARM_UP)
        before = _resident(ours.pid)
        sent = _send(ours.url("/"), script, REQUESTS)
        grown = (_resident(ours.pid) - before) / 2**20
        yield at_most(f"memory after {sent:,} requests that all differ", grown, 2.0, " MiB")


def _send(url: str, script: Path, at_least: int) -> int:
    """Return how many requests were sent, in bursts of ten seconds."""
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", "-c64", "-d10s", "-s", str(script), url]
    sent = 0
    while sent < at_least:
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = re.search(r"(\d+) requests in", printed)
        assert found is not None, printed
        sent += int(found[1])
    return sent


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


_LUA = """
math.randomseed(7)
local function word(n)
  local letters = {}
  for i = 1, n do letters[i] = string.char(97 + math.random(0, 25)) end
  return table.concat(letters)
end
local function entry_point() return string.format("entry_point_%03d", math.random(0, 19)) end
local kinds = {
  function() return "/v1/status/" .. word(12) end,
  function() return "/v1/status/" .. entry_point() .. "?" .. word(8) .. "=" .. word(8) end,
  function()
    return "/v1/launcher/" .. entry_point() .. "?locale=" .. word(2) .. "-" .. word(4) .. "&theme=" .. word(6)
  end,
  function() return "/v1/launcher/" .. entry_point() .. "?locale=" .. word(60) end,
  function() return "/v1/chat/" .. word(12) end,
  function() return "/" .. word(20) end,
}
request = function() return wrk.format("GET", kinds[math.random(#kinds)]()) end
"""
