"""A real Valkey or Redis server for tests, on a port of its own, with nothing kept on disk."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from tests.ports import free_port
from tests.waiting import PATIENCE, wait_until

INSTALL = "No Valkey or Redis server was found; install one (Debian: apt-get install redis-server)"


def server_program() -> str:
    """Return the path of valkey-server or redis-server, or fail with what to install."""
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    assert found is not None, INSTALL
    return found


class SharedServerProcess:
    """One server; `kill` and `freeze` take it away in different ways."""

    def __init__(self, port: int | None = None, *, options: Sequence[str] = ()) -> None:
        self._options = options
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            server_program(),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            *self._options,
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._answers, "the server answers")

    def _answers(self) -> bool:
        with suppress(OSError):
            return self.say("PING").startswith(("+PONG", "-NOAUTH"))
        return False

    def say(self, *words: str) -> str:
        """Send one command; return the first bytes of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            connection.sendall((" ".join(words) + "\r\n").encode())
            return connection.recv(65536).decode()

    def kill(self) -> None:
        """End it as a crash does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Let it accept connections and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self.kill()


@contextmanager
def running_shared_server() -> Iterator[SharedServerProcess]:
    """Yield a server that is ended afterwards."""
    server = SharedServerProcess()
    server.start()
    try:
        yield server
    finally:
        server.stop()
