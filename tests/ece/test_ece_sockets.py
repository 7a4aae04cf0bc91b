"""The client against real sockets: servers that hang, drip, break off, or send too much."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest

from tests.waiting import until
from widget.domain.errors import EceError, EceRedirect, EceRefused, EceReset, EceTimeout, EceUnreadable
from widget.domain.outbox import OutboxMessage
from widget.domain.readings import Call, ChatAllowed
from widget.ece.client import EceClient
from widget.ece.dialect import GUIDE_PATH, Dialect, Format
from widget.settings import EceSettings

pytestmark = pytest.mark.anyio

BODY = b'<chatAllowed allowed="true"/>'
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
FORM = Dialect(GUIDE_PATH, Format.PLAIN)
SURVEY = OutboxMessage("key", "1", "sales", "after_chat", ())


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


Talk = Callable[[asyncio.Transport], Awaitable[None]]


@dataclass
class Server:
    """One stand-in: what it was asked, how many connections it saw, and whether the client let go of one."""

    talk: Talk
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)


class Connection(asyncio.Protocol):
    """Answers each request with the server's talk, which writes what it likes, and may hang or break off."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.received = b""
        self.talking: list[asyncio.Future[None]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self.server.connections.append(self)

    def data_received(self, data: bytes) -> None:
        head, end, rest = (self.received + data).partition(b"\r\n\r\n")
        self.received = rest if end else head
        if end:
            self.server.heads.append(head)
            self.talking.append(asyncio.ensure_future(self.server.talk(self.transport)))

    def connection_lost(self, exc: Exception | None) -> None:
        for talking in self.talking:
            talking.cancel()
        self.server.let_go.set()


@asynccontextmanager
async def server(talk: Talk) -> AsyncIterator[Server]:
    state = Server(talk)
    listening = await asyncio.get_running_loop().create_server(lambda: Connection(state), "127.0.0.1", 0)
    state.port = listening.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        listening.close()
        for connection in state.connections:
            connection.transport.abort()
            await asyncio.gather(*connection.talking, return_exceptions=True)


async def client(port: int, limit: float = 5.0, **values: object) -> EceClient:
    settings = EceSettings.model_validate({"base_url": f"http://127.0.0.1:{port}/system", "timeout": limit, **values})
    return await asyncio.to_thread(EceClient, settings)


async def failure(talk: Talk, limit: float = 5.0) -> tuple[EceError, Server]:
    async with server(talk) as ece:
        asked = await client(ece.port, limit)
        with pytest.raises(EceError) as caught:
            await asked.ask(Call.CHAT_ALLOWED, 1001)
        if ece.connections:  # none, if the machine was too busy to make it in time
            async with asyncio.timeout(30):
                await ece.let_go.wait()  # the connection is dropped, not kept for the next call
        await asked.aclose()
        return caught.value, ece


async def well(server: asyncio.Transport) -> None:
    server.write(OK)


async def silent(server: asyncio.Transport) -> None:
    await asyncio.Event().wait()


async def stops_after_the_headers(server: asyncio.Transport) -> None:
    server.write(OK.removesuffix(BODY))
    await asyncio.Event().wait()


async def stops_in_the_body(server: asyncio.Transport) -> None:
    server.write(OK[:-5])
    await asyncio.Event().wait()


async def drips_the_headers(server: asyncio.Transport) -> None:
    server.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        server.write(b"X: y\r\n")
        await asyncio.sleep(0.01)


async def drips_the_body(server: asyncio.Transport) -> None:
    server.write(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    while True:
        server.write(b" ")
        await asyncio.sleep(0.01)


HANGING: tuple[Talk, ...] = (silent, stops_after_the_headers, stops_in_the_body, drips_the_headers, drips_the_body)


@pytest.mark.parametrize("talk", HANGING)
async def test_a_server_that_hangs_or_drips_costs_the_whole_time_once_and_its_connection(talk: Talk) -> None:
    started = time.monotonic()
    error, ece = await failure(talk, limit=0.4)
    assert isinstance(error, EceTimeout)
    assert 0.39 <= time.monotonic() - started < 30
    assert len(ece.heads) <= 1


async def test_after_many_timed_out_calls_the_connections_are_free_again() -> None:
    async with server(silent) as hanging, server(well) as ece:
        asked = await client(hanging.port, 0.1, max_connections=2)
        for _ in range(6):
            outcomes = await asyncio.gather(
                asked.ask(Call.CHAT_ALLOWED, 1), asked.ask(Call.CHAT_ALLOWED, 2), return_exceptions=True
            )
            assert [type(outcome) for outcome in outcomes] == [EceTimeout, EceTimeout]
        assert len(hanging.connections) <= 12
        await asked.aclose()
        again = await client(ece.port, max_connections=2)
        for _ in range(6):
            await asyncio.gather(again.ask(Call.CHAT_ALLOWED, 1), again.ask(Call.CHAT_ALLOWED, 2))
        assert len(ece.connections) <= 2  # kept alive
        await again.aclose()


async def test_a_cancelled_call_drops_its_connection() -> None:
    async with server(silent) as ece:
        asked = await client(ece.port, 60.0)
        task = asyncio.create_task(asked.ask(Call.CHAT_ALLOWED, 1))
        async with asyncio.timeout(30):
            await until(lambda: bool(ece.heads))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await ece.let_go.wait()
        await asked.aclose()


async def breaks_off(server: asyncio.Transport) -> None:
    server.abort()


async def closes(server: asyncio.Transport) -> None:
    server.close()


async def talks_no_http(server: asyncio.Transport) -> None:
    server.write(b"220 mail.example.com ESMTP\r\n")
    server.close()


async def cuts_the_body(server: asyncio.Transport) -> None:
    server.write(OK[:-3])
    server.close()


async def cuts_a_chunk(server: asyncio.Transport) -> None:
    server.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + BODY)
    server.close()


async def overflows_a_chunk(server: asyncio.Transport) -> None:
    server.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\n" + BODY)
    server.close()


async def sends_two_megabytes_of_headers(server: asyncio.Transport) -> None:
    server.write(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 2_000_000 + b"\r\n\r\n")
    server.close()


BREAKING: tuple[Talk, ...] = (
    *(breaks_off, closes, talks_no_http, cuts_the_body, cuts_a_chunk, overflows_a_chunk),
    sends_two_megabytes_of_headers,
)


@pytest.mark.parametrize("talk", BREAKING)
async def test_a_connection_that_breaks_or_is_no_http_is_a_reset(talk: Talk) -> None:
    error, ece = await failure(talk)
    assert type(error) is EceReset
    assert error.blame == "host"
    assert len(ece.heads) == 1


async def test_a_kept_connection_that_ece_closes_just_then_costs_nothing() -> None:
    async def answers_once(server: asyncio.Transport) -> None:
        if server in answered:
            server.close()
        else:
            answered.add(server)
            server.write(OK)

    answered: set[asyncio.Transport] = set()
    async with server(answers_once) as ece:
        asked = await client(ece.port)
        for _ in range(3):
            assert await asked.ask(Call.CHAT_ALLOWED, 1) == ChatAllowed(True)
        assert len(ece.connections) == 3
        await asked.submit_survey(SURVEY, FORM)  # over a connection of its own
        assert len(ece.heads) == 6
        await asked.aclose()


async def test_a_kept_connection_that_ends_before_the_next_call_has_written_costs_nothing() -> None:
    """In some turn of the event loop that call has its connection and has not written yet."""

    async def answers(server: asyncio.Transport) -> None:
        server.write(OK)

    async with server(answers) as ece:
        asked = await client(ece.port)
        for turns in range(12):
            await asked.ask(Call.CHAT_ALLOWED, 1)
            kept = ece.connections[-1].transport
            next_call = asyncio.create_task(asked.ask(Call.CHAT_ALLOWED, 1))
            for _ in range(turns):
                await asyncio.sleep(0)
            kept.close()
            assert await next_call == ChatAllowed(True), turns
        await asked.aclose()


async def sends_ten_megabytes(server: asyncio.Transport) -> None:
    server.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b" " * 10_000_000)


