"""Send hostile requests to the product as shipped: no 500, no hang, memory back to where it was.

`python -m tests.soak.requests --count 100000 --seed 1 [--outside] [--list FILE …]`; exit code 1 when one of the three
fails. `--outside` adds the payload lists of `tests/soak/lists.py`, `--list` one of your own: a text file with one
payload a line, or a JSON array.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.soak import lists
from tests.soak.requests_made import Maker

PORT = 8389
AT_ONCE = 24
LONGEST_WAIT = 20.0  # seconds: above every deadline of the guard
MOST_GROWTH = 8 * 1024  # KiB of resident memory after the warm-up
CONFIG = """
[server]
public_url = "http://chat.example.com"
log_level = "warning"
[security]
secret_keys = ["a-secret-for-the-soak-that-is-long-enough"]
operator_tokens = ["operator-token-for-tests"]
[ece]
base_url = "http://127.0.0.1:9/system"
[entry_points.sales]
id = 1001
chat_url = "https://ece.example.com/chat?id={{id}}&locale={{locale}}&ticket={{ticket}}"
survey = "after_chat"
[surveys.after_chat]
title = "How did we do?"
[[surveys.after_chat.questions]]
id = "helpful"
kind = "rating"
text = "How helpful was the agent?"
[storage]
url = "sqlite:///{folder}/outbox.db"
[limits]
tokens = "off"
submits = "off"
"""


@contextlib.contextmanager
def product(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    config = folder / "ece-widget.toml"
    config.write_text(CONFIG.format(folder=folder))
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "widget", "serve", "--config", str(config), "--port", str(port)]
        process = subprocess.Popen(command, stderr=log, stdout=log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


async def say(port: int, request: bytes) -> bytes:
    """Send one request on a connection of its own, end the sending side, and read to the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with contextlib.suppress(OSError):
            writer.write(request)
            await writer.drain()
            writer.write_eof()
        parts = []
        with contextlib.suppress(OSError):
            while part := await reader.read(65536):
                parts.append(part)
        return b"".join(parts)
    finally:
        writer.close()


class Soak:
    """What is sent, and what came back."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.statuses: Counter[str] = Counter()
        self.faults: list[str] = []

    async def run(self, requests: Iterator[bytes]) -> None:
        await asyncio.gather(*(self._send(requests) for _ in range(AT_ONCE)))

    async def _send(self, requests: Iterator[bytes]) -> None:
        for request in requests:
            try:
                async with asyncio.timeout(LONGEST_WAIT):
                    answer = await say(self.port, request)
            except TimeoutError:
                self.faults.append(f"hang after {request[:300]!r}")
                continue
            found = re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)
            self.statuses.update(status.decode() for status in found or [b"none"])
            if b"500" in found:
                self.faults.append(f"500 after {request[:300]!r}")


def resident(pid: int) -> int:
    """Return the resident memory in KiB."""
    match = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) if match else 0


async def until_up(port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if b"200 OK" in await say(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
                return
        await asyncio.sleep(0.1)
    raise RuntimeError("the product did not start")


async def soak(count: int, seed: int, payloads: tuple[Path, ...], process: subprocess.Popen[bytes], port: int) -> Soak:
    await until_up(port)
    made = Soak(port)
    warm_up = count // 5
    await made.run(Maker(seed, payloads).requests(warm_up))
    before, begun = resident(process.pid), time.monotonic()
    await made.run(Maker(seed + 1, payloads).requests(count - warm_up))
    after = resident(process.pid)
    print(f"{count} requests, {(count - warm_up) / (time.monotonic() - begun):.0f} a second")
    print(f"answers by status: {dict(sorted(made.statuses.items()))}")
    print(f"resident memory: {before} KiB after the warm-up, {after} KiB at the end ({after - before:+} KiB)")
    if after - before > MOST_GROWTH:
        made.faults.append(f"memory grew by {after - before} KiB")
    if process.poll() is not None:
        made.faults.append(f"the product ended with code {process.returncode}")
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--list", type=Path, action="append", default=[])
    parser.add_argument("--outside", action="store_true")
    given = parser.parse_args()
    payloads = (*given.list, *(lists.outside() if given.outside else ()))
    with tempfile.TemporaryDirectory() as folder, product(Path(folder), given.port) as process:
        made = asyncio.run(soak(given.count, given.seed, payloads, process, given.port))
        log = (Path(folder) / "log").read_text(errors="replace")
    for event in ("unexpected", "Traceback"):
        if event in log:
            made.faults.append(f"{event!r} in the log: {log[log.index(event) - 200 :][:800]}")
    for fault in made.faults[:20]:
        print(fault)
    print(f"{len(made.faults)} faults (seed {given.seed})")
    return 1 if made.faults else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "default")
    sys.exit(main())
