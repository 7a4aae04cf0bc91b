"""The sample site: every page is there and points at the widget server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from widget.demo.site import PAGES, create_site

pytestmark = pytest.mark.anyio
WIDGET = "http://127.0.0.1:8123"


@pytest.fixture
def sample() -> Starlette:
    return create_site(WIDGET, simulator_url="http://127.0.0.1:8456")


@pytest.fixture
async def site(sample: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sample), base_url="http://site.example") as client:
        yield client


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_points_at_the_widget_server_and_its_files_are_there(
    site: httpx.AsyncClient, path: str
) -> None:
    response = await site.get(path)
    assert response.status_code == 200
    assert "127.0.0.1:8000" not in response.text
    script = f'<script async src="{WIDGET}/widget.js"'
    assert (script in response.text) == (path != "/no-script")
    for file in set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', response.text)):
        assert (await site.get(file)).status_code == 200


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_has_inline_style_or_script(site: httpx.AsyncClient, path: str) -> None:
    text = (await site.get(path)).text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)
    assert re.findall(r"<script[^>]*>(?!</script>)", text) == []


async def test_the_strict_page_allows_the_widget_server_and_nothing_else(site: httpx.AsyncClient) -> None:
    policy = (await site.get("/strict")).headers["content-security-policy"]
    assert policy == (
        f"default-src 'none'; script-src {WIDGET}; connect-src {WIDGET}; "
        "require-trusted-types-for 'script'; style-src 'self'; img-src 'self'"
    )
    assert "frame-ancestors 'none'" in (await site.get("/")).headers["content-security-policy"]


async def test_the_pages_say_their_language_and_direction(site: httpx.AsyncClient) -> None:
    assert '<html lang="de" dir="ltr">' in (await site.get("/de")).text
    assert '<html lang="ar" dir="rtl">' in (await site.get("/ar")).text


async def test_the_page_without_script_links_to_the_chat(site: httpx.AsyncClient) -> None:
    text = (await site.get("/no-script")).text
    assert f'href="{WIDGET}/v1/chat/sales?locale=en"' in text
    assert "<script" not in text


async def test_what_the_webhook_got_can_be_looked_at(site: httpx.AsyncClient) -> None:
    assert "No message" in (await site.get("/messages")).text
    assert (await site.post("/hook", json={"type": "message.left", "data": {"text": "Grüße"}})).status_code == 204
    shown = await site.get("/messages")
    assert "Grüße" in shown.text
    assert shown.headers["content-type"].startswith("text/plain")
