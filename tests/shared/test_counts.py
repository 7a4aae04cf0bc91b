"""Rate limits that a fleet counts together, and what happens while the shared server is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.shared_server import SharedServerProcess
from tests.waiting import until
from widget.settings import LimitsSettings
from widget.shared import SharedCounts, SharedServer
from widget.web.edge.limits import BoundedMemory, RateLimiter

pytestmark = pytest.mark.anyio

LIMITS = LimitsSettings(tokens="4/minute", submits="2/minute")


@pytest.fixture
async def links(server: SharedServerProcess) -> AsyncIterator[list[SharedServer]]:
    links = [SharedServer(server.url, longest_wait=2.0, look_every=0.05) for _ in range(2)]
    yield links
    for link in links:
        await link.aclose()


@pytest.fixture
def limiters(links: list[SharedServer]) -> list[RateLimiter]:
    return [RateLimiter(LIMITS, storage=SharedCounts(link, alone=BoundedMemory()), salt=b"common") for link in links]


async def test_two_processes_count_together(limiters: list[RateLimiter]) -> None:
    first, second = limiters
    assert [await first.hit("tokens", "192.0.2.1") for _ in range(2)] == [None, None]
    assert [await second.hit("tokens", "192.0.2.1") for _ in range(2)] == [None, None]
    for limiter in limiters:
        wait = await limiter.hit("tokens", "192.0.2.1")
        assert wait is not None
        assert 1 <= wait <= 60
    assert await first.hit("tokens", "198.51.100.7") is None


async def test_testing_does_not_count(limiters: list[RateLimiter]) -> None:
    first, second = limiters
    for _ in range(10):
        assert await first.test("submits", "192.0.2.1") is None
    assert await second.hit("submits", "192.0.2.1") is None


async def test_no_address_of_a_visitor_stands_on_the_server(
    limiters: list[RateLimiter], server: SharedServerProcess
) -> None:
    await limiters[0].hit("tokens", "192.0.2.1")
    assert "192.0.2.1" not in server.say("KEYS", "*")


async def test_windows_end_on_the_server_by_themselves(
    limiters: list[RateLimiter], server: SharedServerProcess
) -> None:
    await limiters[0].hit("tokens", "192.0.2.1")
    (key,) = [line for line in server.say("KEYS", "*count*").split("\r\n") if line.startswith("ece-widget:")]
    assert 0 < int(server.say("PTTL", key).strip().removeprefix(":")) <= 60_000


async def test_a_killed_server_leaves_each_process_counting_alone(
    limiters: list[RateLimiter], links: list[SharedServer], server: SharedServerProcess
) -> None:
    server.kill()
    try:
        for limiter in limiters:
            assert [await limiter.hit("submits", "192.0.2.1") for _ in range(2)] == [None, None]
            assert await limiter.hit("submits", "192.0.2.1") is not None
    finally:
        server.start()
    await until(lambda: not any(link.away for link in links))
    assert await limiters[0].hit("submits", "192.0.2.1") is None


async def test_a_frozen_server_holds_up_the_requests_of_one_moment_and_no_others(server: SharedServerProcess) -> None:
    longest_wait = 1.0
    link = SharedServer(server.url, longest_wait=longest_wait, look_every=0.05)
    limiter = RateLimiter(LIMITS, storage=SharedCounts(link, alone=BoundedMemory()), salt=b"common")
    await limiter.hit("tokens", "192.0.2.1")
    server.freeze()
    try:
        begun = time.monotonic()
        await asyncio.gather(*(limiter.hit("tokens", f"192.0.2.{at}") for at in range(100)))
        assert time.monotonic() - begun < 10 * longest_wait, "a hundred waits did not add up"
        assert link.away
        begun = time.monotonic()
        await asyncio.gather(*(limiter.hit("tokens", f"192.0.2.{at}") for at in range(100)))
        assert time.monotonic() - begun < longest_wait
    finally:
        server.thaw()
        await link.aclose()


@pytest.mark.parametrize("value", ["nonsense", "1e999", "9" * 5000, "9223372036854775807", ""])
async def test_a_count_that_cannot_be_read_counts_as_absent(
    limiters: list[RateLimiter], links: list[SharedServer], server: SharedServerProcess, value: str
) -> None:
    await limiters[0].hit("tokens", "192.0.2.1")
    (key,) = [line for line in server.say("KEYS", "*count*").split("\r\n") if line.startswith("ece-widget:")]
    for command in (["SET", key, f'"{value}"'], ["DEL", key], ["RPUSH", key, "a"]):
        server.say(*command)
        assert await limiters[0].hit("tokens", "192.0.2.1") is None
        assert await limiters[1].test("tokens", "192.0.2.1") is None
    assert not any(link.away for link in links)
    assert 0 < int(server.say("PTTL", key).strip().removeprefix(":")) <= 60_000
