"""Rate limits by network and kind of address, and the limit of a body's size."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from limits.aio.storage import Storage
from limits.errors import StorageError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from widget.settings import LimitsSettings
from widget.telemetry import Metrics
from widget.web.addresses import find
from widget.web.edge.access import Operators
from widget.web.edge.context import RequestContext, TrustedProxies
from widget.web.edge.errors import Errors
from widget.web.edge.limits import BUCKETS, LARGEST_FORM, BodyLimit, BoundedMemory, RateLimiter, RateLimits, network

pytestmark = pytest.mark.anyio


class Hand:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Edge:
    """A small application behind the limits; `ask` comes from the network that a test names."""

    def __init__(self, *, storage: Storage | None = None, **limits: str) -> None:
        self.clock = Hand()
        self.metrics = Metrics()
        self.limiter = RateLimiter(LimitsSettings(**limits), storage=storage, salt=b"salt", clock=self.clock)
        errors = Errors(_page)
        operators = Operators(["operator-token-for-tests"])

        async def fine(request: Request) -> Response:
            await request.body()
            return PlainTextResponse("fine")

        async def guarded(request: Request) -> Response:
            operators.require(request)
            return PlainTextResponse("fine")

        self.app: ASGIApp = Starlette(
            routes=[
                Route("/v1/status/{entry_point}", fine),
                Route("/v1/chat/{entry_point}", fine),
                Route("/survey/{token}", fine, methods=["GET", "POST"]),
                Route("/v1/survey-links", guarded, methods=["POST"]),
                Route("/preview", guarded),
            ],
            middleware=[
                Middleware(RequestContext, metrics=self.metrics, proxies=TrustedProxies(["10.0.0.0/8"])),
                Middleware(
                    RateLimits,
                    limiter=self.limiter,
                    errors=errors,
                    metrics=self.metrics,
                    is_operator=operators.knows,
                ),
                Middleware(BodyLimit, errors=errors),
            ],
            exception_handlers=errors.handlers(),
        )

    async def ask(self, path: str, *, method: str = "GET", client: str = "203.0.113.9", **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://chat.example.com") as browser:
            return await browser.request(method, path, **more)

    async def statuses(self, count: int, path: str, **more: Any) -> list[int]:
        return [(await self.ask(path, **more)).status_code for _ in range(count)]


def _page(*, status: int, code: str, request_id: str, entry_point: str, language: str | None, posted: bool) -> str:
    return f"<p>{status} {code}</p>"


async def test_the_request_after_the_last_allowed_one_is_told_to_wait() -> None:
    edge = Edge(tokens="3/minute")
    assert await edge.statuses(4, "/survey/t") == [200, 200, 200, 429]
    refused = await edge.ask("/survey/t")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.text == "<p>429 rate_limited</p>"
    assert 'ece_widget_rate_limited_total{limit="tokens"} 2.0' in (await edge.metrics.render()).decode()


async def test_it_is_allowed_again_after_the_time_it_was_told_to_wait() -> None:
    edge = Edge(tokens="2/minute")
    assert await edge.statuses(3, "/v1/chat/sales") == [200, 200, 429]
    edge.clock.now += int((await edge.ask("/v1/chat/sales")).headers["retry-after"])
    assert (await edge.ask("/v1/chat/sales")).status_code == 200


async def test_a_clock_that_is_set_back_an_hour_does_not_lengthen_the_wait() -> None:
    edge = Edge(tokens="1/minute")
    await edge.statuses(2, "/survey/t")
    edge.clock.now -= 3600
    assert (await edge.ask("/survey/t")).status_code == 200
    assert int((await edge.ask("/survey/t")).headers["retry-after"]) <= 60


async def test_kinds_of_address_and_networks_are_counted_apart() -> None:
    edge = Edge(tokens="1/minute", submits="1/minute")
    assert await edge.statuses(2, "/survey/t") == [200, 429]
    assert await edge.statuses(2, "/survey/t", method="POST") == [200, 429]
    assert await edge.statuses(2, "/survey/t", client="203.0.113.10") == [200, 429]


async def test_the_addresses_of_one_ipv6_network_are_counted_together() -> None:
    edge = Edge(tokens="1/minute")
    assert await edge.statuses(1, "/survey/t", client="2001:db8:1:2::1") == [200]
    assert await edge.statuses(1, "/survey/t", client="2001:db8:1:2:ffff::9") == [429]
    assert await edge.statuses(1, "/survey/t", client="2001:db8:1:3::1") == [200]


async def test_a_forged_forwarded_header_does_not_make_another_network() -> None:
    edge = Edge(tokens="1/minute")
    statuses = [
        (await edge.ask("/survey/t", headers={"x-forwarded-for": f"198.51.100.{n}"})).status_code for n in range(3)
    ]
    assert statuses == [200, 429, 429]
    behind_proxy = [
        (await edge.ask("/survey/t", client="10.0.0.1", headers={"x-forwarded-for": f"198.51.100.{n}"})).status_code
        for n in range(3)
    ]
    assert behind_proxy == [200, 200, 200]


async def test_the_public_answers_are_not_counted_unless_the_settings_say_so() -> None:
    assert set(await Edge(tokens="1/minute").statuses(5, "/v1/status/sales")) == {200}
    counted = Edge(public="2/second")
    assert await counted.statuses(3, "/v1/status/sales") == [200, 200, 429]
    assert (await counted.ask("/v1/status/sales")).json()["code"] == "rate_limited"


async def test_only_refused_tokens_of_operators_are_counted_and_a_right_one_always_passes() -> None:
    edge = Edge(tokens="2/minute")
    right, wrong = ({"authorization": f"Bearer {token}"} for token in ("operator-token-for-tests", "guess"))
    assert await edge.statuses(5, "/v1/survey-links", method="POST", headers=right) == [200] * 5
    assert await edge.statuses(3, "/v1/survey-links", method="POST", headers=wrong) == [401, 401, 429]
    assert await edge.statuses(1, "/v1/survey-links", method="POST", headers=right) == [200]


async def test_images_on_any_page_lock_no_operator_out() -> None:
    edge = Edge(tokens="2/minute")
    assert await edge.statuses(65, "/preview") == [401] * 2 + [429] * 63
    wrong = {"authorization": "Basic eDpndWVzcw=="}  # one mistyped password is told so
    assert await edge.statuses(1, "/preview", headers=wrong) == [401]


@pytest.mark.parametrize("path", ["/v1/chat/sales", "/survey/t"])
async def test_images_on_any_page_take_no_visitor_the_chat_or_the_survey(path: str) -> None:
    edge = Edge(tokens="2/minute")
    assert await edge.statuses(3, path, headers={"sec-fetch-dest": "image"}) == [200, 200, 429]
    assert await edge.statuses(1, path, headers={"sec-fetch-dest": "document"}) == [200]


async def test_a_million_networks_take_bounded_memory() -> None:
    memory = BoundedMemory()
    limiter = RateLimiter(LimitsSettings(tokens="60/minute"), storage=memory, salt=b"salt")
    for number in range(3000):
        await limiter.hit("tokens", f"2001:db8:{number:x}::1")
    assert len(memory._windows) <= min(3000, BUCKETS)
    assert limiter._bucket("203.0.113.9").isdigit()
    assert 0 <= int(limiter._bucket("203.0.113.9")) < BUCKETS


async def test_windows_that_ended_are_forgotten_as_others_come() -> None:
    clock = Hand()
    memory = BoundedMemory(clock=clock)
    for number in range(100):
        await memory.incr(f"old-{number}", 60)
    clock.now += 61
    for number in range(100):
        await memory.incr(f"new-{number}", 60)
    assert not [key for key in memory._windows if key.startswith("old-")]


class _BrokenStore(BoundedMemory):
    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise StorageError(ConnectionError("gone"))


async def test_a_shared_store_that_is_down_does_not_close_the_surveys() -> None:
    assert await Edge(storage=_BrokenStore(), tokens="1/minute").statuses(3, "/survey/t") == [200, 200, 200]


@pytest.mark.parametrize(
    ("path", "method", "limit"),
    [
        ("/v1/status/sales", "GET", "public"),
        ("/v1/launcher/sales", "HEAD", "public"),
        ("/widget.js", "GET", "public"),
        ("/v1/chat/sales", "GET", "tokens"),
        ("/survey/t", "GET", "tokens"),
        ("/survey/start", "POST", "tokens"),
        ("/survey/t", "POST", "submits"),
        ("/v1/survey-links", "POST", "operators"),
        ("/preview", "GET", "operators"),
        ("/metrics", "GET", "operators"),
        ("/healthz", "GET", None),
        ("/nowhere", "GET", None),
    ],
)
def test_every_address_has_its_limit(path: str, method: str, limit: str | None) -> None:
    found = find(path, method).limit
    assert (found.value if found else None) == limit


def test_networks() -> None:
    assert network("203.0.113.9") == "203.0.113.9"
    assert network("2001:db8::1") == "2001:db8::/64"
    assert network("unknown") == "unknown"


async def test_a_body_over_the_limit_is_refused_announced_or_not() -> None:
    edge = Edge(submits="off")

    async def pieces() -> Any:
        for _ in range(20):
            yield b"x" * (LARGEST_FORM // 10)

    ask: Callable[..., Awaitable[httpx.Response]] = edge.ask
    for content in (b"x" * (LARGEST_FORM + 1), pieces()):
        answer = await ask("/survey/t", method="POST", content=content)
        assert answer.status_code == 413
        assert answer.headers["connection"] == "close"
    assert (await ask("/survey/t", method="POST", content=b"x" * LARGEST_FORM)).status_code == 200


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 30, "", "0x10"])
async def test_an_announced_length_that_is_no_number_is_refused(length: str) -> None:
    answer = await Edge().ask("/survey/t", method="POST", headers={"content-length": length})
    assert answer.status_code == 413
