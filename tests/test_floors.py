"""Versions below which something we bring along has a known weakness, and that weakness' payload against ours.

A floor is held three times: by what pyproject.toml asks for, by the lock file, and by what runs here.
"""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Awaitable, Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import h11
import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.processor_speed import slowness
from tests.release.packages import ROOT, locked
from tests.web.conftest import Site, authority, make_site, site
from widget.domain.errors import EceError
from widget.ece import wire
from widget.store.sqlite import SqliteDatabase, choose_driver
from widget.texts import Texts
from widget.themes import Themes
from widget.web.pages.templating import Templates

__all__ = ["authority", "make_site", "site"]

# Package → the first version without the weaknesses that are known of it.
FLOORS = {
    "starlette": "1.3.1",  # Range in square time, paths that move the authority, form limits left out, UNC names
    "h11": "0.16.0",  # CVE-2025-43859, chunks that end in anything
    "lxml": "6.1.0",  # CVE-2026-41066, external entities through iterparse
    "jinja2": "3.1.6",  # attribute names from users in xmlattr, ways out of the sandbox
    "uvicorn": "0.53",  # CVE-2020-7694 and -7695, line ends in logs and headers; closes what should close
}
SQLITE_FLOOR = (3, 51, 3)  # two connections that write and checkpoint at one moment damaged the file
QUICK = 0.05  # seconds of processor time for an answer
URL_ENCODED = {"content-type": "application/x-www-form-urlencoded"}


def requirements() -> dict[str, Requirement]:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {canonicalize_name((each := Requirement(text)).name): each for text in table["dependencies"]}


@pytest.mark.parametrize(("package", "floor"), FLOORS.items(), ids=FLOORS)
def test_nothing_below_a_floor_is_installed_locked_or_asked_for(package: str, floor: str) -> None:
    assert Version(metadata.version(package)) >= Version(floor)
    versions = {canonicalize_name(name): version for name, version, _ in locked()}
    assert Version(versions[canonicalize_name(package)]) >= Version(floor)
    asked = requirements().get(canonicalize_name(package))
    if asked is not None:  # h11 comes with httpx
        lowest = [Version(each.version) for each in asked.specifier if each.operator == ">="]
        assert lowest
        assert lowest[0] >= Version(floor)


def test_the_sqlite_that_is_used_does_not_damage_its_file(tmp_path: Path) -> None:
    """With a floor of its own beside the product's: a version below it gets no WAL."""
    database = SqliteDatabase(tmp_path / "outbox.db")
    assert (choose_driver().sqlite_version_info >= SQLITE_FLOOR) == (database.caution is None)


@pytest.mark.parametrize(
    ("system", "machine", "asked"),
    [
        ("Linux", "x86_64", True),
        ("Linux", "aarch64", False),
        ("Linux", "armv7l", False),
        ("Linux", "ppc64le", False),
        ("Linux", "riscv64", False),
        ("Darwin", "arm64", False),
        ("Darwin", "x86_64", False),
    ],
)
def test_the_package_with_the_newer_sqlite_is_asked_for_only_where_it_has_wheels(
    system: str, machine: str, asked: bool
) -> None:
    """Elsewhere pip would build it, which takes a compiler and gives the machine's own SQLite."""
    marker = requirements()["pysqlite3"].marker
    (in_the_lock,) = (text for name, _, text in locked() if name == "pysqlite3")
    where = {"platform_system": system, "platform_machine": machine}
    assert marker is not None
    assert (marker.evaluate(where), Marker(in_the_lock).evaluate(where)) == (asked, asked)


def test_no_form_parser_for_uploads_is_locked() -> None:
    assert {"python-multipart", "multipart"} & {canonicalize_name(name) for name, _, _ in locked()} == set()


async def quickest(ask: Callable[[], Awaitable[Any]]) -> tuple[Any, float]:
    """Return an answer and the least processor time of three tries, since the machine has other things to do."""
    least, answer = 9.0, None
    for _ in range(3):
        started = time.process_time()
        answer = await ask()
        least = min(least, (time.process_time() - started) / slowness())
    return answer, least


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/widget.js", "/survey/start", "/v1/status/sales"])
async def test_a_flood_of_ranges_is_answered_at_once(site: Site, path: str) -> None:
    flood = "bytes=" + ",".join(f"{at}-{at}" for at in range(0, 9_000, 2))
    answer, took = await quickest(lambda: site.get(path, headers={"range": flood}))
    assert answer.status_code < 500
    assert answer.status_code != 206 or len(answer.content) < 100_000
    assert took < QUICK


