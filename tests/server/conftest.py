"""A server process for the tests of this folder, and sockets that say exactly what a test wants said."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.waiting import PATIENCE, wait_until
from widget.server.guard import Deadlines

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
SHORT = Deadlines(
    head=0.5, body=0.8, write=0.6, keep_alive=1.0, keep_alive_crowded=0.2, stopping=0.5, first=0.5, sweep=0.05
)
# For tests whose connections wait for something else: on a busy machine each step may take a second.
LONG = Deadlines(head=60, body=60, write=60, keep_alive=60, keep_alive_crowded=60, stopping=0.5, first=0.5, sweep=0.05)
SCRIPT = Path(__file__).with_name("stub_server.py")
CONFIG = """
[server]
public_url = "http://chat.example.com"
log_level = "info"
{extra}
[security]
secret_keys = ["a-secret-for-tests-that-is-long-enough"]
[ece]
base_url = "https://ece.example.com/system"
[entry_points.{name}]
id = 1001
chat_url = "https://ece.example.com/chat?id={{id}}"
"""


class ServerProcess:
    """One running server; `lines` are its log."""

    def __init__(
        self,
        config: Path,
        *,
        port: int = 0,
        workers: int = 1,
        drain: float = 0.0,
        reload: bool = False,
        deadlines: Deadlines = SHORT,
        command: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        await_answers: bool = True,
    ) -> None:
        self.config = config
        stub = [str(SCRIPT), str(config), str(port), str(workers), str(drain), *["reload"] * reload]
        self.process = subprocess.Popen(
            [sys.executable, *(command or stub)],
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "STUB_FOLDER": str(config.parent),
                "STUB_DEADLINES": json.dumps(asdict(deadlines)),
                **(environment or {}),
            },
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if await_answers:
            self.answer()

    def answer(self) -> None:
        """Wait until it answers."""
        self.port = int(self.event("listening")["port"])
        wait_until(lambda: self.answers(), "the server answers")

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)

    def event(self, name: str, *, after: int = 0, **fields: str) -> dict[str, Any]:
        """Wait for a log event that has these fields."""

        def found() -> dict[str, Any] | None:
            for line in self.lines[after:]:
                with contextlib.suppress(ValueError):
                    event: dict[str, Any] = json.loads(line)
                    if event.get("event") == name and fields.items() <= event.items():
                        return event
            assert self.process.poll() is None, "".join(self.lines)
            return None

        event = wait_until(found, f"the log event {name}")
        assert event is not None
        return event

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            return b"200 OK" in self.say(request("/healthz"))
        return False

    def connect(self, *, receive_buffer: int | None = None) -> socket.socket:
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(PATIENCE)
        try:
            connection.connect(("127.0.0.1", self.port))
        except OSError:
            connection.close()
            raise
        return connection

    def say(self, *parts: bytes) -> bytes:
        """Send `parts`, then read until the server closes."""
        with self.connect() as connection:
            with contextlib.suppress(ConnectionError):
                for part in parts:
                    connection.sendall(part)
            return read_all(connection)

    def metric(self, line_start: str) -> float:
        """Read one value of /metrics."""
        text = self.say(request("/metrics", "Authorization: Bearer operator-token-for-tests")).decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(line_start))

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> int:
        """Wait for its end; return the exit code."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


def request(path: str, *headers: str, method: str = "GET", body: bytes = b"", host: str = "chat.example.com") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def read_all(connection: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def write_config(folder: Path, *, name: str = "sales", extra: str = "") -> Path:
    file = folder / "ece-widget.toml"
    file.write_text(CONFIG.format(name=name, extra=extra))
    return file


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(write_config(tmp_path_factory.mktemp("server")))
    yield process
    process.stop()
