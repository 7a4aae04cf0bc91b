"""The console over the real application, and people who sign in to it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.web.conftest import Site

TOKEN = "operator-token-for-tests"
HERE = {"sec-fetch-site": "same-origin", "origin": "https://chat.example.com"}


@dataclass
class Browser:
    """One browser with its cookies; `submit` sends the form that stands on a page."""

    site: Site
    address: str = "198.51.100.7"
    headers: dict[str, str] = field(default_factory=dict)
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.site.app, client=(self.address, 1234))
        headers = {**self.headers, **more.pop("headers", {})}
        async with httpx.AsyncClient(
            transport=transport, base_url="https://chat.example.com", cookies=self.cookies, headers=headers
        ) as client:
            answer = await client.request(method, path, **more)
            self.cookies = client.cookies
            return answer

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, data: dict[str, str], **more: Any) -> httpx.Response:
        """Send a form as a browser does from a page of ours."""
        return await self.ask("POST", path, data=data, headers={**HERE, **more.pop("headers", {})}, **more)

    async def sign_in(self, token: str = TOKEN, name: str = "") -> httpx.Response:
        return await self.post("/console", {"token": token, "name": name})

    async def form_token(self, path: str = "/console/now") -> str:
        """Return what the forms on a page carry."""
        found = re.search(r'name="form_token" value="([^"]+)"', (await self.get(path)).text)
        assert found, f"no form on {path}"
        return found[1]


@asynccontextmanager
async def opened(site: Site) -> AsyncIterator[None]:
    """Open what keeps rows, history and switches, without the tasks that run beside requests."""
    operations = site.services.operations
    assert operations is not None
    await site.services.outbox.open()
    await operations.switches.first_look()
    try:
        yield
    finally:
        assert site.services.history_store is not None
        await site.services.history_store.close()
        await site.services.outbox.close()


@pytest.fixture
async def console(table: dict[str, Any], make_site: Callable[[], Site]) -> AsyncIterator[Site]:
    """The product with its console on and its database open."""
    table["console"] = {"enabled": True}
    site = make_site()
    async with opened(site):
        yield site


@pytest.fixture
def browser(console: Site) -> Browser:
    return Browser(console)
