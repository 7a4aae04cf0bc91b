"""Whatever a page does, it has exactly the launchers that it asks for: none left over, none missing."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.standin import ROOT, StubServers

STEPS = 15
SCRIPT = (ROOT / "tests" / "browser" / "walks.js").read_text(encoding="utf-8")


def put_up(at: StubServers) -> str:
    """Put up the page around the walks and the one that each walk begins with; return the address."""
    frame = f'<!doctype html><html lang="en"><head><script>{SCRIPT}</script></head><body><main></main></body></html>'
    at.site.page("/walk", frame)
    return at.page(f"<script>{SCRIPT}</script>")


def test_a_page_has_exactly_the_launchers_that_it_asks_for(at: StubServers, page: Page) -> None:
    page.goto(put_up(at))
    faults = page.evaluate(
        "([seeds, steps, script]) => walks(seeds, steps, script)", [list(range(10)), STEPS, at.origin + "/widget.js"]
    )
    assert faults == []
