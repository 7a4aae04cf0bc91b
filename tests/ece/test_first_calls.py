"""The first calls of a process import nothing: an import holds the event loop, and with it every visitor."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

# Started as the services start it, then asked in all the ways in which ECE fails.
SCRIPT = """
import asyncio, json, sys
import uvloop
from widget import settings, telemetry
from widget.domain.errors import EceError
from widget.domain.readings import Call
from widget.ece.client import EceClient
from widget.services.serving import build

def table(base_url):
    return {
        "server": {"public_url": "https://chat.example.com"},
        "security": {"secret_keys": ["q8Zr4kT1vN7yLw2pXe6sUb9dGf3hJm5c"]},
        "ece": {"base_url": base_url, "timeout": 5},
        "entry_points": {"sales": {"id": 1001, "chat_url": "http://ece.example/{id}"}},
        "storage": {"url": "sqlite:///" + sys.argv[1]},
    }

async def answers(reader, writer, what):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write(what)
    writer.close()

async def fails(client):
    try:
        await client.ask(Call.AGENT_AVAILABILITY, 1001)
    except EceError as error:
        return error.code
    raise AssertionError("the call was answered")

async def main():
    telemetry.configure("info")
    services = build(settings.parse(table("http://127.0.0.1:9/system")))
    await services.start()
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "warm-up"))
    whats = [b"", b"no HTTP\\r\\n\\r\\n", b"HTTP/1.1 500 Sorry\\r\\ncontent-length: 0\\r\\n\\r\\n",
        b"HTTP/1.1 200 OK\\r\\ncontent-length: 5\\r\\n\\r\\nhello"]
    servers = [await asyncio.start_server(lambda r, w, what=what: answers(r, w, what), "127.0.0.1") for what in whats]
    addresses = [f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/system" for server in servers]
    addresses += ["http://localhost:9/system", "https://127.0.0.1:9/system", "http://ece.invalid/system"]
    clients = [EceClient(settings.parse(table(address)).ece) for address in addresses]
    before = set(sys.modules)
    view = await services.availability.view("sales")
    codes = [view.decision.reason, *[await fails(client) for client in clients]]
    print(json.dumps({"codes": codes, "imported": sorted(sys.modules.keys() - before)}))
    await services.stop()

uvloop.run(main())
"""


def test_the_first_calls_that_fail_import_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "outbox.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    said = json.loads(done.stdout)
    assert said["codes"][0] == "ece_unreachable"
    assert len(set(said["codes"])) > 2
    assert said["imported"] == []
