"""The table of addresses is the routes, an address matches as a whole, and its row decides what is logged."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route

from tests.web.conftest import Site
from widget.web.addresses import ADDRESSES, UNMATCHED, Faults, find, methods_of, shows_a_page

pytestmark = pytest.mark.anyio

CONTROL = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
SAMPLES = {"entry_point": "sales", "token": "t", "fingerprint": "f", "hash": "h", "file": "x.css", "row": "7"}


@pytest.fixture
def site(table: dict[str, Any], make_site: Callable[[], Site]) -> Site:
    """The product with everything that has addresses."""
    table["console"] = {"enabled": True}
    return make_site()


def routes_of(site: Site) -> list[Route]:
    app: Any = site.app
    while not isinstance(app, Starlette):
        app = app._app
    return [route for route in app.routes if isinstance(route, Route)]


def test_every_route_is_in_the_table_and_every_row_is_a_route(site: Site) -> None:
    routed = {
        (method, find(route.path, method).pattern)
        for route in routes_of(site)
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert routed == {(each.method, each.pattern) for each in ADDRESSES}


async def test_what_a_row_allows_is_what_its_route_takes(site: Site) -> None:
    for route in routes_of(site):
        answer = await site.ask("OPTIONS", route.path.format(**SAMPLES))
        assert answer.headers["allow"] == methods_of(find(route.path))


@pytest.mark.parametrize("row", ADDRESSES, ids=lambda row: f"{row.method} {row.pattern}")
def test_an_address_matches_as_a_whole(row: Any) -> None:
    path = row.pattern.format(**SAMPLES)
    assert find(path, row.method) is row
    for other in (f"{path}/", f"/{path}", f"{path}\n", f"\n{path}", path.upper()):
        assert find(other, row.method) is not row
    for control in CONTROL:
        assert find(path + control, row.method).pattern == UNMATCHED
        assert find(path[:3] + control + path[3:], row.method).pattern == UNMATCHED


@pytest.mark.parametrize("control", ["\n", "\0", "\x7f", "\x85"])
async def test_an_address_with_a_control_character_is_nothing(site: Site, control: str) -> None:
    token = {"authorization": "Bearer operator-token-for-tests"}
    for route in routes_of(site):
        path = route.path.format(**SAMPLES)
        for odd in (path + control, control.join(path.rpartition("/"))):
            answer = await site.get(quote(odd), headers=token)
            assert answer.status_code == 404, odd
            assert "ece_widget" not in answer.text


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_any_path_has_a_row(path: str) -> None:
    assert find("/" + path).method


def test_a_fault_beside_an_address_looks_like_a_fault_at_it() -> None:
    assert find("/survey/a/b").faults is Faults.PAGE
    assert find("/v1/chat").faults is Faults.PAGE
    assert find("/v1/status/a/b").faults is Faults.JSON
    assert find("/v1/anything").faults is Faults.JSON
    assert find("/anything").faults is Faults.BY_ACCEPT
    assert find("/metrics/x").pattern == UNMATCHED


def test_the_connection_guard_knows_which_addresses_are_pages() -> None:
    assert shows_a_page(b"/v1/chat/sales?locale=de")
    assert shows_a_page(b"/%73urvey/t")
    assert not shows_a_page(b"/v1/status/sales?/v1/chat/")
    assert not shows_a_page(b"")


async def test_probes_and_scrapes_are_not_in_the_log_unless_they_fail(site: Site, log_lines: io.StringIO) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/metrics", "/preview"):
        await site.get(path)
    lines = [json.loads(line) for line in log_lines.getvalue().splitlines()]
    requests = [(line["route"], line["status"]) for line in lines if line["event"] == "request"]
    assert ("/healthz", 200) not in requests
    assert ("/metrics", 401) in requests
    assert ("/preview", 401) in requests
