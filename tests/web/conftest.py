"""The real application over a stand-in for ECE, asked as a browser would ask."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import trustme
from starlette.types import ASGIApp

from tests.ece_stand_in import EceStandIn
from tests.entry_points import settled
from tests.hand_clock import HandClock
from widget import settings
from widget.app import create_app
from widget.services.serving import Services, build


@dataclass
class Site:
    """One running product: `get` asks it, `ece` is what stands behind it, `time` passes by hand."""

    app: ASGIApp
    services: Services
    ece: EceStandIn
    time: HandClock

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=("198.51.100.7", 1234))
        async with httpx.AsyncClient(transport=transport, base_url="https://chat.example.com") as client:
            return await client.request(method, path, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.ask("GET", path, **more)

    async def settle(self) -> None:
        """Let the refreshes that run come to their end."""
        await settled(self.services.availability)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with one authority: to read the public ones takes longer than all the rest of the product."""
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(file)
    return str(file)


@pytest.fixture
def make_site(table: dict[str, Any], authority: str) -> Callable[[], Site]:
    """Build the product from `table` as it is at the moment of the call."""

    def make() -> Site:
        table["ece"].setdefault("ca_file", authority)
        parsed = settings.parse(table)
        time, ece = HandClock(), EceStandIn()
        services = build(parsed, ece=ece, clock=time.clock)
        return Site(create_app(parsed, services=services, sleep=time.sleep), services, ece, time)

    def outside_the_loop() -> Site:
        with ThreadPoolExecutor(
            1
        ) as thread:  # building reads templates and certificates, which is no event loop's work
            return thread.submit(make).result()

    return outside_the_loop


@pytest.fixture
def site(make_site: Callable[[], Site]) -> Site:
    return make_site()
