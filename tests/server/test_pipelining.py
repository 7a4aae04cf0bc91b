"""One connection cannot have more than some tens of requests waiting, nor hold the event loop for more at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from widget.server.current_application import CurrentApplication, FastExit
from widget.server.guard import Guard
from widget.server.protocol import GuardedProtocol
from widget.server.reading import LARGEST_PORTION, MOST_AT_ONCE

REQUEST = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
MANY = 8000  # in one read of the socket


class Wire(asyncio.Transport):
    """A transport that keeps what is written and says whether it is read."""

    def __init__(self) -> None:
        super().__init__({"peername": ("203.0.113.1", 1), "sockname": ("127.0.0.1", 8000)})
        self.written = bytearray()
        self.reading = True
        self.closing = False

    def write(self, data: Any) -> None:
        self.written += data

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close

    def answers(self) -> int:
        return self.written.count(b"HTTP/1.1 200 OK")


class AtOnce:
    """A fast exit that counts."""

    def __init__(self) -> None:
        self.asked = 0

    def at_once(self, scope: Scope) -> tuple[bytes, ...]:
        self.asked += 1
        return b"HTTP/1.1 200 OK\r\n", b"content-length: 0\r\n\r\n"


def connection(app: ASGIApp, fast_exit: FastExit | None = None) -> tuple[GuardedProtocol, Wire]:
    config = Config(app, ws="none", log_config=None, access_log=False)
    guard = Guard(new_id=lambda: "an-id")
    made = GuardedProtocol(
        config=config, server_state=ServerState(), app_state={}, guard=guard, current=CurrentApplication(app, fast_exit)
    )
    wire = Wire()
    made.connection_made(wire)
    return made, wire


@pytest.mark.anyio
async def test_no_more_than_some_tens_wait_and_nothing_is_read_until_they_are_answered() -> None:
    may_answer = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # which resumes reading under uvicorn
        await may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    made, wire = connection(app)
    made.data_received(REQUEST * MANY)
    for _ in range(100):
        await asyncio.sleep(0)
        assert len(made.pipeline) <= MOST_AT_ONCE
        assert not wire.reading
    may_answer.set()
    while wire.answers() < MANY:
        await asyncio.sleep(0)
        assert len(made.pipeline) <= MOST_AT_ONCE
    assert wire.reading
    made.connection_lost(None)


@pytest.mark.anyio
async def test_the_event_loop_turns_to_others_after_some_tens_of_answers() -> None:
    fast_exit = AtOnce()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("everything is answered at once")

    made, wire = connection(app, fast_exit)
    made.data_received(REQUEST * MANY)
    before = 0
    while wire.answers() < MANY:
        assert fast_exit.asked - before <= MOST_AT_ONCE + 1
        before = fast_exit.asked
        await asyncio.sleep(0)
    assert wire.reading
    made.connection_lost(None)


@pytest.mark.anyio
async def test_a_reader_that_reads_nothing_has_no_more_than_some_tens_waiting() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    made, wire = connection(app, AtOnce())
    made.pause_writing()
    made.data_received(REQUEST * MANY)
    for _ in range(100):
        await asyncio.sleep(0)
    assert wire.answers() == 0
    assert len(made.pipeline) <= MOST_AT_ONCE
    assert not wire.reading
    made.connection_lost(None)
    await asyncio.sleep(0)
    assert not made.pipeline


@pytest.mark.anyio
@pytest.mark.parametrize("before", [b"", REQUEST, b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na"])
async def test_a_head_of_endless_fields_in_one_read_is_refused_before_they_are_kept(before: bytes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("everything is answered at once")

    made, wire = connection(app, AtOnce())
    made.data_received(before + b"GET /x HTTP/1.1\r\nHost: a\r\n" + b"a:\r\n" * 60_000)
    most = len(made.headers)
    while b"HTTP/1.1 431" not in wire.written:
        await asyncio.sleep(0)
        most = max(most, len(made.headers))
    assert most < 3 * LARGEST_PORTION / len(b"a:\r\n")
    made.connection_lost(None)


@pytest.mark.anyio
async def test_a_body_that_the_application_does_not_take_is_not_read_on() -> None:
    taken, may_take = bytearray(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await may_take.wait()
        while (message := await receive())["more_body"]:
            taken.extend(message["body"])
        taken.extend(message["body"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    made, wire = connection(app)
    made.data_received(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1024000\r\n\r\n")
    for _ in range(4):
        if wire.reading:
            made.data_received(b"a" * 256_000)
        for _ in range(100):
            await asyncio.sleep(0)
    assert (len(made.cycle.body), wire.reading) == (256_000, False)
    may_take.set()
    sent = 256_000
    while not wire.answers():
        if wire.reading and sent < 1_024_000:
            sent += 256_000
            made.data_received(b"a" * 256_000)
        await asyncio.sleep(0)
    assert len(taken) == 1_024_000
    made.connection_lost(None)


@pytest.mark.anyio
@pytest.mark.parametrize("size", [1, 7, 700, 16_384, 65_536])
async def test_requests_cut_at_any_place_are_all_answered(size: int) -> None:
    fast_exit = AtOnce()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("everything is answered at once")

    large = b"GET /x HTTP/1.1\r\nHost: a\r\nX-Large: " + b"a" * 3000 + b"\r\n\r\n"
    made, wire = connection(app, fast_exit)
    sent = (REQUEST + large) * 40
    for at in range(0, len(sent), size):
        made.data_received(sent[at : at + size])
    for _ in range(100):
        await asyncio.sleep(0)
    assert (wire.answers(), wire.closing) == (80, False)
    made.connection_lost(None)


CLOSE = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
UPGRADE = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
WITH_BODY = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"


@pytest.mark.anyio
@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize(
    ("received", "answers"),
    [
        ([CLOSE + REQUEST], 1),
        ([CLOSE, REQUEST], 1),
        ([CLOSE + UPGRADE], 1),
        ([CLOSE + WITH_BODY, b"abcde"], 1),
        ([UPGRADE + REQUEST], 1),
        ([REQUEST + UPGRADE], 2),
        ([WITH_BODY, b"abc", b"de", REQUEST], 2),
        ([WITH_BODY + b"abcde" + REQUEST + CLOSE], 3),
        ([b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n"], 1),
        ([b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"], 1),
        ([b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"], 0),
    ],
)
async def test_the_fast_exit_and_the_application_answer_the_same_requests(
    received: list[bytes], answers: int, at_once: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    made, wire = connection(app, AtOnce() if at_once else None)
    for data in received:
        made.data_received(data)
        for _ in range(5):
            await asyncio.sleep(0)
    assert wire.answers() == answers
    assert (answers == 0) is (b"HTTP/1.1 400" in wire.written)
    made.eof_received()
    made.connection_lost(None)
    assert not caplog.records


@pytest.mark.anyio
@pytest.mark.parametrize("end", ["eof", "lost", "stop", "slow"])
async def test_a_body_that_does_not_end_behind_its_answer_does_no_harm(end: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("everything is answered at once")

    made, wire = connection(app, AtOnce())
    made.data_received(WITH_BODY + b"ab")
    if end == "eof":
        assert not made.eof_received()
    elif end == "stop":
        made.shutdown()
    elif end == "slow":
        made.expire(made.deadline)
    made.connection_lost(None)
    assert wire.written.count(b"HTTP/1.1 ") == 1
