"""What may go over a connection to ECE: nothing left behind, nothing without bounds, nothing old."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from tests.processor_speed import slowness
from tests.waiting import until
from widget.domain.errors import EceGatewayDown, EceNoSuchHost, EceRefused, EceReset, EceStatus, EceUnreadable
from widget.domain.outbox import OutboxMessage
from widget.domain.readings import Call, ChatAllowed, LiveSessionStatus, Reason
from widget.ece.client import EceClient
from widget.ece.connection import Network
from widget.ece.dialect import GUIDE_PATH, Dialect, Format
from widget.settings import EceSettings

pytestmark = pytest.mark.anyio

FORM = Dialect(GUIDE_PATH, Format.PLAIN)
SURVEY = OutboxMessage("key", "1", "sales", "after_chat", ())
HINT = b"HTTP/1.1 103 Early Hints\r\n\r\n"
TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def answer(body: bytes, *headers: bytes) -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (lines, len(body), body)


YES = answer(b'<chatAllowed allowed="true"/>')
NO = answer(b'<chatAllowed allowed="false" reason="agent_not_available"/>')
NOT_RUNNING = answer(b'<chatAllowed allowed="false" reason="service_not_running"/>')


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@dataclass
class Ece:
    """A server in threads: each request takes the next of `answers`, the last of which stays."""

    answers: list[bytes]
    port: int = 0
    asked: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: set[socket.socket] = field(default_factory=set)

    def serve(self, listening: socket.socket) -> None:
        threads = []
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                break
            self.connections += 1
            self.open.add(connection)
            threads.append(threading.Thread(target=self.talk, args=(connection,)))
            threads[-1].start()
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()

    def talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            received = b""
            while data := connection.recv(65_536):
                received += data
                head, end, body = received.partition(b"\r\n\r\n")
                if end and (head.startswith(b"GET") or body.endswith(b">")):
                    self.asked.append(head.partition(b"\r\n")[0])
                    received = b""
                    connection.sendall(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
        self.open.discard(connection)


@contextmanager
def ece(*answers: bytes, port: int = 0, host: str = "127.0.0.1") -> Iterator[Ece]:
    state = Ece(list(answers))
    with socket.create_server((host, port)) as listening:
        state.port = listening.getsockname()[1]
        thread = threading.Thread(target=state.serve, args=(listening,))
        thread.start()
        try:
            yield state
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


@asynccontextmanager
async def client(port: int, **values: object) -> AsyncIterator[EceClient]:
    settings = {"base_url": f"http://127.0.0.1:{port}/system", "timeout": 10.0, "max_connections": 1, **values}
    asked = await asyncio.to_thread(EceClient, EceSettings.model_validate(settings))
    try:
        yield asked
    finally:
        await asked.aclose()


async def test_an_answer_too_many_never_becomes_that_of_another_entry_point() -> None:
    with ece(YES + YES, NO) as there:
        async with client(there.port) as asked:
            assert await asked.ask(Call.CHAT_ALLOWED, 1001) == ChatAllowed(True)
            assert await asked.ask(Call.CHAT_ALLOWED, 1002) == ChatAllowed(False, Reason.AGENT_NOT_AVAILABLE)
        assert there.connections == 2


async def test_two_receipts_in_one_packet_are_one_receipt() -> None:
    with ece(TAKEN + TAKEN, FAILED) as there:
        async with client(there.port) as asked:
            await asked.submit_survey(SURVEY, FORM)
            with pytest.raises(EceStatus):
                await asked.submit_survey(SURVEY, FORM)
        assert len(there.asked) == 2


@pytest.mark.parametrize(
    "receipt",
    [
        TAKEN.replace(b"\r\n\r\n", b"\r\nContent-Length: 2\r\n\r\nOK"),
        TAKEN.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n"),
        TAKEN + b"OK",
        HINT + TAKEN + HINT,
    ],
)
async def test_a_204_with_more_than_a_head_leaves_the_next_survey_beyond_doubt(receipt: bytes) -> None:
    with ece(receipt, receipt, YES) as there:
        async with client(there.port) as asked:
            await asked.submit_survey(SURVEY, FORM)
            await asked.submit_survey(SURVEY, FORM)
            assert await asked.ask(Call.CHAT_ALLOWED, 1001) == ChatAllowed(True)
        assert len(there.asked) == 3


async def test_a_survey_never_goes_over_a_connection_that_a_call_used() -> None:
    with ece(YES, TAKEN, YES) as there:
        async with client(there.port) as asked:
            await asked.ask(Call.CHAT_ALLOWED, 1001)
            await asked.submit_survey(SURVEY, FORM)
            await asked.ask(Call.CHAT_ALLOWED, 1001)
        assert there.connections == 3


@pytest.mark.parametrize("rest", [b"\r\n", b"x", YES])
async def test_what_comes_while_nothing_is_asked_closes_the_connection(rest: bytes) -> None:
    with ece(YES, NO) as there:
        async with client(there.port) as asked:
            await asked.ask(Call.CHAT_ALLOWED, 1001)
            (connection,) = there.open
            connection.sendall(rest)
            await until(lambda: not there.open)
            assert await asked.ask(Call.CHAT_ALLOWED, 1002) == ChatAllowed(False, Reason.AGENT_NOT_AVAILABLE)


@pytest.mark.parametrize(
    "said",
    [
        YES.replace(b"\r\n", b"\r\nX-Powered-By : Servlet/3.0\r\n", 1),
        YES.replace(b"\r\n", b"\r\n: nothing\r\n", 1),
        CHUNKED.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        + b'1d\r\n<chatAllowed allowed="true"/>\r\n0\r\n\r\n',
        YES.replace(b"\r\n", b"\r\nContent-Length: 29\r\n", 1),
        YES.replace(b"\r\n", b"\r\nX-Folded: a\r\n b\r\n", 1),
    ],
    ids=["blank before a colon", "empty name", "chunked twice", "length twice", "folded"],
)
async def test_what_real_java_servers_send_is_read_and_ends_the_connection(said: bytes) -> None:
    with ece(said) as there:
        async with client(there.port) as asked:
            assert await asked.ask(Call.CHAT_ALLOWED, 1001) == ChatAllowed(True)
            assert await asked.ask(Call.CHAT_ALLOWED, 1001) == ChatAllowed(True)
        assert there.connections == 2


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (YES.replace(b"\r\n", b"\r\nContent-Length: 7\r\n", 1), "Content-Length: '7, 29'"),
        (YES.replace(b"\r\n", b"\r\nTransfer-Encoding: gzip\r\n", 1), "Transfer-Encoding: 'gzip'"),
        (YES.replace(b"\r\n", b"\r\nTransfer-Encoding : chunked\r\n", 1), "Transfer-Encoding: 'chunked'"),
    ],
)
async def test_what_is_refused_is_named_and_asked_once(said: bytes, words: str) -> None:
    with ece(YES, said) as there:
        async with client(there.port) as asked:
            await asked.ask(Call.CHAT_ALLOWED, 1001)
            with pytest.raises(EceReset) as caught:
                await asked.ask(Call.CHAT_ALLOWED, 1001)
        assert words in caught.value.detail
        assert len(there.asked) == 2


async def test_a_connection_lives_no_longer_than_the_settings_say() -> None:
    with ece(YES) as there:
        async with client(there.port, connection_max_age=0.2) as asked:
            await asked.ask(Call.CHAT_ALLOWED, 1001)
            await until(lambda: not there.open)
            assert await asked.ask(Call.CHAT_ALLOWED, 1001) == ChatAllowed(True)
        assert there.connections == 2


async def test_an_answer_under_way_is_heard_to_its_end_though_the_connection_is_old() -> None:
    with ece(b"") as there:
        async with client(there.port, connection_max_age=0.1) as asked:
            call = asyncio.create_task(asked.ask(Call.CHAT_ALLOWED, 1001))
            await until(lambda: bool(there.asked))
            await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.2)
            (connection,) = there.open
            connection.sendall(YES)
            assert await call == ChatAllowed(True)
            await until(lambda: not there.open)


async def test_a_host_that_says_it_does_not_run_is_looked_up_anew() -> None:
    with ece(NOT_RUNNING) as there:
        async with client(there.port, timeout=60.0) as asked, asyncio.timeout(30):
            while there.connections < 3:  # the age of a connection is the loop's own time
                await asked.ask(Call.CHAT_ALLOWED, 1001)
        assert there.connections < len(there.asked), "but not for every call"


async def test_a_name_without_an_address_and_a_port_without_a_listener_are_told_apart() -> None:
    with ece(YES) as gone:
        pass
    async with client(gone.port) as asked:
        with pytest.raises(EceRefused) as refused:
            await asked.ask(Call.CHAT_ALLOWED, 1)
    async with client(0, base_url="http://no-such-host.invalid/system") as asked:
        with pytest.raises(EceNoSuchHost) as unknown:
            await asked.ask(Call.CHAT_ALLOWED, 1)
    assert type(refused.value) is EceRefused
    assert unknown.value.detail in ("no such host", "no name server answers")
    assert "refused" in refused.value.detail


@pytest.mark.parametrize(
    "flood",
    [
        CHUNKED + b"1\r\n \r\n" * 60_000 + b"0\r\n\r\n",
        HINT * 4_000 + YES,
        CHUNKED + b"1\r\n \r\n0\r\n" + b"X: y\r\n" * 12_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 12_000 + b"\r\n",
        answer(b" " * 5_000_000),
    ],
    ids=["one-byte chunks", "interim answers", "trailers", "headers", "a large body"],
)
async def test_a_flood_never_holds_the_event_loop(flood: bytes) -> None:
    tries = [await longest_turn_in(flood) / slowness()]
    while tries[-1] >= 0.02 and len(tries) < 5:
        tries.append(await longest_turn_in(flood) / slowness())
    assert min(tries) < 0.02


async def longest_turn_in(flood: bytes) -> float:
    """Return the longest turn of the event loop, in seconds of processor time, while a flood is refused."""
    with ece(YES, flood) as there:
        async with client(there.port) as asked:
            await asked.ask(Call.CHAT_ALLOWED, 1001)
            watching = asyncio.create_task(longest_turn())
            await asyncio.sleep(0)
            with pytest.raises((EceReset, EceUnreadable)):
                await asked.ask(Call.CHAT_ALLOWED, 1001)
            await asyncio.sleep(0)
            watching.cancel()
            return await watching


async def test_a_body_in_chunks_of_a_tag_each_is_read() -> None:
    body = b"<sessionStatus><waitTime>3.0</waitTime><queueDepth>1</queueDepth></sessionStatus>"
    chunks = b"".join(b"%x\r\n%b\r\n" % (1, body[at : at + 1]) for at in range(len(body)))
    with ece(CHUNKED + chunks + b"0\r\n\r\n") as there:
        async with client(there.port) as asked:
            assert await asked.ask(Call.LIVE_SESSION_STATUS, 1001) == LiveSessionStatus(3, 1)
            assert await asked.ask(Call.LIVE_SESSION_STATUS, 1001) == LiveSessionStatus(3, 1)
        assert there.connections == 1


async def longest_turn() -> float:
    """Return the longest turn of the event loop so far in seconds of this thread's own work, once cancelled."""
    longest, last = 0.0, time.thread_time()
    with suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, last = max(longest, now - last), now
    return longest


