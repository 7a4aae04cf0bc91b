"""Server processes for a benchmark: each on the first core, in its own folder, ended when the run ends."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

SERVER_CORE, LOAD_CORE = "0", "1"


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    port: int,
    core: str | None = SERVER_CORE,
    folder: Path,
    env: dict[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` until the block ends, on one core unless that is None.

    Raises RuntimeError with its output when it does not listen.
    """
    log = folder / f"server-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*(("taskset", "-c", core) if core else ()), *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": os.getcwd(), **(env or {})},
            cwd=folder,
        )
        try:
            _wait_for(port, process, log)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def uvicorn(application: str, port: int) -> list[str]:
    """Return the command for a bare application, on the same loop and parser as the product, without access log."""
    return [
        *(sys.executable, "-m", "uvicorn", application, "--port", str(port), "--loop", "uvloop"),
        *("--http", "httptools", "--no-access-log", "--log-level", "warning", "--no-server-header"),
    ]


def product(config: Path, port: int, *more: str) -> list[str]:
    """Return the command for the product as shipped."""
    return [sys.executable, "-m", "widget", "serve", "--config", str(config), "--port", str(port), *more]


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise RuntimeError(f"no server on port {port}:\n{log.read_text(errors='replace')[-2000:]}")
