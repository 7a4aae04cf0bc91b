"""The client through its transport seam: every failure as one of ours, in time, in bounds, cancellable."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.ece.mock_transport import ALLOWED, Handler, Hanging, answers, client, failure, settings
from widget.domain.errors import (
    EceBusy,
    EceError,
    EceGatewayDown,
    EceNoSuchHost,
    EceRedirect,
    EceRefused,
    EceReset,
    EceStatus,
    EceTimeout,
    EceUnreadable,
)
from widget.domain.readings import Call, ChatAllowed
from widget.ece.client import EceClient

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
async def test_a_redirect_is_refused_and_says_where_it_led(status: int) -> None:
    asked: list[httpx.URL] = []

    def ece(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(status, headers={"location": "https://login.example.com/?secret=1"})

    error = await failure(ece)
    assert isinstance(error, EceRedirect)
    assert not error.retryable
    assert error.status == status
    assert "https://login.example.com" in error.detail
    assert "secret" not in error.detail
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("status", "kind", "blame"),
    [
        *((status, EceStatus, "call") for status in (400, 401, 403, 404, 405, 408, 425, 429, 500, 501)),
        *((status, EceGatewayDown, "host") for status in (502, 503, 504)),
    ],
)
async def test_a_status_that_is_no_success_says_who_is_to_blame(status: int, kind: type[EceError], blame: str) -> None:
    error = await failure(answers(status, "<html>stack trace</html>"))
    assert type(error) is kind
    assert (error.status, error.blame, error.retryable) == (status, blame, True)
    assert "stack" not in str(error)


@pytest.mark.parametrize(
    "answer",
    [
        answers(200, ""),
        answers(204, ""),
        answers(200, "<html>log in</html>"),
        answers(200, '<chatAllowed allowed="tr'),
        answers(200, "<sessionStatus/>"),
        answers(200, "<!DOCTYPE chatAllowed>" + ALLOWED),
        answers(200, ALLOWED + " " * 65_536),
    ],
)
async def test_a_success_without_an_answer_is_unreadable_and_keeps_its_status(answer: Handler) -> None:
    error = await failure(answer)
    assert isinstance(error, EceUnreadable)
    assert error.status in (200, 204)
    assert error.blame == "call"


async def test_a_packed_body_is_refused_unread() -> None:
    class Unread(httpx.AsyncByteStream):
        read = False

        async def __aiter__(self) -> AsyncIterator[bytes]:
            self.read = True
            yield b""

    stream = Unread()
    error = await failure(lambda request: httpx.Response(200, headers={"content-encoding": "gzip"}, stream=stream))
    assert isinstance(error, EceUnreadable)
    assert not stream.read
    assert "compressed" in error.detail


@pytest.mark.parametrize(
    ("number", "words"), [(socket.EAI_AGAIN, "no name server answers"), (socket.EAI_NONAME, "no such host")]
)
async def test_a_name_server_that_is_away_is_no_unknown_name(number: int, words: str) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("") from socket.gaierror(number, "x")

    error = await failure(refuse)
    assert (type(error), error.detail) == (EceNoSuchHost, words)


@pytest.mark.parametrize("word", ["UTF-8", "none", "identity, identity", ""])
async def test_a_coding_that_is_none_is_passed_over(word: str) -> None:
    asked = client(lambda request: httpx.Response(200, headers={"content-encoding": word}, text=ALLOWED))
    assert await asked.ask(Call.CHAT_ALLOWED, 1001) == ChatAllowed(True)


async def test_reading_stops_at_64_kilobytes() -> None:
    class Endless(httpx.AsyncByteStream):
        given = 0
        closed = False

        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                self.given += 16_384
                yield b" " * 16_384

        async def aclose(self) -> None:
            self.closed = True

    stream = Endless()
    error = await failure(lambda request: httpx.Response(200, stream=stream))
    assert isinstance(error, EceUnreadable)
    assert stream.given <= 65_536 + 16_384
    assert stream.closed


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (httpx.ConnectError("x"), EceRefused),
        (httpx.ProxyError("x"), EceRefused),
        (httpx.UnsupportedProtocol("x"), EceRefused),
        (httpx.InvalidURL("x"), EceRefused),
        (httpx.ConnectTimeout("x"), EceTimeout),
        (httpx.PoolTimeout("x"), EceTimeout),
        (httpx.ReadTimeout("x"), EceTimeout),
        (httpx.WriteTimeout("x"), EceTimeout),
        (httpx.ReadError("x"), EceReset),
        (httpx.WriteError("x"), EceReset),
        (httpx.CloseError("x"), EceReset),
        (httpx.RemoteProtocolError("x"), EceReset),
        (httpx.LocalProtocolError("x"), EceReset),
        (httpx.DecodingError("x"), EceReset),
        (httpx.StreamConsumed(), EceReset),
        (ConnectionResetError("x"), EceReset),
        (OSError("x"), EceReset),
    ],
)
async def test_no_foreign_exception_gets_past(raised: Exception, kind: type[EceError]) -> None:
    def ece(request: httpx.Request) -> httpx.Response:
        raise raised

    error = await failure(ece)
    assert type(error) is kind
    assert error.blame == "host"


async def test_a_call_ends_after_the_whole_time_whatever_it_waits_for() -> None:
    transport = Hanging()
    asked = EceClient(settings(timeout=0.05), transport=transport)
    with pytest.raises(EceTimeout):
        await asked.ask(Call.CHAT_ALLOWED, 1)
    assert (transport.asked, transport.left) == (1, 1)


async def test_waiting_for_a_free_connection_speaks_against_nobody() -> None:
    transport = Hanging()
    asked = EceClient(settings(timeout=0.1, max_connections=2), transport=transport)
    outcomes = await asyncio.gather(*(asked.ask(Call.CHAT_ALLOWED, 1) for _ in range(5)), return_exceptions=True)
    kinds = sorted(type(outcome).__name__ for outcome in outcomes)
    assert kinds == ["EceBusy", "EceBusy", "EceBusy", "EceTimeout", "EceTimeout"]
    assert EceBusy.blame == "nobody"


async def test_a_cancelled_call_is_cancelled_and_gives_its_place_back() -> None:
    transport = Hanging()
    asked = EceClient(settings(timeout=60, max_connections=1), transport=transport)
    for number in range(1, 4):
        task = asyncio.create_task(asked.ask(Call.CHAT_ALLOWED, 1))
        await transport.begun.acquire()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert transport.left == number