# uvloop has a resolver of its own, which no test can tell another address.
@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": False})], ids=["asyncio"])
@pytest.mark.parametrize("old_site", [YES, NOT_RUNNING, FAILED.replace(b"500", b"503")])
async def test_a_name_that_moves_to_another_address_is_followed(
    old_site: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old site goes on to answer; without traffic to it, nobody would notice that the name has moved."""
    leads_to, look_up = ["127.0.0.1"], socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *args, **about: look_up(leads_to[0], *args, **about))
    with ece(YES, old_site) as old, ece(NO, port=old.port, host="127.0.0.2"):
        settings = {"base_url": f"http://ece.example.com:{old.port}/system", "connection_max_age": 1.0}
        async with client(0, **settings) as asked:
            assert await asked.ask(Call.CHAT_ALLOWED, 1001) == ChatAllowed(True)
            leads_to[0] = "127.0.0.2"
            async with asyncio.timeout(30):
                reading = None
                while reading != ChatAllowed(False, Reason.AGENT_NOT_AVAILABLE):
                    with suppress(EceGatewayDown):
                        reading = await asked.ask(Call.CHAT_ALLOWED, 1001)
                    await asyncio.sleep(0.01)


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": False})], ids=["asyncio"])
async def test_a_connection_that_expires_while_a_call_takes_it_still_serves_that_call() -> None:
    """The library asks whether a connection can be used, and writes a moment later."""
    with ece(YES, YES) as old:
        network = Network(max_age=60)
        taken = await network.connect_tcp("127.0.0.1", old.port)
        for expires in (False, True):
            assert not taken.get_extra_info("is_readable")
            if expires:
                network.renew(older_than=-1)
                assert taken.get_extra_info("is_readable")  # no other call takes it now
            await taken.write(b"GET / HTTP/1.1\r\nHost: ece.example.com\r\n\r\n")
            answer = b""
            while b"allowed" not in answer:
                answer += await taken.read(1000)
        await taken.aclose()
