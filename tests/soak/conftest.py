"""The same databases as in tests/store, and the same servers as in tests/browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import real
from tests.browser.standin import StubServers, serve_stubs
from tests.chromium import chromium
from tests.store.conftest import cluster, url

__all__ = ["cluster", "real", "url"]


@pytest.fixture(scope="module")
def at() -> Iterator[StubServers]:
    with serve_stubs() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started
