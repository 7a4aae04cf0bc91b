"""`serve` and `deliver` as an operator starts them: signals from the first moment on, and vain starts."""

from __future__ import annotations

import os
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.server.conftest import ServerProcess, write_config
from tests.waiting import wait_until

COMMANDS = [["serve"], ["serve", "--workers", "2"], ["deliver"]]


@contextmanager
def started(folder: Path, *command: str, **environment: str) -> Iterator[ServerProcess]:
    """A process of the product itself, from its first moment on."""
    config = write_config(folder)
    with config.open("a") as file:
        file.write(f'[storage]\nurl = "sqlite:///{folder}/outbox.db"\n')
    port = ["--port", str(free_port())] if command[0] == "serve" else []
    process = ServerProcess(
        config,
        command=["-m", "widget", *command, *port, "--config", str(config)],
        environment=environment,
        await_answers=False,
    )
    try:
        yield process
    finally:
        process.stop()


def _noted(process: ServerProcess, field: str, number: signal.Signals) -> None:
    """Wait until the kernel says that the process caught (SigCgt) or keeps (SigBlk) a signal."""

    def holds() -> bool:
        status = Path(f"/proc/{process.process.pid}/status").read_text()
        (mask,) = [line.split()[1] for line in status.splitlines() if line.startswith(f"{field}:")]
        return bool(int(mask, 16) >> (number - 1) & 1)

    wait_until(holds, f"{number.name} is in {field}")


def _words(process: ServerProcess) -> list[str]:
    """What it said to the operator, besides the log."""
    return [line.strip() for line in process.lines if not line.startswith("{")]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_sighup_from_the_first_moment_on_is_a_reload_after_the_start(tmp_path: Path, command: list[str]) -> None:
    with started(tmp_path, *command) as process:
        _noted(process, "SigBlk", signal.SIGHUP)
        process.process.send_signal(signal.SIGHUP)
        process.event("settings_applied")
        assert process.stop() == 0


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_stops_it_while_it_starts_is_exit_code_0(
    tmp_path: Path, command: list[str], number: signal.Signals
) -> None:
    with started(tmp_path, *command) as process:
        _noted(process, "SigCgt", signal.SIGTERM)
        process.process.send_signal(number)
        assert process.ended() == 0
        assert "".join(process.lines) == ""


@pytest.mark.parametrize("command", COMMANDS[:2], ids=" ".join)
def test_ctrl_c_before_the_server_runs_is_exit_code_0_and_no_traceback(tmp_path: Path, command: list[str]) -> None:
    with started(tmp_path, *command) as process:
        process.event("listening")
        os.killpg(process.process.pid, signal.SIGINT)  # a terminal tells the whole group, workers too
        assert process.ended() == 0
        assert "Aborted" not in "".join(process.lines)
        assert "Traceback" not in "".join(process.lines)


NO_FOLDER = ("sqlite:////nosuch/dir/x.db", "The folder of [storage] url does not exist: /nosuch/dir")
NO_DATABASE = ("sqlite:///{folder}/letter.db", "The file {folder}/letter.db is no SQLite database, or a damaged one.")


@pytest.mark.parametrize(
    ("command", "url", "sentence"),
    [(command, *NO_DATABASE) for command in COMMANDS] + [(["serve"], *NO_FOLDER)],
)
def test_a_database_that_must_not_be_used_is_one_sentence(
    tmp_path: Path, command: list[str], url: str, sentence: str
) -> None:
    (tmp_path / "letter.db").write_text("Dear Sir or Madam" * 100)
    with started(tmp_path, *command, ECE_WIDGET_STORAGE__URL=url.format(folder=tmp_path)) as process:
        assert process.ended() == 1
        assert len([line for line in _words(process) if sentence.format(folder=tmp_path) in line]) == 1
        everything = "".join(process.lines)
        for unwanted in ("Traceback", "the database is damaged", "library"):
            assert unwanted not in everything


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_reload_with_such_a_database_says_so_in_the_log_and_changes_nothing(
    tmp_path: Path, command: list[str]
) -> None:
    with started(tmp_path, *command) as process:
        process.event("storage_ready")
        text = process.config.read_text()
        process.config.write_text(text.replace(f"sqlite:///{tmp_path}/outbox.db", "sqlite:////nosuch/x.db"))
        process.process.send_signal(signal.SIGHUP)
        event = process.event("settings_refused")
        assert event["faults"] == ["The folder of [storage] url does not exist: /nosuch"]
        process.config.write_text(text)
        process.process.send_signal(signal.SIGHUP)
        process.event("settings_applied")
        assert "Traceback" not in "".join(process.lines)
        assert process.stop() == 0


def test_what_the_product_counts_goes_on_over_a_reload(tmp_path: Path) -> None:
    port = free_port()
    with started(tmp_path, "serve", ECE_WIDGET_SERVER__METRICS_LISTEN=f"127.0.0.1:{port}") as process:
        process.answer()

        def ask() -> None:
            with urllib.request.urlopen(f"http://127.0.0.1:{process.port}/v1/status/sales") as answer:
                answer.read()

        def decisions() -> float:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                lines = answer.read().decode().splitlines()
            return sum(float(line.split()[-1]) for line in lines if line.startswith("ece_widget_decisions_total{"))

        for count in (1, 2):
            ask()
            assert decisions() == count
            seen = len(process.lines)
            process.process.send_signal(signal.SIGHUP)
            process.event("settings_applied", after=seen)
            assert decisions() == count


def test_deliver_with_settings_that_cannot_be_used_goes_on_with_the_old_ones(tmp_path: Path) -> None:
    with started(tmp_path, "deliver") as process:
        process.event("storage_ready")
        write_config(tmp_path, extra='surprise = "yes"')
        process.process.send_signal(signal.SIGHUP)
        assert "server.surprise" in process.event("settings_refused")["faults"][0]
        assert process.stop() == 0
        assert "Stopped: 0 delivered" in _words(process)[-1]
