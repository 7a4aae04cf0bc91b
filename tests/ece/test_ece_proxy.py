"""The client through a real forwarding proxy: what goes there, what it is told, and what its refusals mean."""

from __future__ import annotations

import asyncio
import base64
import gc
import http.server
import ssl
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from tests.forward_proxy import ForwardProxy, forward_proxy
from tests.waiting import until
from widget.domain.errors import EceError, EceGatewayDown, EceRefused, EceReset, EceTimeout, EceTlsFailure
from widget.domain.outbox import OutboxMessage
from widget.domain.readings import Call, ChatAllowed
from widget.ece.client import EceClient
from widget.ece.dialect import GUIDE_PATH, Dialect, Format
from widget.settings import EceSettings

pytestmark = pytest.mark.anyio

PASSWORD = "hunter2@/:"
USER = "us%65r:hunter2%40%2F%3A"
BASIC = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
SURVEY, FORM = OutboxMessage("key", "1", "sales", "after_chat", ()), Dialect(GUIDE_PATH, Format.PLAIN)
PLAIN, SECURE = "http://ece.invalid/system", "https://ece.invalid/system"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


def presenting(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


@dataclass
class Ece:
    port: int = 0
    heads: list[str] = field(default_factory=list)
    surveys: list[bytes] = field(default_factory=list)


@contextmanager
def ece(tls: ssl.SSLContext | None = None) -> Iterator[Ece]:
    """Allows every chat, takes every survey, and keeps what it was sent."""
    state = Ece()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, b'<chatAllowed allowed="true"/>')

        def do_POST(self) -> None:
            state.surveys.append(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(204, b"")

        def _answer(self, status: int, body: bytes) -> None:
            state.heads.append(str(self.headers))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            server.handle_error = lambda *_: None  # type: ignore[method-assign] # a caller who refuses our certificate
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        state.port = server.server_address[1]
        yield state
        server.shutdown()
        thread.join()


async def client(base_url: str, proxy: str, **values: object) -> EceClient:
    settings = EceSettings.model_validate(
        {"base_url": base_url, "proxy": proxy, "timeout": 5.0, "max_connections": 1, **values}
    )
    return await asyncio.to_thread(EceClient, settings)


async def chat_allowed(asked: EceClient) -> None:
    await asked.ask(Call.CHAT_ALLOWED, 1)


async def survey(asked: EceClient) -> None:
    await asked.submit_survey(SURVEY, FORM)


Ask = Callable[[EceClient], Awaitable[None]]
BOTH = pytest.mark.parametrize("ask", [chat_allowed, survey])


async def test_every_call_to_an_ece_on_http_is_passed_on_by_the_proxy() -> None:
    with ece() as there, forward_proxy({"ece.invalid": there.port}) as proxy:
        asked = await client(PLAIN, f"http://{USER}@{proxy.netloc}")
        assert await asked.ask(Call.CHAT_ALLOWED, 1) == ChatAllowed(True)
        await asked.submit_survey(SURVEY, FORM)
        await asked.aclose()
        assert [line.partition(" HTTP")[0] for line in proxy.asked] == [
            "GET http://ece.invalid/system/egain/chat/entrypoint/chatAllowed/1",
            "POST http://ece.invalid/system/egain/chat/endpoint/survey",
        ]
        assert len(proxy.heads) == 2
        assert all(f"Basic {BASIC}" in head for head in proxy.heads)
        assert len(there.surveys) == 1


@pytest.mark.parametrize("proxy_on_tls", [False, True])
async def test_calls_to_an_ece_on_https_go_through_a_tunnel_that_shows_the_proxy_nothing(
    authority: trustme.CA, ca_file: Path, *, proxy_on_tls: bool
) -> None:
    tls = presenting(authority, "127.0.0.1") if proxy_on_tls else None
    with (
        ece(presenting(authority, "ece.invalid")) as there,
        forward_proxy({"ece.invalid": there.port}, tls=tls) as proxy,
    ):
        scheme = "https" if proxy_on_tls else "http"
        asked = await client(SECURE, f"{scheme}://{USER}@{proxy.netloc}", ca_file=ca_file)
        assert await asked.ask(Call.CHAT_ALLOWED, 1) == ChatAllowed(True)
        await asked.submit_survey(SURVEY, FORM)
        await asked.aclose()
        assert set(proxy.asked) == {"CONNECT ece.invalid:443 HTTP/1.1"}
        assert len(proxy.heads) == 2
        assert all(f"Basic {BASIC}" in head for head in proxy.heads)
        assert len(there.surveys) == 1
        assert not any("proxy" in head.lower() or BASIC in head for head in there.heads), "the password is the proxy's"


async def test_neither_the_environments_proxy_nor_its_exceptions_count(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        ece() as there,
        forward_proxy({"ece.invalid": there.port}) as proxy,
        forward_proxy({"ece.invalid": there.port}) as other,
    ):
        for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(variable, f"http://{other.netloc}")
            monkeypatch.setenv(variable.lower(), f"http://{other.netloc}")
        for exceptions in ("*", "ece.invalid,127.0.0.1"):
            monkeypatch.setenv("NO_PROXY", exceptions)
            monkeypatch.setenv("no_proxy", exceptions)
            asked = await client(PLAIN, f"http://{proxy.netloc}")
            assert await asked.ask(Call.CHAT_ALLOWED, 1) == ChatAllowed(True)
            await asked.aclose()
        assert (len(proxy.asked), other.asked) == (2, [])


@pytest.mark.parametrize(
    ("base_url", "mode", "kind", "words", "maybe_received"),
    [
        (PLAIN, "407", EceRefused, "the proxy answers 407: it wants a user and a password", False),
        (PLAIN, "502", EceGatewayDown, "502", True),
        (PLAIN, "503", EceGatewayDown, "503", False),
        (PLAIN, "hangs", EceTimeout, "no whole answer within 0.3 s", True),
        (PLAIN, "hangs-up", EceReset, "the connection broke", True),
        (SECURE, "403", EceRefused, "the proxy answers 403", False),
        (SECURE, "407", EceRefused, "the proxy answers 407: it wants a user and a password", False),
        (SECURE, "502", EceRefused, "the proxy answers 502", False),
        (SECURE, "hangs", EceTimeout, "no whole answer within 0.3 s", False),
        (SECURE, "hangs-up", EceReset, "the connection broke", False),
        (SECURE, "tunnels-to-nobody", EceTimeout, "no whole answer within 0.3 s", False),
    ],
)
@BOTH
async def test_a_proxy_that_fails_speaks_against_the_host_and_costs_no_survey_and_no_connection(
    ca_file: Path, ask: Ask, base_url: str, mode: str, kind: type[EceError], words: str, maybe_received: bool
) -> None:
    with forward_proxy({}) as proxy:
        proxy.mode = mode
        timeout = 0.3 if kind is EceTimeout else 5.0
        asked = await client(base_url, f"http://{USER}@{proxy.netloc}", ca_file=ca_file, timeout=timeout)
        for _ in range(3):
            error = await failure(asked, ask)
            assert type(error) is kind
            assert error.detail.startswith(words)
            assert (error.blame, error.retryable) == ("host", True)
            assert error.maybe_received is maybe_received or ask is chat_allowed
        await let_go_of(proxy, asked)


@BOTH
async def test_an_ece_whose_certificate_is_refused_behind_a_proxy_costs_no_connection_either(
    authority: trustme.CA, ca_file: Path, ask: Ask
) -> None:
    with ece(presenting(authority, "other.invalid")) as there, forward_proxy({"ece.invalid": there.port}) as proxy:
        asked = await client(SECURE, f"http://{USER}@{proxy.netloc}", ca_file=ca_file)
        for _ in range(3):
            error = await failure(asked, ask)
            assert type(error) is EceTlsFailure
            assert "another host name" in error.detail
            assert not error.maybe_received
        await let_go_of(proxy, asked)


@pytest.mark.parametrize("base_url", [PLAIN, SECURE])
async def test_a_proxy_whose_certificate_is_refused_is_blamed_and_not_ece(
    authority: trustme.CA, ca_file: Path, base_url: str
) -> None:
    with forward_proxy({}, tls=presenting(authority, "other.invalid")) as proxy:
        asked = await client(base_url, f"https://{USER}@{proxy.netloc}", ca_file=ca_file)
        error = await failure(asked, survey)
        assert type(error) is EceRefused
        assert error.detail == "TLS with the proxy failed: the certificate is for another address"
        assert not error.maybe_received
        await asked.aclose()


@pytest.mark.parametrize("base_url", [PLAIN, SECURE])
async def test_a_proxy_that_is_not_there_is_blamed_and_not_ece(base_url: str) -> None:
    with forward_proxy({}) as gone:
        netloc = gone.netloc
    asked = await client(base_url, f"http://{USER}@{netloc}")
    error = await failure(asked, survey)
    assert type(error) is EceRefused
    assert error.detail == "no connection to the proxy"
    await asked.aclose()


async def failure(asked: EceClient, ask: Ask) -> EceError:
    """Return how asking fails, after a look for the password in everything that a log could make of it."""
    with pytest.raises(EceError) as caught:
        await ask(asked)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert not any(secret in told for secret in ("hunter2", BASIC, USER))
    return caught.value


@pytest.fixture(autouse=True, scope="module")
def _garbage_of_these_tests_alone() -> Iterator[None]:
    """Leave out of every search for garbage what was there before: with a whole suite in memory each takes a while."""
    gc.freeze()
    yield
    gc.unfreeze()


async def let_go_of(proxy: ForwardProxy, asked: EceClient) -> None:
    """Wait until the proxy has no connection of ours left, though the client lives on."""
    await until(lambda: not proxy.open_sockets)
    gc.collect()
    kept = [each for each in gc.get_objects() if type(each).__name__ == "AsyncTunnelHTTPConnection"]
    assert len(kept) <= 1, "the last error may hold its own"
    await asked.aclose()
