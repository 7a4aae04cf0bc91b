"""The product as shipped beside a stand-in for ECE, for one measurement."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.processes import LOAD_CORE, product, running, uvicorn
from tests.ports import free_port


@dataclass(frozen=True)
class RunningProduct:
    """Ports of the product and of ECE; `pid` is the product's process."""

    port: int
    ece_port: int
    pid: int

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str) -> tuple[bytes, dict[str, str]]:
        """Return body and headers of one answer, on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    def ece(self, path: str) -> str:
        """Ask the stand-in: `/count`, or `/mode/well`, `lively`, `slow`, `hangs`, `fails`, `garbage`, `drips`."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ece_port}{path}", timeout=10) as answer:
            return str(answer.read().decode())


def names(entry_points: int) -> list[str]:
    return ["sales"] if entry_points == 1 else [f"entry_point_{at:03}" for at in range(entry_points)]


@contextlib.contextmanager
def running_product(
    folder: Path, *, entry_points: int = 1, fresh_for: float = 5, more: str = "", env: dict[str, str] | None = None
) -> Iterator[RunningProduct]:
    """Start ECE on the load's core and the product on its own; `more` is TOML to append, `env` settings above it."""
    port, ece_port = free_port(), free_port()
    config = folder / f"widget-{port}.toml"
    tables = "".join(
        f'[entry_points.{name}]\nid = {1001 + at}\nchat_url = "http://127.0.0.1:{ece_port}/chat?id={{id}}"\n'
        for at, name in enumerate(names(entry_points))
    )
    config.write_text(
        f'[server]\npublic_url = "http://127.0.0.1:{port}"\nlog_level = "info"\n'
        '[security]\nsecret_keys = ["a-key-for-benchmarks-that-is-long-enough"]\n'
        f'[ece]\nbase_url = "http://127.0.0.1:{ece_port}/system"\nfresh_for = {fresh_for}\n'
        f"stale_for = {max(60.0, fresh_for + 1)}\n"
        f'[storage]\nurl = "sqlite:///{folder}/outbox-{port}.db"\n{tables}{more}',
        encoding="utf-8",
    )
    with (
        running(uvicorn("tests.bench.ece:app", ece_port), port=ece_port, core=LOAD_CORE, folder=folder),
        running(product(config, port), port=port, folder=folder, env=env) as process,
    ):
        ours = RunningProduct(port, ece_port, process.pid)
        ours.get("/healthz")  # the port is taken before the application is built
        yield ours


@contextlib.contextmanager
def bare(folder: Path, product: RunningProduct, path: str, application: str) -> Iterator[int]:
    """Serve the product's bytes and headers from `tests.bench.bare:APPLICATION`; gives the port."""
    body, headers = product.get(path)
    answer = folder / f"answer-{application}.json"
    sent = [(name, value) for name, value in headers.items() if name not in ("date", "connection")]
    answer.write_text(json.dumps({"body": body.decode(), "headers": sent}), encoding="utf-8")
    port = free_port()
    command = uvicorn(f"tests.bench.bare:{application}", port)
    with running(command, port=port, folder=folder, env={"BENCH_ANSWER": str(answer)}):
        yield port
