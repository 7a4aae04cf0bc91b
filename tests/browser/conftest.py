"""A real Chromium, and real servers on three origins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.real_servers import RealServers, serve_all
from tests.browser.standin import StubServers, reset, serve_stubs
from tests.chromium import chromium as started


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="module")
def servers() -> Iterator[StubServers]:
    with serve_stubs() as running:
        yield running


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServers]:
    with serve_all(tmp_path_factory.mktemp("real")) as running:
        yield running


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for all the tests of this folder: to start it takes as long as three tests."""
    # Some host pages come from no server, which Chromium takes for a public network.
    with started("--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests") as browser:
        yield browser


@pytest.fixture
def at(servers: StubServers) -> StubServers:
    """The servers, answering as at the start and with no pages up."""
    reset(servers.chat)
    servers.site.pages.clear()
    return servers


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1024, "height": 720})
    yield context
    context.unroute_all(behavior="ignoreErrors")  # what a page still asks for at the end of its test is nobody's fault
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page into which nothing may be thrown."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    assert faults == []