async def sends_without_end(server: asyncio.Transport) -> None:
    server.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        server.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
        await asyncio.sleep(0.001)


async def sends_a_gzip_bomb(server: asyncio.Transport) -> None:
    bomb = gzip.compress(b" " * 20_000_000)
    server.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb)


@pytest.mark.parametrize("talk", [sends_ten_megabytes, sends_without_end, sends_a_gzip_bomb])
async def test_too_much_is_cut_off_and_the_connection_closed(talk: Talk) -> None:
    error, _ = await failure(talk)
    assert type(error) is EceUnreadable
    assert error.status == 200


async def test_a_port_where_nobody_listens_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    asked = await client(port)
    with pytest.raises(EceRefused):
        await asked.ask(Call.CHAT_ALLOWED, 1)
    await asked.aclose()


async def test_a_redirect_loop_is_asked_once() -> None:
    async def loop(server: asyncio.Transport) -> None:
        server.write(b"HTTP/1.1 302 Found\r\nLocation: /system\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        server.close()

    error, ece = await failure(loop)
    assert type(error) is EceRedirect
    assert len(ece.heads) == 1


async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with server(well) as ece:
        asked = await client(ece.port)
        assert await asked.ask(Call.CHAT_ALLOWED, 1) == ChatAllowed(True)
        await asked.aclose()


async def test_the_proxy_of_the_settings_is_asked() -> None:
    async with server(well) as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        asked = await client(0, base_url="http://ece.invalid/system", proxy=address)
        assert await asked.ask(Call.CHAT_ALLOWED, 1) == ChatAllowed(True)
        assert proxy.heads[0].startswith(b"GET http://ece.invalid/system/egain/chat/entrypoint/chatAllowed/1 ")
        await asked.aclose()


async def test_a_probe_of_a_server_that_hangs_in_the_body_tells_its_status() -> None:
    async with server(stops_in_the_body) as ece:
        asked = await client(ece.port, 0.5)
        probe = await asked.probe(Call.CHAT_ALLOWED, 1)
        assert (probe.status, probe.content_type, probe.reading) == (200, "application/xml", None)
        assert isinstance(probe.error, EceTimeout)
        assert probe.elapsed >= 0.49
        await asked.aclose()


@pytest.mark.parametrize("talk", [silent, breaks_off])
async def test_a_survey_whose_answer_is_lost_may_have_been_received(talk: Talk) -> None:
    async with server(talk) as ece:
        asked = await client(ece.port, 0.6)
        with pytest.raises((EceTimeout, EceReset)) as caught:
            await asked.submit_survey(SURVEY, FORM)
        assert caught.value.maybe_received
        assert len(ece.heads) == 1, "nobody sends it again before the outbox says so"
        await asked.aclose()
