"""Start, reload and stop of a real server process, alone and with workers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.server.conftest import LONG, ServerProcess, read_all, request, write_config
from tests.waiting import wait_until
from widget.server.guard import Deadlines

UNHURRIED = replace(LONG, stopping=60, first=60)  # also once it stops


@contextmanager
def running(
    config: Path, *, workers: int = 1, drain: float = 0.0, reload: bool = False, deadlines: Deadlines = LONG
) -> Iterator[ServerProcess]:
    process = ServerProcess(config, workers=workers, drain=drain, reload=reload, deadlines=deadlines)
    try:
        if workers > 1:
            wait_until(lambda: "".join(process.lines).count('"worker_ready"') == workers, "all workers are ready")
        yield process
    finally:
        process.stop()


def _said(server: ServerProcess) -> bytes:
    return server.say(request("/v1/status/x")).rpartition(b"\r\n\r\n")[2]


def _hang_up(server: ServerProcess) -> int:
    seen = len(server.lines)
    server.process.send_signal(signal.SIGHUP)
    return seen


def _children(server: ServerProcess) -> list[int]:
    """The workers, found in /proc; multiprocessing's resource tracker is a child too."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
            command = (folder / "cmdline").read_text()
        except OSError:
            continue
        if stat.rpartition(")")[2].split()[1] == str(server.process.pid) and "spawn_main" in command:
            found.append(int(folder.name))
    return found


