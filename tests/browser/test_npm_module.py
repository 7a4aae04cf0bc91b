"""The module of the npm package in a page: it loads the script once, waits for it, and says what went wrong."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.standin import StubServers
from tests.release.npm_types import PACKAGE

BUTTON = ".ece-chat-button"
JAVASCRIPT = {"Content-Type": "text/javascript; charset=utf-8"}
SCRIPTS = "document.querySelectorAll('script[src]').length"


@pytest.fixture(autouse=True)
def _opened(at: StubServers, page: Page) -> None:
    """A page of a site that serves the module."""
    at.site.page("/ece-widget.js", (PACKAGE / "index.js").read_text(encoding="utf-8"), JAVASCRIPT)
    page.goto(
        at.page("<script type=module>import * as all from '/ece-widget.js'; Object.assign(window, all);</script>")
    )
    page.wait_for_function("'loadEceChat' in window")


def refusal(page: Page, server: str) -> str:
    """Return what loading from a server that has no script of ours is refused with."""
    said: str = page.evaluate("(server) => loadEceChat(server).then(() => '', (fault) => fault.message)", server)
    return said


def test_two_calls_at_once_get_one_script_and_what_it_offers(at: StubServers, page: Page) -> None:
    assert page.evaluate(SCRIPTS) == 0
    same = "(server) => Promise.all([loadEceChat(server), loadEceChat(server)]).then(([one, two]) => one == two)"
    assert page.evaluate(same, at.origin)
    page.evaluate("(server) => loadEceChat(server).then((chat) => chat.create({ entryPoint: 'sales' }))", at.origin)
    expect(page.locator(BUTTON)).to_be_visible()
    assert page.evaluate(SCRIPTS) == 1


def test_a_page_that_has_the_script_already_gets_no_other(at: StubServers, page: Page) -> None:
    page.add_script_tag(url=f"{at.origin}/widget.js")
    assert page.evaluate("(server) => loadEceChat(server).then((chat) => chat == window.eceChat)", at.origin)
    assert page.evaluate(SCRIPTS) == 1


def test_a_server_without_the_script_is_told_and_the_next_call_tries_again(at: StubServers, page: Page) -> None:
    assert refusal(page, f"{at.site.origin}/") == f"ece-widget: {at.site.origin}/widget.js could not be loaded"
    assert page.evaluate("(server) => loadEceChat(server).then((chat) => typeof chat.create)", at.origin) == "function"


def test_a_script_that_is_another_is_told(at: StubServers, page: Page) -> None:
    at.site.page("/widget.js", "", JAVASCRIPT)
    assert refusal(page, at.site.origin) == f"ece-widget: {at.site.origin}/widget.js is not ECE Widget's script"
