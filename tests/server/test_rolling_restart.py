"""Each process restarted in turn under visitors who ask nothing twice: with `--drain` none of them notices."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.fleet_processes import FleetOfProcesses, fleet_of_processes, get
from tests.visitors import visitors
from tests.waiting import wait_until

DRAIN = 1.5
ASKED_EVERY = 0.1  # seconds between a balancer's questions
PATHS = [
    "/v1/status/entry_point_000?uncached",
    "/v1/launcher/entry_point_000?uncached",
    "/v1/chat/entry_point_000",
]  # none is kept by nginx


class Balancer:
    """A balancer of TCP connections: asks /readyz, and passes bytes on without reading them."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = list(ports)
        self._turn = 0
        self.ready: list[int] = []
        self.port = 0

    async def serve(self, started: Callable[[], object], over: asyncio.Event) -> None:
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        started()
        while not over.is_set():
            answers = await asyncio.gather(*(self._asked(port) for port in self._ports))
            self.ready = [port for port, ready in zip(self._ports, answers, strict=True) if ready]
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), ASKED_EVERY)
        server.close()

    async def _asked(self, port: int) -> bool:
        return await asyncio.to_thread(is_ready, port)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._turn += 1
        port = self.ready[self._turn % len(self.ready)]
        to_read, to_write = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_copy(reader, to_write), _copy(to_read, writer))


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()


def is_ready(port: int) -> bool:
    try:
        return get(port, "/readyz")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


@contextmanager
def balancer(ports: Sequence[int]) -> Iterator[Balancer]:
    """Run a balancer in a thread."""
    balancer, over, there = Balancer(ports), asyncio.Event(), threading.Event()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(balancer.serve(there.set, over)))
    thread.start()
    assert there.wait(60)
    try:
        yield balancer
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[FleetOfProcesses]:
    with fleet_of_processes(tmp_path, members=2, with_nginx=True, options=["--drain", f"{DRAIN}s"]) as fleet:
        yield fleet


@pytest.mark.parametrize("front", ["nginx", "a balancer of connections"])
def test_a_rolling_restart_with_a_drain_fails_no_request(fleet: FleetOfProcesses, front: str) -> None:
    assert fleet.nginx is not None
    ports = [each.port for each in fleet.members]
    with balancer(ports) as passing:
        port = fleet.nginx.port if front == "nginx" else passing.port

        def all_are_in_turn() -> bool:
            """Whether the balancer has seen it, too: between what it last saw of each there would be none."""
            return all(map(is_ready, ports)) and passing.ready == ports

        wait_until(all_are_in_turn, "all are ready")
        with visitors(port, PATHS, pause=0.02) as tally:
            for member in fleet.members:
                seen = tally.answered
                wait_until(lambda seen=seen: tally.answered > seen + 100, "visitors")  # type: ignore[misc]
                member.stop()
                member.start()
                wait_until(all_are_in_turn, "it is back", member.log)
        assert tally.answered > 400
        assert (tally.failed(), tally.closed) == (0, 0), (tally.statuses, tally.lost[:5])
    for member in fleet.members:
        assert '"draining"' in member.log.read_text()