def test_a_taken_port_is_one_clear_line_and_exit_code_1(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = ServerProcess(write_config(tmp_path), port=port, await_answers=False)
        assert process.ended() == 1
    assert process.lines == [
        f"Port {port} on 127.0.0.1 is taken; stop what listens there, or choose another with --port.\n"
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_with_exit_code_0(tmp_path: Path, number: signal.Signals) -> None:
    with running(write_config(tmp_path)) as server:
        server.process.send_signal(number)
        assert server.ended() == 0


def test_an_answer_that_is_on_its_way_goes_out_before_the_stop(tmp_path: Path) -> None:
    with running(write_config(tmp_path)) as server, server.connect() as connection:
        (tmp_path / "hold-answers").touch()
        connection.sendall(request("/held"))
        wait_until((tmp_path / "held-by-sales").exists, "it is in")
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(server), "the port closes")
        (tmp_path / "hold-answers").unlink()
        assert read_all(connection).endswith(b"held by sales")
        assert server.ended() == 0


def test_sighup_brings_new_settings_without_a_failed_request(tmp_path: Path) -> None:
    with running(write_config(tmp_path, name="sales")) as server, server.connect() as kept:

        def says() -> bytes:
            kept.sendall(b"GET /v1/status/x HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
            answer = kept.recv(4096)
            while not answer.endswith((b"sales", b"service")):
                more = kept.recv(4096)
                assert more, "connections that are open change over too"
                answer += more
            return answer.rpartition(b"\r\n\r\n")[2]

        assert says() == b"sales"
        write_config(tmp_path, name="service")
        seen = _hang_up(server)
        wait_until(lambda: says() == b"service", "the new settings")
        server.event("settings_applied", after=seen)
        assert server.metric('ece_widget_settings_reloads_total{outcome="applied"}') == 1


def test_what_is_answered_at_once_is_of_the_new_settings_too(tmp_path: Path) -> None:
    with running(write_config(tmp_path, name="sales")) as server:
        write_config(tmp_path, name="service")
        server.event("settings_applied", after=_hang_up(server))
        answer = server.say(request("/ready-label"))
        assert b"x-by: fast exit" in answer
        assert answer.endswith(b"\r\n\r\nservice")


def test_sighup_with_settings_that_cannot_be_used_keeps_the_old_ones(tmp_path: Path) -> None:
    with running(write_config(tmp_path, name="sales")) as server:
        write_config(tmp_path, name="service", extra='surprise = "yes"')
        event = server.event("settings_refused", after=_hang_up(server))
        assert "server.surprise" in event["faults"][0]
        assert _said(server) == b"sales"
        assert server.process.poll() is None


def test_a_sighup_during_a_reload_is_followed_by_another_reload(tmp_path: Path) -> None:
    with running(write_config(tmp_path, name="sales")) as server:
        (tmp_path / "hold-build").touch()
        write_config(tmp_path, name="service")
        _hang_up(server)
        wait_until((tmp_path / "building").exists, "it builds with the new settings")
        write_config(tmp_path, name="support")
        _hang_up(server)
        (tmp_path / "hold-build").unlink()
        wait_until(lambda: _said(server) == b"support", "the newest settings")


def test_new_settings_wait_for_no_old_answer_and_each_application_stops_after_its_answers(tmp_path: Path) -> None:
    with running(write_config(tmp_path, name="sales")) as server, server.connect() as first, server.connect() as second:
        (tmp_path / "hold-answers").touch()
        for name, connection, successor in (("sales", first, "service"), ("service", second, "support")):
            connection.sendall(request("/held"))
            wait_until((tmp_path / f"held-by-{name}").exists, "it is in")
            write_config(tmp_path, name=successor)
            server.event("settings_applied", after=_hang_up(server))
            assert _said(server) == successor.encode(), name
        assert "stub_stopped" not in "".join(server.lines)
        (tmp_path / "hold-answers").unlink()
        assert read_all(first).endswith(b"held by sales")
        assert read_all(second).endswith(b"held by service")
        server.event("stub_stopped", label="sales")
        server.event("stub_stopped", label="service")
        assert server.stop() == 0
        assert "".join(server.lines).count("stub_stopped") == 3


def test_a_stop_waits_for_an_application_that_still_leaves(tmp_path: Path) -> None:
    with running(write_config(tmp_path, name="sales")) as server, server.connect() as connection:
        (tmp_path / "hold-answers").touch()
        connection.sendall(request("/held"))
        wait_until((tmp_path / "held-by-sales").exists, "it is in")
        write_config(tmp_path, name="service")
        server.event("settings_applied", after=_hang_up(server))
        server.process.send_signal(signal.SIGTERM)
        (tmp_path / "hold-answers").unlink()
        assert read_all(connection).endswith(b"held by sales")
        assert server.ended() == 0
        assert "".join(server.lines).count("stub_stopped") == 2


def test_counters_go_on_over_reloads(tmp_path: Path) -> None:
    with running(write_config(tmp_path, name="sales")) as server:
        answered = 'ece_widget_requests_total{method="GET",route="/v1/status/{entry_point}",status="200"}'
        closed = 'ece_widget_connections_closed_total{reason="malformed_request"}'
        server.say(b"nonsense\r\n\r\n")
        for count in (1, 2, 3):
            assert _said(server) == b"sales"
            server.event("settings_applied", after=_hang_up(server))
            assert server.metric('ece_widget_settings_reloads_total{outcome="applied"}') == count
            assert server.metric(answered) == count
            assert server.metric(closed) == 1
        write_config(tmp_path, name="sales", extra='surprise = "yes"')
        for count in (1, 2):
            server.event("settings_refused", after=_hang_up(server))
            assert server.metric('ece_widget_settings_reloads_total{outcome="refused"}') == count
        assert server.metric('ece_widget_settings_reloads_total{outcome="applied"}') == 3


def test_metrics_have_a_listener_of_their_own(tmp_path: Path) -> None:
    port = free_port()
    with running(write_config(tmp_path, extra=f'metrics_listen = "127.0.0.1:{port}"')) as server:
        server.port, main = port, server.port
        assert b"ece_widget_info" in server.say(request("/metrics", host="anything"))
        assert server.say(request("/v1/status/x")).startswith(b"HTTP/1.1 404 ")
        server.port = main
        assert server.say(request("/metrics")).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/status/x", 404, "not_found"),
        ("GET", "/survey/x", 404, "not_found"),
        ("POST", "/metrics", 405, "method_not_allowed"),
    ],
)
def test_the_listener_for_metrics_refuses_in_the_shape_and_with_the_headers_of_all_faults(
    tmp_path: Path, method: str, path: str, status: int, code: str
) -> None:
    port = free_port()
    with running(write_config(tmp_path, extra=f'metrics_listen = "127.0.0.1:{port}"')) as server:
        server.port = port
        head, _, body = server.say(request(path, "Accept: text/html", method=method)).partition(b"\r\n\r\n")
        fault = json.loads(body)
    assert (fault["status"], fault["code"]) == (status, code)
    assert len(fault["requestId"]) == 20
    lines = head.lower().split(b"\r\n")
    assert lines[0].startswith(b"http/1.1 %d " % status)
    for header in (
        b"content-type: application/problem+json",
        b"x-content-type-options: nosniff",
        b"referrer-policy: no-referrer",
        b"cache-control: no-store",
        b"content-security-policy: default-src 'none'; frame-ancestors 'none'",
        b"cross-origin-resource-policy: same-origin" if path == "/metrics" else b"cache-control: no-store",
    ):
        assert header in lines
    assert (b"allow: get, head, options" in lines) == (status == 405)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_process_with_the_same_port_for_metrics_is_refused_in_one_line(tmp_path: Path, workers: int) -> None:
    port = free_port()
    config = write_config(tmp_path, extra=f'metrics_listen = "127.0.0.1:{port}"')
    with running(config):
        second = ServerProcess(config, workers=workers, await_answers=False)
        assert second.ended() == 1
        (sentence,) = second.lines
        assert sentence.startswith(f"Port {port} on 127.0.0.1 is taken")
        assert "metrics_listen in [server]" in sentence


