"""The sample site: every page is there and points at the widget server."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from starlette.applications import Starlette

from tests.mail.test_mail import ROW
from widget.demo.mail import take_mails
from widget.demo.site import PAGES, create_site
from widget.domain.message import MailContent
from widget.mail import MailSink
from widget.settings import SmtpSettings

pytestmark = pytest.mark.anyio
WIDGET = "http://127.0.0.1:8123"


@pytest.fixture
def mail() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def sample(mail: socket.socket) -> Starlette:
    return create_site(WIDGET, simulator_url="http://127.0.0.1:8456", mail=mail)


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
    assert (script in response.text) == (path not in ("/no-script", "/messages"))
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
    assert "Nothing yet." in (await site.get("/messages")).text
    posted = await site.post("/hook", json={"type": "survey.alert", "data": {"text": "Grüße <b>"}})
    assert posted.status_code == 204
    shown = (await site.get("/messages")).text
    assert "Webhook: survey.alert" in shown
    assert "Grüße &lt;b&gt;" in shown


async def test_a_mail_can_be_looked_at_and_runs_nothing(
    sample: Starlette, site: httpx.AsyncClient, mail: socket.socket
) -> None:
    url = f"smtp://127.0.0.1:{mail.getsockname()[1]}"
    table = {"url": url, "from": "chat@example.com", "to": ["office@example.com"]}
    html = "<p>Hello</p><script>x</script>"
    content = MailContent("Message from Ada", "Hello\n.\nworld", html, ("Ada", "ada@example.com"))
    async with sample.router.lifespan_context(sample):
        await MailSink(SmtpSettings.model_validate(table), lambda row: content).submit(ROW)
    shown = (await site.get("/messages")).text
    assert "Mail: Message from Ada" in shown
    assert "Ada &lt;ada@example.com&gt;" in shown
    assert "Hello\n.\nworld" in shown
    page = await site.get("/messages/1")
    assert page.text == html
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'; sandbox")
    assert (await site.get("/messages/2")).status_code == 404


async def test_a_mail_with_a_line_that_is_too_long_is_not_taken_and_ends_its_connection() -> None:
    taken: list[bytes] = []
    client, server = socket.socketpair()
    with client:
        client.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=server, limit=1_000)
        client.sendall(b"DATA\r\n" + b"x" * 2_000 + b"\r\n.\r\n")
        async with asyncio.timeout(30):
            await take_mails(reader, writer, taken.append)
    assert taken == []
    assert writer.is_closing()
