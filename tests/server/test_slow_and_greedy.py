"""Senders and readers that take their time are closed at their deadlines, and everybody else is served meanwhile."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path

import pytest

from tests.server.conftest import SCRIPT, SHORT, ServerProcess, read_all, request, write_config
from tests.waiting import wait_until

SLACK = 20.0  # seconds: a busy machine; without the guard these connections stay open for ever


def _until_closed(connection: socket.socket, *, begun: float) -> tuple[float, bytes]:
    """Return the seconds from `begun`, a moment before the server's own, to the end; and the answer."""
    answer = read_all(connection)
    return time.monotonic() - begun, answer


def test_a_connection_that_says_nothing_is_closed(server: ServerProcess) -> None:
    begun = time.monotonic()
    with server.connect() as connection:
        seconds, answer = _until_closed(connection, begun=begun)
    assert answer == b""
    assert SHORT.head - 0.1 <= seconds <= SHORT.head + SLACK


def test_headers_that_come_slowly_get_a_408(server: ServerProcess) -> None:
    begun = time.monotonic()
    with server.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: chat.example.com\r\nX-Slow: ")
        seconds, answer = _until_closed(connection, begun=begun)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"slow_headers"' in answer
    assert seconds <= SHORT.head + SLACK


def test_headers_dripped_byte_by_byte_do_not_extend_the_deadline(server: ServerProcess) -> None:
    with server.connect() as connection:
        begun = time.monotonic()
        closed = False
        connection.settimeout(0.02)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        while not closed and time.monotonic() < begun + SLACK:
            with contextlib.suppress(TimeoutError):
                closed = connection.recv(4096) != b"" or True
            with contextlib.suppress(OSError):
                connection.send(b"a")
        assert closed
        assert time.monotonic() - begun <= SHORT.head + SLACK


def test_a_body_that_comes_slowly_gets_a_408(server: ServerProcess) -> None:
    head = b"POST /survey/t HTTP/1.1\r\nHost: chat.example.com\r\nContent-Length: 1000\r\n\r\nhalf"
    begun = time.monotonic()
    with server.connect() as connection:
        connection.sendall(head)
        seconds, answer = _until_closed(connection, begun=begun)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"<p>The body took too long.</p>" in answer
    assert SHORT.body - 0.1 <= seconds <= SHORT.body + SLACK


def test_an_idle_keep_alive_connection_is_closed(server: ServerProcess) -> None:
    with server.connect() as connection:
        begun = time.monotonic()
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK")
        seconds, rest = _until_closed(connection, begun=begun)
    assert rest in (b"", b"ok\n")
    assert SHORT.keep_alive - 0.1 <= seconds <= SHORT.keep_alive + SLACK


def test_a_second_request_whose_headers_stall_is_closed_too(server: ServerProcess) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
        connection.recv(4096)
        begun = time.monotonic()
        connection.sendall(b"GET /healthz HT")
        seconds, answer = _until_closed(connection, begun=begun)
    assert b"HTTP/1.1 408 " in answer
    assert seconds <= SHORT.head + SLACK


def test_a_reader_that_does_not_read_is_cut(server: ServerProcess) -> None:
    before = server.metric('ece_widget_connections_closed_total{reason="slow_reader"}')
    with server.connect(receive_buffer=4096) as connection:
        connection.sendall(request("/big"))
        wait_until(
            lambda: server.metric('ece_widget_connections_closed_total{reason="slow_reader"}') > before,
            "the slow reader is counted",
        )
        assert len(read_all(connection)) < 400 * 65536


def test_a_reader_that_asked_for_many_small_answers_and_reads_none_is_cut(server: ServerProcess) -> None:
    before = server.metric('ece_widget_connections_closed_total{reason="slow_reader"}')
    asked = b"GET /boom HTTP/1.1\r\nHost: chat.example.com\r\n\r\n" * 200
    with server.connect(receive_buffer=4096) as connection:
        connection.setblocking(False)
        connection.settimeout(0.05)

        def flooded() -> bool:
            with contextlib.suppress(OSError):
                connection.send(asked)
            return server.metric('ece_widget_connections_closed_total{reason="slow_reader"}') > before

        wait_until(flooded, "the reader is cut")


def test_two_hundred_of_each_are_closed_and_the_answers_go_on(server: ServerProcess) -> None:
    crowd: list[socket.socket] = []
    for opening in (
        b"",
        b"GET /healthz HTTP/1.1\r\n",
        b"POST /survey/t HTTP/1.1\r\nHost: chat.example.com\r\nContent-Length: 9\r\n\r\n",
    ):
        for _ in range(200):
            connection = server.connect()
            if opening:
                connection.sendall(opening)
            crowd.append(connection)
    assert server.say(request("/v1/status/sales")).endswith(b"sales")
    for connection in crowd:
        read_all(connection)
        connection.close()
    wait_until(lambda: server.metric("ece_widget_open_connections ") <= 2, "no connection is left")


FEW_FILES = (
    "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (96, 96)); "
    "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


def test_who_comes_when_there_is_no_room_is_told_so(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    server = ServerProcess(config, command=("-c", FEW_FILES, str(SCRIPT), str(config), "0", "1"))
    try:
        crowd = [server.connect() for _ in range(40)]
        answers = [read_all(connection) for connection in crowd]
        for connection in crowd:
            connection.close()
        told = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503 ")]
        assert 0 < len(told) < 40
        assert all(b'"code":"too_many_connections"' in answer for answer in told)
        assert not any("Traceback" in line or "Error" in line for line in server.lines)
    finally:
        assert server.stop() == 0


@pytest.mark.parametrize("size", [1_000_000, 20_000])
def test_a_header_that_is_too_large_gets_a_431(server: ServerProcess, size: int) -> None:
    answer = server.say(b"GET /healthz HTTP/1.1\r\nHost: chat.example.com\r\nX-Big: " + b"a" * size + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b'"code":"headers_too_large"' in answer


@pytest.mark.parametrize("count", [20_000, 101])
def test_too_many_headers_get_a_431(server: ServerProcess, count: int) -> None:
    answer = server.say(b"GET /healthz HTTP/1.1\r\nHost: chat.example.com\r\n" + b"a: b\r\n" * count + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("size", [1_000_000, 9_000])
def test_an_address_that_is_too_long_gets_a_414(server: ServerProcess, size: int) -> None:
    answer = server.say(b"GET /" + b"a" * size + b" HTTP/1.1\r\nHost: chat.example.com\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 414 ")


def test_a_body_that_is_too_large_is_refused_before_it_is_read(server: ServerProcess) -> None:
    answer = server.say(request("/survey/t", "Content-Length: 64000000", method="POST"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()


def test_a_chunked_body_that_grows_too_large_is_refused_on_the_way(server: ServerProcess) -> None:
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    answer = server.say(request("/survey/t", "Transfer-Encoding: chunked", method="POST"), *[chunk] * 60, b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_sender_that_goes_on_after_its_answer_is_cut(server: ServerProcess) -> None:
    begun = time.monotonic()
    with server.connect() as connection:
        connection.sendall(b"POST /healthz HTTP/1.1\r\nHost: chat.example.com\r\nContent-Length: 60000\r\n\r\n")
        connection.sendall(b"x" * 1000)
        seconds, answer = _until_closed(connection, begun=begun)
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert seconds <= SHORT.body + SLACK