def test_each_worker_and_its_successor_have_the_metrics_port_of_their_number(tmp_path: Path) -> None:
    port = free_port()
    config = write_config(tmp_path, extra=f'metrics_listen = "127.0.0.1:{port}"')
    with running(config, workers=2) as server:
        server.event("settings_applied", after=_hang_up(server))
        for number in (port, port + 1):
            server.port = number
            assert b"ece_widget_info" in server.say(request("/metrics"))


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    with running(write_config(tmp_path), workers=2) as server:
        children = _children(server)
        assert len(children) == 2
        seen = len(server.lines)
        os.kill(children[0], signal.SIGKILL)
        server.event("worker_died", after=seen)
        assert _said(server) == b"sales"


def test_sighup_replaces_the_workers_one_after_the_other(tmp_path: Path) -> None:
    with running(write_config(tmp_path, name="sales"), workers=2) as server:
        assert "each worker asks ECE for itself" in server.event("workers_ask_each")["note"]
        write_config(tmp_path, name="service")
        server.event("settings_applied", after=_hang_up(server))
        assert {_said(server) for _ in range(10)} == {b"service"}
        assert server.stop() == 0


def test_bad_settings_leave_the_workers_alone_and_reach_no_successor(tmp_path: Path) -> None:
    with running(write_config(tmp_path, name="sales"), workers=2) as server:
        write_config(tmp_path, name="service", extra='surprise = "yes"')
        server.event("settings_refused", after=_hang_up(server))
        seen = len(server.lines)
        os.kill(_children(server)[0], signal.SIGKILL)
        server.event("worker_died", after=seen)
        assert {_said(server) for _ in range(10)} == {b"sales"}


