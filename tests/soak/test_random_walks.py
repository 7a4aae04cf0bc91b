"""Two hundred random walks in each of the three engines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.browser.engines import firefox, until, webkit
from tests.browser.standin import StubServers
from tests.browser.test_random_walks import STEPS, put_up
from tests.chromium import chromium

SEEDS = range(1000, 1200)


def asking(at: StubServers) -> str:
    return f"walks({json.dumps(list(SEEDS))}, {STEPS}, {json.dumps(at.origin + '/widget.js')})"


def test_chromium_has_exactly_the_launchers_that_pages_ask_for(at: StubServers) -> None:
    with chromium() as browser:
        page = browser.new_page()
        page.goto(put_up(at))
        assert page.evaluate(asking(at)) == []


@pytest.mark.parametrize("engine", [firefox, webkit])
def test_the_other_engines_have_exactly_the_launchers_that_pages_ask_for(
    at: StubServers, tmp_path: Path, engine: Any
) -> None:
    with engine(tmp_path) as running:
        running.visit(put_up(at))
        running.run(f"{asking(at)}.catch((fault) => [String(fault)]).then((faults) => (window.found = faults))")
        until(lambda: running.run("return Boolean(window.found)"), "the end of the walks", seconds=600)
        assert running.run("return window.found") == []
