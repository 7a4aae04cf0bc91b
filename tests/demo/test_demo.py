"""The demo: settings that hold, ports that are taken, three servers that start and stop together."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.ports import free_port
from widget.demo.run import OPTIONS, run
from widget.demo.settings import demo_settings
from widget.domain.instead import Kind as Way
from widget.server.ports import PortTaken

WITHIN = 120.0


def free_ports() -> dict[str, int]:
    return {name: free_port() for name in OPTIONS}


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def test_the_settings_hold_and_have_every_kind_of_question(tmp_path: Path) -> None:
    settings = demo_settings(
        widget_url="http://127.0.0.1:8000",
        simulator_url="http://127.0.0.1:8100",
        site_url="http://127.0.0.1:8080",
        mail_port=25,
        folder=tmp_path,
        secret="a-secret-for-tests-that-is-long-enough",
        operator_token="operator-token-for-tests",
    )
    entry_points = settings.entry_points.values()
    assert {each.open_in for each in entry_points} == {"popup", "dock", "tab"}
    assert {way.kind for each in entry_points for way in each.instead} == set(Way)
    assert any(each.greeting for each in entry_points)
    assert any(each.tell_me for each in entry_points)
    kinds = {str(question.kind) for question in settings.surveys["after_chat"].questions}
    assert kinds == {"rating", "nps", "choice", "choices", "yes_no", "text"}


@pytest.mark.parametrize(("name", "option"), OPTIONS.items())
def test_a_taken_port_is_one_line_before_anything_starts(name: str, option: str) -> None:
    ports = free_ports()
    said: list[str] = []
    expected = f"Port {ports[name]} on 127.0.0.1 is taken; stop what listens there, or choose another with {option}."
    with (
        socket.create_server(("127.0.0.1", ports[name])),
        pytest.raises(PortTaken, match=f"^{re.escape(expected)}$"),
    ):
        run(ports, say=said.append)
    assert said == []
    for other in OPTIONS.keys() - {name}:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", ports[other])) != 0


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def demo(temporary: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, int], str]]:
    """Start the command, wait until it has said its addresses, and end it in any case."""
    ports = free_ports()
    command = [sys.executable, "-m", "widget", "demo"]
    for name, option in OPTIONS.items():
        command += [option, str(ports[name])]
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", env=environment
    )
    watchdog = threading.Timer(WITHIN, process.kill)
    watchdog.start()
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    try:
        yield process, ports, said
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        watchdog.cancel()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_three_servers_answer_and_one_signal_ends_them(
    demo: tuple[subprocess.Popen[str], dict[str, int], str], temporary: Path, number: signal.Signals
) -> None:
    process, ports, said = demo
    assert all(url(port) in said for port in ports.values())
    for _ in range(3):  # from the application, then from memory
        status = httpx.get(f"{url(ports['widget'])}/v1/status/sales").json()
        assert (status["state"], status["show"]) == ("available", True)
    assert f"{url(ports['widget'])}/widget.js" in httpx.get(f"{url(ports['site'])}/").text
    # A request that hangs must not hold the end up.
    httpx.post(f"{url(ports['simulator'])}/control/faults", json={"kind": "hang"}).raise_for_status()
    with socket.create_connection(("127.0.0.1", ports["simulator"])) as hanging:
        hanging.sendall(b"GET /egain/chat/entrypoint/capacity/1001 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert list(temporary.iterdir())
        process.send_signal(number)
        assert process.wait(WITHIN) == 0
    assert list(temporary.iterdir()) == []
    assert process.stdout is not None
    assert process.stdout.read() == ""