@pytest.mark.anyio
async def test_a_flood_of_fields_is_refused_at_once(site: Site) -> None:
    body = "&".join(f"f{at}=x" for at in range(60_000)).encode()
    answer, took = await quickest(lambda: site.ask("POST", "/survey/start", content=body, headers=URL_ENCODED))
    assert 400 <= answer.status_code < 500
    assert took < QUICK


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/survey/start", "/survey/some-token", "/v1/survey-links"])
async def test_an_upload_is_refused_before_it_is_parsed(site: Site, path: str) -> None:
    body = b"--x\r\n" + b"Content-Disposition: form-data; name=a\r\n" * 1_000 + b"\r\n\r\n" + b"-" * 40_000
    headers = {"content-type": "multipart/form-data; boundary=x", "authorization": "Bearer operator-token-for-tests"}
    answer, took = await quickest(lambda: site.ask("POST", path, content=body, headers=headers))
    assert answer.status_code in (401, 403, 404, 413, 415)
    assert took < QUICK


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["evil.example", "chat.example.com@evil.example", "chat.example.com/evil.example"])
async def test_a_host_of_the_senders_choice_is_in_no_answer_but_the_one_that_refuses_it(site: Site, host: str) -> None:
    for path in ("/v1/chat/sales", "/survey/start", "/v1/status/sales/", "/openapi.json", "/v1/launcher/sales"):
        answer = await site.get(path, headers={"host": host})
        assert "evil.example" not in answer.text or answer.status_code == 421
        assert "evil.example" not in str(answer.headers)
        assert answer.status_code < 500


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["@evil.example/v1/status/sales", "evil.example", "", "*", "//evil.example/widget.js"])
async def test_a_path_that_starts_elsewhere_moves_nothing(site: Site, path: str) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"chat.example.com")],
        "client": ("198.51.100.7", 1),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
    await site.app(scope, receive, send)
    assert 400 <= sent[0]["status"] < 500
    assert b"evil.example" not in b"".join(value for _, value in sent[0]["headers"])


@pytest.mark.anyio
@pytest.mark.parametrize(
    "name",
    [
        *("..%2f..%2fpyproject.toml", "%2e%2e/pyproject.toml", "..\\..\\pyproject.toml"),
        *("%5c%5cevil.example%5cshare%5cx", "widget.v1.%00.js", "static/widget.js", "..;/widget.js"),
    ],
)
async def test_file_names_lead_to_no_file(site: Site, name: str) -> None:
    for folder in ("/", "/widget", "/survey."):
        answer = await site.get(folder + name)
        assert answer.status_code in (400, 404)
        assert "[project]" not in answer.text


def test_an_external_entity_is_never_opened(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("true")
    for declaration in (
        f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{canary}">]>',
        f'<!DOCTYPE a SYSTEM "file://{canary}">',
        f'<!DOCTYPE a [<!ENTITY % x SYSTEM "file://{canary}"> %x;]>',
    ):
        for call in (wire.chat_allowed, wire.agent_availability, wire.capacity, wire.live_session_status):
            body = f'<?xml version="1.0"?>{declaration}<chatAllowed allowed="&x;">&x;</chatAllowed>'.encode()
            with pytest.raises(EceError) as refused:
                call(body)
            assert str(canary) not in str(refused.value)


def test_text_of_a_visitor_is_escaped_in_every_template_whatever_its_file_is_called(tmp_path: Path) -> None:
    markup = '"><script>x</script>'
    (tmp_path / "default").mkdir()
    for name in ("closed.html", "page.css"):
        (tmp_path / "default" / name).write_text('<p {{ {"title": text}|xmlattr }}>{{ text }}</p>')
    templates = Templates(Themes.load(tmp_path), Texts.load(tmp_path), on_failure=lambda fault: None)
    for name in ("closed.html", "page.css"):
        page = templates.render(name, theme="default", language="en", values={"text": markup})
        assert "<script>" not in page
        assert "&lt;script&gt;" in page


def test_no_template_makes_attribute_names_of_values() -> None:
    """The payload of xmlattr's weakness is a key; ours are all written in the template."""
    found = [str(file) for file in _templates() if re.search(r"\|\s*xmlattr", file.read_text())]
    assert found == []


def _templates() -> Iterable[Path]:
    return (file for file in (ROOT / "templates").rglob("*") if file.suffix in (".html", ".css"))


@pytest.mark.parametrize("end", [b"XX", b"\r\r", b"\n\n", b"0\r"])
def test_a_chunk_that_ends_in_anything_else_is_refused_by_the_client_of_ece(end: bytes) -> None:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "ece")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc" + end + b"0\r\n\r\n")
    with pytest.raises(h11.RemoteProtocolError):
        read_to_the_end(connection)


def read_to_the_end(connection: h11.Connection) -> None:
    while not isinstance(connection.next_event(), h11.EndOfMessage):
        pass
