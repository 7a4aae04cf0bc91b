"""`ece-widget deliver` as a process: it delivers, stops when it is told, and refuses in one line."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from click.testing import CliRunner

from tests.fleet_processes import get
from tests.forward_proxy import forward_proxy
from tests.ports import free_port
from tests.waiting import wait_until
from widget.cli import main
from widget.commands.init import starter
from widget.domain.outbox import Answer, MessageState, OutboxMessage
from widget.store.outbox import open_outbox


class TakesSurveys(BaseHTTPRequestHandler):
    taken: list[bytes]
    answers: Event

    def do_POST(self) -> None:
        self.taken.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.answers.wait()
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def answers() -> Event:
    """ECE answers once this is set, which it is unless a test clears it."""
    answers = Event()
    answers.set()
    return answers


@pytest.fixture
def ece(answers: Event) -> Iterator[tuple[str, list[bytes]]]:
    taken: list[bytes] = []
    handler = type("Handler", (TakesSurveys,), {"taken": taken, "answers": answers})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/system", taken
        answers.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "ece-widget.toml"
    file.write_text(starter())
    return file


@contextmanager
def delivering(config: Path, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `deliver` with its log in a file; the block has to stop it."""
    command = [sys.executable, "-m", "widget", "deliver", "--config", str(config)]
    with log.open("w") as stream, subprocess.Popen(command, env=os.environ | environment, stderr=stream) as process:
        try:
            yield process
        finally:
            process.kill()  # one that a failed test left running; else it has ended


def test_it_delivers_what_waits_and_stops_when_told(config: Path, tmp_path: Path, ece: tuple[str, list[bytes]]) -> None:
    address, taken = ece
    url = f"sqlite:///{tmp_path}/outbox.db"

    async def accept_and_count(*keys: str) -> int:
        outbox = await open_outbox(url, now=lambda: datetime.now(UTC))
        for key in keys:
            await outbox.enqueue(OutboxMessage(key, f"sid-{key}", "sales", "s", (Answer("q", "How?", "fine"),)))
        delivered = (await outbox.counts()).by_state[MessageState.DELIVERED]
        await outbox.close()
        return delivered

    asyncio.run(accept_and_count("a", "b", "c"))
    environment = os.environ | {"ECE_WIDGET_STORAGE__URL": url, "ECE_WIDGET_ECE__BASE_URL": address}
    process = subprocess.Popen(
        [sys.executable, "-m", "widget", "deliver", "--config", str(config)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        while "Delivering surveys to ECE" not in (line := process.stderr.readline()):
            assert line, "it ended instead of delivering"
        for _ in range(3000):
            if asyncio.run(accept_and_count()) == 3:
                break
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read()
    assert process.returncode == 0, said
    assert "Stopped: 3 delivered" in said
    assert len(taken) == 3


def test_a_reload_delivers_through_the_new_proxy_and_refuses_faults(
    config: Path, tmp_path: Path, ece: tuple[str, list[bytes]]
) -> None:
    address, taken = ece
    url, log = f"sqlite:///{tmp_path}/outbox.db", tmp_path / "log"
    config.write_text(config.read_text().replace("http://127.0.0.1:8100", "http://ece.invalid"))
    first = config.read_text()

    async def accept(key: str) -> None:
        outbox = await open_outbox(url, now=lambda: datetime.now(UTC))
        await outbox.enqueue(OutboxMessage(key, f"sid-{key}", "sales", "s", (Answer("q", "How?", "fine"),)))
        await outbox.close()

    hosts = {"ece.invalid": int(address.removesuffix("/system").rpartition(":")[2])}
    with forward_proxy(hosts) as old, forward_proxy(hosts) as new:
        config.write_text(first.replace("[ece]", f'[ece]\nproxy = "http://{old.netloc}"'))
        with delivering(config, log, ECE_WIDGET_STORAGE__URL=url) as process:
            wait_until(lambda: "Delivering surveys to ECE" in log.read_text(), "it delivers", log)
            asyncio.run(accept("a"))
            wait_until(lambda: old.surveys() == 1, "a survey goes through the first proxy", log)
            config.write_text(first.replace("[ece]", '[ece]\nproxy = "nowhere"'))
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: '"settings_refused"' in log.read_text(), "faults are refused", log)
            config.write_text(first.replace("[ece]", f'[ece]\nproxy = "http://{new.netloc}"'))
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: '"settings_applied"' in log.read_text(), "the settings are read again", log)
            asyncio.run(accept("b"))
            wait_until(lambda: new.surveys() == 1, "a survey goes through the second proxy", log)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, log.read_text()
        assert (old.surveys(), new.surveys(), len(taken)) == (1, 1, 2)
    assert "Stopped: 2 delivered" in log.read_text()


