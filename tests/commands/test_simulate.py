"""`ece-widget simulate`: starts, answers, stops; a taken port is one line."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest
from click.testing import CliRunner

from widget.cli import main
from widget.simulator.server import listen

WITHIN = 20.0


def test_a_taken_port_is_one_line_and_exit_code_1() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        result = CliRunner().invoke(main, ["simulate", "--port", str(port)])
    assert result.exit_code == 1
    assert (
        result.output == f"Port {port} on 127.0.0.1 is taken; stop what listens there, or choose another with --port.\n"
    )


@pytest.mark.parametrize("port", ["0", "65536", "x"])
def test_a_port_that_is_none_is_wrong_usage(port: str) -> None:
    assert CliRunner().invoke(main, ["simulate", "--port", port]).exit_code == 2
    assert CliRunner().invoke(main, ["demo", "--port", port]).exit_code == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_until_it_is_told_to_stop(number: signal.Signals) -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "widget", "simulate", "--port", str(port), "--seed", "5"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8")
    watchdog = threading.Timer(WITHIN, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        assert f"http://127.0.0.1:{port}/" in process.stdout.readline()
        url = f"http://127.0.0.1:{port}/system/egain/chat/entrypoint/chatAllowed/1001"
        assert 'allowed="true"' in httpx.get(url).text
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(WITHIN) == 0
        assert time.monotonic() - began < WITHIN / 2
        assert process.stdout.read() == ""
    finally:
        process.kill()
        process.wait()
        watchdog.cancel()
        if process.stdout is not None:
            process.stdout.close()
