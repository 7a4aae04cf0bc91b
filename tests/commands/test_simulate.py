"""`ece-widget simulate`: starts, answers, stops; a taken port is one line."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest
from click.testing import CliRunner

from tests.lesser_rights import without
from tests.ports import free_port
from widget.cli import main

WITHIN = 60.0


@pytest.mark.parametrize(
    ("command", "option"),
    [("simulate", "--port"), *[("demo", option) for option in ("--port", "--simulator-port", "--site-port")]],
)
def test_a_taken_port_is_one_line_and_exit_code_1(command: str, option: str) -> None:
    ports = (
        {} if command == "simulate" else {each: free_port() for each in ("--port", "--simulator-port", "--site-port")}
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        given = [str(part) for pair in (ports | {option: port}).items() for part in pair]
        result = CliRunner().invoke(main, [command, *given])
    assert result.exit_code == 1
    assert (
        result.output
        == f"Port {port} on 127.0.0.1 is taken; stop what listens there, or choose another with {option}.\n"
    )


@pytest.mark.parametrize("host", ["host.invalid", "8.8.8.8", "a..b", "x" * 80, "::g"])
def test_a_host_that_is_not_this_machine_is_one_line_and_exit_code_1(host: str) -> None:
    result = CliRunner().invoke(main, ["simulate", "--host", host])
    assert result.exit_code == 1
    assert (
        result.output
        == f"Cannot listen on {host}, port 8100: no address of this machine. Choose another with --host.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "option"), [(["simulate", "--port", "80"], "--port"), (["demo", "--site-port", "80"], "--site-port")]
)
def test_a_port_that_needs_more_rights_is_one_line_and_exit_code_1(arguments: list[str], option: str) -> None:
    barred = ["sh", "-c", 'test "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 80']
    if subprocess.run(barred, check=False).returncode != 0:
        pytest.skip("this system lets everybody listen on port 80")
    if arguments[0] == "demo":
        arguments = [*arguments, "--port", str(free_port()), "--simulator-port", str(free_port())]
    command = [*without("net_bind_service"), sys.executable, "-m", "widget", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN, check=False)
    said = f"Cannot listen on 127.0.0.1, port 80: it needs more rights. Choose one above 1023 with {option}.\n"
    assert (done.returncode, done.stderr) == (1, said)


@pytest.mark.parametrize("port", ["0", "65536", "x"])
def test_a_port_that_is_none_is_wrong_usage(port: str) -> None:
    assert CliRunner().invoke(main, ["simulate", "--port", port]).exit_code == 2
    assert CliRunner().invoke(main, ["demo", "--port", port]).exit_code == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_until_it_is_told_to_stop(number: signal.Signals) -> None:
    port = free_port()
    command = [sys.executable, "-m", "widget", "simulate", "--port", str(port), "--seed", "5"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8")
    watchdog = threading.Timer(WITHIN, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        assert f"http://127.0.0.1:{port}/" in process.stdout.readline()
        url = f"http://127.0.0.1:{port}/system/egain/chat/entrypoint/chatAllowed/1001"
        assert 'allowed="true"' in httpx.get(url, timeout=WITHIN).text
        process.send_signal(number)
        assert process.wait(WITHIN) == 0
        assert process.stdout.read() == ""
    finally:
        process.kill()
        process.wait()
        watchdog.cancel()
        if process.stdout is not None:
            process.stdout.close()