def test_its_metrics_have_a_listener_of_their_own_without_the_token(
    config: Path, tmp_path: Path, ece: tuple[str, list[bytes]]
) -> None:
    port, log = free_port(), tmp_path / "log"
    with delivering(
        config,
        log,
        ECE_WIDGET_STORAGE__URL=f"sqlite:///{tmp_path}/outbox.db",
        ECE_WIDGET_ECE__BASE_URL=ece[0],
        ECE_WIDGET_DELIVERY__METRICS_LISTEN=f"127.0.0.1:{port}",
    ) as process:
        wait_until(lambda: "Delivering surveys to ECE" in log.read_text(), "it delivers", log)
        for _ in range(2):
            status, body, _ = get(port, "/metrics")
            assert status == 200
            assert b'ece_widget_deliveries_total{outcome="delivered"} 0.0' in body
            assert get(port, "/readyz")[0] == 404
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: '"settings_applied"' in log.read_text(), "the settings are read again", log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log.read_text()


def test_a_stop_waits_for_the_survey_that_is_on_its_way(
    config: Path, tmp_path: Path, ece: tuple[str, list[bytes]], answers: Event
) -> None:
    address, taken = ece
    url, port, log = f"sqlite:///{tmp_path}/outbox.db", free_port(), tmp_path / "log"

    async def accept() -> None:
        outbox = await open_outbox(url, now=lambda: datetime.now(UTC))
        await outbox.enqueue(OutboxMessage("a", "sid-a", "sales", "s", (Answer("q", "How?", "fine"),)))
        await outbox.close()

    def is_stopping() -> bool:
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", port)) != 0

    asyncio.run(accept())
    answers.clear()
    with delivering(
        config,
        log,
        ECE_WIDGET_STORAGE__URL=url,
        ECE_WIDGET_ECE__BASE_URL=address,
        ECE_WIDGET_ECE__TIMEOUT="60",
        ECE_WIDGET_DELIVERY__METRICS_LISTEN=f"127.0.0.1:{port}",
    ) as process:
        wait_until(lambda: taken and not is_stopping(), "a survey is on its way", log)
        process.send_signal(signal.SIGTERM)
        wait_until(is_stopping, "it stops", log)
        answers.set()
        assert process.wait(60) == 0, log.read_text()
    assert "Stopped: 1 delivered" in log.read_text()


def test_a_taken_port_is_one_sentence(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECE_WIDGET_STORAGE__URL", f"sqlite:///{tmp_path}/outbox.db")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("ECE_WIDGET_DELIVERY__METRICS_LISTEN", f"127.0.0.1:{taken.getsockname()[1]}")
        result = CliRunner().invoke(main, ["deliver", "--config", str(config)])
    assert result.exit_code == 1
    assert "metrics_listen in [delivery]" in result.output
    assert "Traceback" not in result.output


def test_the_port_of_the_server_is_refused(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for section in ("SERVER", "DELIVERY"):
        monkeypatch.setenv(f"ECE_WIDGET_{section}__METRICS_LISTEN", "127.0.0.1:9100")
    result = CliRunner().invoke(main, ["deliver", "--config", str(config)])
    assert result.exit_code == 2
    assert "delivery.metrics_listen" in result.output


def test_a_database_that_must_not_be_used_is_one_sentence(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "letter.db").write_text("Dear Sir or Madam" * 100)
    monkeypatch.setenv("ECE_WIDGET_STORAGE__URL", f"sqlite:///{tmp_path}/letter.db")
    result = CliRunner().invoke(main, ["deliver", "--config", str(config)])
    assert result.exit_code == 1
    assert "is no SQLite database, or a damaged one. It was left as it is" in result.output
    assert "Traceback" not in result.output