def test_reload_follows_the_files_by_itself(tmp_path: Path) -> None:
    with running(write_config(tmp_path, name="sales"), reload=True) as server:
        assert _said(server) == b"sales"
        seen = len(server.lines)
        write_config(tmp_path, name="service")
        server.event("settings_applied", after=seen)
        assert _said(server) == b"service"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_drain_says_503_at_readyz_and_serves_until_a_second_signal_ends_it(tmp_path: Path, workers: int) -> None:
    with running(write_config(tmp_path), workers=workers, drain=60.0) as server, server.connect() as kept:
        assert server.say(request("/readyz")).startswith(b"HTTP/1.1 200 ")
        server.process.send_signal(signal.SIGTERM)
        assert server.event("draining")["seconds"] == 60.0
        wait_until(lambda: b'"status":"draining"' in server.say(request("/readyz")), "it says so")
        assert server.say(request("/readyz")).startswith(b"HTTP/1.1 503 ")
        assert _said(server) == b"sales"
        kept.sendall(b"GET /ready HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
        assert b"\r\nconnection: close\r\n" in read_all(kept), "so that its client turns to another process"
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_drain_ends_by_itself_and_is_one_drain_also_when_all_processes_get_the_signal(
    tmp_path: Path, workers: int
) -> None:
    with running(write_config(tmp_path), workers=workers, drain=1.0) as server:
        begun = time.monotonic()
        os.killpg(server.process.pid, signal.SIGTERM)  # as a service manager does
        server.event("draining")
        assert server.ended() == 0
        assert time.monotonic() - begun >= 1.0


ASKED = b"GET /v1/status/x HTTP/1.1\r\nHost: chat.example.com\r\n\r\n"


@pytest.mark.parametrize("before", [len(ASKED), 20, 0], ids=["asked", "begun", "silent"])
@pytest.mark.parametrize(
    ("known", "drain"),
    [(True, 0.0), (False, 0.0), (False, 0.3)],
    ids=["accepted", "waiting to be accepted", "after a drain"],
)
def test_who_had_connected_before_the_port_closed_is_answered(
    tmp_path: Path, before: int, known: bool, drain: float
) -> None:
    with running(write_config(tmp_path), drain=drain, deadlines=UNHURRIED) as server:
        (tmp_path / "hold-loop").touch()
        with server.connect() as busy:
            early = server.connect() if known else None
            if early is not None:
                wait_until(lambda: server.metric("ece_widget_open_connections ") >= 2, "it is in")
            busy.sendall(request("/busy"))
            wait_until((tmp_path / "loop-held").exists, "its loop is busy")
            with early or server.connect() as visitor:
                visitor.sendall(ASKED[:before])
                server.process.send_signal(signal.SIGTERM)
                (tmp_path / "hold-loop").unlink()
                wait_until(lambda: refuses(server), "the port closes")
                visitor.sendall(ASKED[before:])
                answer = read_all(visitor)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in answer
        assert server.ended() == 0


def refuses(server: ServerProcess) -> bool:
    try:
        with contextlib.suppress(ConnectionResetError):  # made just before the port closed, and accepted by nobody
            server.connect().close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("said", [b"", b"GET /v1/sta"], ids=["silent", "begun"])
def test_who_connected_and_asks_nothing_holds_up_a_stop_for_a_moment_alone(tmp_path: Path, said: bytes) -> None:
    with running(write_config(tmp_path)) as server, server.connect() as mute:
        mute.sendall(said)
        wait_until(lambda: server.metric("ece_widget_open_connections ") >= 2, "it is in")
        assert server.stop() == 0
        assert read_all(mute).startswith(b"HTTP/1.1 408 " if said else b"")


@pytest.mark.parametrize("before", [len(ASKED), 20], ids=["asked", "begun"])
def test_what_was_sent_over_a_kept_connection_before_the_stop_is_answered(tmp_path: Path, before: int) -> None:
    with (
        running(write_config(tmp_path), deadlines=UNHURRIED) as server,
        server.connect() as kept,
        server.connect() as busy,
    ):
        kept.sendall(ASKED)
        while not (first := kept.recv(4096)).endswith(b"sales"):
            assert first
        (tmp_path / "hold-loop").touch()
        busy.sendall(request("/busy"))
        wait_until((tmp_path / "loop-held").exists, "its loop is busy")
        kept.sendall(ASKED[:before])
        server.process.send_signal(signal.SIGTERM)
        (tmp_path / "hold-loop").unlink()
        kept.sendall(ASKED[before:])
        answer = read_all(kept)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in answer


def test_a_connection_that_had_its_answer_is_closed_at_a_stop(tmp_path: Path) -> None:
    with running(write_config(tmp_path)) as server, server.connect() as kept, server.connect() as other:
        (tmp_path / "hold-answers").touch()
        kept.sendall(ASKED)
        other.sendall(request("/held"))
        wait_until((tmp_path / "held-by-sales").exists, "another is being answered")
        server.process.send_signal(signal.SIGTERM)
        assert read_all(kept).endswith(b"sales"), "to its end"
        (tmp_path / "hold-answers").unlink()
        assert read_all(other).endswith(b"held by sales")


def test_a_reload_of_workers_drains_none(tmp_path: Path) -> None:
    with running(write_config(tmp_path), workers=2, drain=60.0) as server:
        server.event("settings_applied", after=_hang_up(server))
        assert "draining" not in "".join(server.lines)
        assert server.say(request("/readyz")).startswith(b"HTTP/1.1 200 ")
        server.process.send_signal(signal.SIGTERM)
        server.event("draining")
        server.process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_log_tells_start_and_end_and_every_line_is_json(tmp_path: Path, workers: int) -> None:
    with running(write_config(tmp_path, extra='allowed_origins = ["*"]'), workers=workers) as server:
        assert server.stop() == 0
        events = [json.loads(line)["event"] for line in server.lines]
        assert (events[0], events[-1]) == ("listening", "stopped")
        assert "settings_warning" in events
        assert "started" in events


@pytest.mark.parametrize("workers", [1, 2])
def test_a_reload_names_what_changed_and_no_value(tmp_path: Path, workers: int) -> None:
    secret = "canary-secret-that-is-long-enough-to-sign"
    with running(write_config(tmp_path), workers=workers) as server:
        config = write_config(tmp_path, name="service")
        text = config.read_text().replace("a-secret-for-tests-that-is-long-enough", secret)
        config.write_text(text.replace('log_level = "info"', 'log_level = "debug"'))
        event = server.event("settings_applied", after=_hang_up(server))
        assert event["changed"] == [
            *("entry_points.sales", "entry_points.service", "security.secret_keys", "server.log_level"),
        ]
        server.event("settings_applied", after=_hang_up(server))
        assert secret not in "".join(server.lines)


def test_a_peer_that_holds_up_a_stop_is_cut_and_raises_no_alarm(tmp_path: Path) -> None:
    with running(write_config(tmp_path)) as server:
        stalled, mute = server.connect(), server.connect(receive_buffer=4096)
        stalled.sendall(b"POST /survey/t HTTP/1.1\r\nHost: chat.example.com\r\nContent-Length: 9\r\n\r\nabcd")
        mute.sendall(request("/big"))
        wait_until(lambda: server.metric("ece_widget_open_connections ") >= 3, "both are in")
        seen = len(server.lines)
        assert server.stop() == 0
        stalled.close()
        mute.close()
        assert not [line for line in server.lines[seen:] if json.loads(line)["level"] in ("warning", "error")]


@pytest.mark.parametrize("level", ["info", "debug"])
def test_probes_and_scrapes_are_logged_at_debug_and_refused_ones_at_info(tmp_path: Path, level: str) -> None:
    config = write_config(tmp_path)
    config.write_text(config.read_text().replace('log_level = "info"', f'log_level = "{level}"'))
    with running(config) as server:
        for path in ("/healthz", "/readyz"):
            server.say(request(path))
        server.metric("ece_widget_open_connections ")
        server.say(request("/metrics"))
        server.event("request", route="/metrics", code="unauthorized")
        logged = [json.loads(line) for line in server.lines]
    routes = {event["route"] for event in logged if event["event"] == "request" and event["status"] == 200}
    assert routes == (set() if level == "info" else {"/healthz", "/readyz", "/metrics"})


@pytest.mark.parametrize("workers", [1, 2])
def test_a_connection_is_refused_until_there_is_something_that_answers(tmp_path: Path, workers: int) -> None:
    config = write_config(tmp_path)
    (tmp_path / "hold-build").touch()
    server = ServerProcess(config, workers=workers, await_answers=False)
    try:
        server.port = int(server.event("listening")["port"])
        wait_until((tmp_path / "building").exists, "it builds")
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        (tmp_path / "hold-build").unlink()
        server.answer()
    finally:
        server.stop()


def test_of_two_that_start_on_one_port_one_serves_and_the_other_says_why_not(tmp_path: Path) -> None:
    port = free_port()
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        (folder / "hold-build").touch()
    first, second = (ServerProcess(write_config(each), port=port, await_answers=False) for each in folders)
    try:
        for folder in folders:
            wait_until((folder / "building").exists, "it builds")
        (folders[0] / "hold-build").unlink()
        first.answer()
        (folders[1] / "hold-build").unlink()
        assert second.ended() == 1
        told = [line for line in second.lines if not line.startswith("{")]
        assert told == [f"Cannot listen on 127.0.0.1, port {port}: Address already in use.\n"]
        assert first.answers()
    finally:
        first.stop()


def test_a_search_for_garbage_passes_over_what_was_built_also_after_a_reload(tmp_path: Path) -> None:
    def is_short() -> bool:
        enabled, watched, aside = server.say(request("/collected")).rpartition(b"\r\n\r\n")[2].split()
        return enabled == b"True" and 10 * int(watched) < int(aside)

    with running(write_config(tmp_path)) as server:
        assert is_short()
        server.event("stub_stopped", after=_hang_up(server))
        wait_until(is_short, "it is again, when the old application has left")
