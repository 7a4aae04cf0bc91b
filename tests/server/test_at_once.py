"""Answers that the server writes while it reads the head, without a task: as HTTP they are like all others."""

from __future__ import annotations

import contextlib

from tests.server.conftest import ServerProcess, read_all, request
from tests.waiting import wait_until

HOST = b"Host: chat.example.com\r\n"
READY = b"GET /ready HTTP/1.1\r\n" + HOST + b"\r\n"


def test_it_has_a_date_and_closes_when_it_is_asked_to(server: ServerProcess) -> None:
    head, _, body = server.say(request("/ready")).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert body == b"ready"
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert sum(line.startswith(b"date: ") for line in lines) == 1
    assert b"connection: close" in lines
    assert b"x-by: fast exit" in lines


def test_http_1_0_is_answered_and_closed(server: ServerProcess) -> None:
    assert server.say(b"GET /ready HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nready")


def test_it_keeps_its_place_between_answers_that_take_longer(server: ServerProcess) -> None:
    slow = b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n"
    answer = server.say(READY + slow + READY + slow + READY * 300 + request("/healthz"))
    bodies = [part.partition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b"ready", b"slept", b"ready", b"slept", *[b"ready"] * 300, b"ok\n"]


def test_a_body_behind_it_is_thrown_away_and_the_connection_goes_on(server: ServerProcess) -> None:
    asked = b"GET /ready HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\n"
    answer = server.say(asked + b"abcde", READY, asked, b"ab", b"cde", request("/healthz"))
    assert answer.count(b"HTTP/1.1 200 OK") == 4
    assert answer.endswith(b"ok\n")


def test_an_upgrade_is_answered_and_the_connection_closed(server: ServerProcess) -> None:
    upgrade = b"GET /ready HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
    answer = server.say(upgrade, READY)
    assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert b"\r\nconnection: close\r\n" in answer


def test_a_fault_of_ours_is_no_malformed_request_and_is_told_without_its_words(server: ServerProcess) -> None:
    seen = len(server.lines)
    answer = server.say(request("/ready-broken"))
    assert answer.startswith(b"HTTP/1.1 500 ")
    wait_until(lambda: any("RuntimeError" in line for line in server.lines[seen:]), "the log tells of it")
    assert not any("canary" in line for line in server.lines[seen:])


def test_a_malformed_request_behind_it_is_refused_and_does_not_take_its_answer(server: ServerProcess) -> None:
    answer = server.say(READY + b"GET /ready\x00 HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.count(b"HTTP/1.1 400") == 1


def test_a_client_that_shuts_its_side_after_asking_is_answered(server: ServerProcess) -> None:
    import socket

    with server.connect() as connection:
        connection.sendall(READY)
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection).endswith(b"ready")


def test_an_idle_connection_behind_it_is_closed(server: ServerProcess) -> None:
    with server.connect() as connection:
        connection.sendall(READY)
        assert read_all(connection).endswith(b"ready")


def test_a_reader_that_asks_for_many_and_reads_none_is_cut_and_costs_little_memory(server: ServerProcess) -> None:
    before = server.metric('ece_widget_connections_closed_total{reason="slow_reader"}')
    asked = b"GET /ready-big HTTP/1.1\r\n" + HOST + b"\r\n"
    with server.connect(receive_buffer=4096) as connection:
        connection.settimeout(0.05)
        with contextlib.suppress(OSError):
            connection.sendall(asked * 2000)  # 131 MB of answers
        wait_until(
            lambda: server.metric('ece_widget_connections_closed_total{reason="slow_reader"}') > before, "it is cut"
        )
        assert len(read_all(connection)) < 32 * 1024 * 1024
