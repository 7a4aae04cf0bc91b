"""The greeting: once in a tab, after its time, told politely, closed for good, and never in the way."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.page_time import ask_again, pass_time, visit
from tests.browser.standin import StubServers

BUBBLE, BUTTON, LIVE = ".ece-chat-greeting", ".ece-chat-button", ".ece-chat-live"
STORED = "[localStorage.length, sessionStorage.length]"


@pytest.fixture
def greeted(at: StubServers, page: Page) -> Page:
    """A page whose greeting is seen."""
    at.chat.greeting = "Questions about gears?"
    visit(page, at.page(at.tag() + "<input id=search>"))
    expect(page.locator(BUTTON)).to_be_visible()
    page.locator("#search").focus()
    pass_time(page, 21, step=1)
    expect(page.locator(BUBBLE)).to_be_visible()
    return page


def test_it_comes_after_its_time_is_announced_and_takes_no_focus(at: StubServers, page: Page) -> None:
    at.chat.greeting = "Questions about gears?"
    visit(page, at.page(at.tag() + "<input id=search>"))
    expect(page.locator(BUTTON)).to_be_visible()
    page.locator("#search").focus()
    pass_time(page, 19, step=1)
    page.clock.run_for(900)
    expect(page.locator(BUBBLE)).to_be_hidden()
    page.clock.run_for(100)
    expect(page.locator(BUBBLE)).to_be_visible()
    expect(page.locator(LIVE)).to_have_text("Questions about gears?")
    expect(page.locator("#search")).to_be_focused()
    assert page.evaluate(STORED) == [0, 0], "what was not closed is not kept"


def test_it_is_announced_once_and_what_is_old_is_not_announced_again(at: StubServers, greeted: Page) -> None:
    greeted.evaluate("""() => {
      window.said = [];
      const live = document.querySelector("ece-chat").shadowRoot.querySelector(".ece-chat-live");
      new MutationObserver(() => said.push(live.textContent)).observe(live, { childList: true });
    }""")
    for minute in range(3):
        at.chat.as_of = f"2026-11-24T08:0{minute}:30Z"
        pass_time(greeted, 7, step=1)
        expect(greeted.locator(".ece-chat")).to_have_attribute("data-as-of", at.chat.as_of)
    assert greeted.evaluate("said") == []
    expect(greeted.locator(BUBBLE)).to_be_visible()


@pytest.mark.parametrize("how", ["Escape", "button"])
def test_it_is_closed_for_this_tab_alone_and_that_alone_is_kept(
    at: StubServers, greeted: Page, context: BrowserContext, how: str
) -> None:
    if how == "Escape":
        greeted.keyboard.press("Escape")
        expect(greeted.locator("#search")).to_be_focused()
    else:
        greeted.get_by_role("button", name="Close").click()
        expect(greeted.locator(BUTTON)).to_be_focused()
    expect(greeted.locator(BUBBLE)).to_be_hidden()
    assert greeted.evaluate("Object.entries({ ...sessionStorage })") == [["ece-chat", "1"]]
    greeted.reload()
    pass_time(greeted, 1, step=1)
    expect(greeted.locator(BUTTON)).to_be_visible()
    pass_time(greeted, 60)
    expect(greeted.locator(BUBBLE)).to_be_hidden()


def test_it_goes_when_chat_closes_and_does_not_come_again(at: StubServers, greeted: Page) -> None:
    at.chat.show, at.chat.state = False, "unavailable"
    ask_again(greeted)
    expect(greeted.locator(BUBBLE)).to_have_count(0)
    at.chat.show, at.chat.state = True, "available"
    ask_again(greeted)
    expect(greeted.locator(BUTTON)).to_be_visible()
    pass_time(greeted, 60)
    expect(greeted.locator(BUBBLE)).to_be_hidden()
    assert greeted.evaluate(STORED) == [0, 0]


def test_it_opens_the_chat_and_goes(at: StubServers, greeted: Page) -> None:
    with greeted.expect_popup():
        greeted.locator(BUBBLE).get_by_text("Questions").click()
    expect(greeted.locator(BUBBLE)).to_be_hidden()


def test_one_of_several_launchers_greets(at: StubServers, page: Page) -> None:
    at.chat.greeting = "Questions about gears?"
    elements = "".join(f'<ece-chat entry-point="{name}"></ece-chat>' for name in ("sales", "support"))
    visit(page, at.page(elements + at.tag("")))
    expect(page.locator(BUTTON)).to_have_count(2)
    pass_time(page, 60)
    expect(page.locator(BUBBLE).filter(visible=True)).to_have_count(1)


def test_nobody_is_greeted_where_it_could_not_be_kept_that_it_was_closed(at: StubServers, page: Page) -> None:
    at.chat.greeting = "Questions about gears?"
    page.add_init_script("""Object.defineProperty(window, "sessionStorage", {
      get() { throw new DOMException("no", "SecurityError"); } })""")
    visit(page, at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    pass_time(page, 30)
    expect(page.locator(BUBBLE)).to_be_hidden()


@pytest.mark.parametrize("seen", [True, False], ids=["while it is seen", "before its time"])
def test_nothing_greets_after_destroy(at: StubServers, page: Page, seen: bool) -> None:
    at.chat.greeting = "Questions about gears?"
    visit(page, at.page('<ece-chat entry-point="sales"></ece-chat>' + at.tag("")))
    expect(page.locator(BUTTON)).to_be_visible()
    pass_time(page, 21 if seen else 10, step=1)
    page.evaluate("eceChat.destroy()")
    pass_time(page, 60)
    expect(page.locator(LIVE)).to_have_text("")
    assert page.locator("ece-chat").get_attribute("data-greeting") is None


def test_nobody_is_greeted_by_a_launcher_that_has_nothing_drawn(at: StubServers, page: Page) -> None:
    at.chat.greeting = "Questions about gears?"
    visit(page, at.page('<ece-chat entry-point="sales"></ece-chat>' + at.tag("")))
    expect(page.locator(BUTTON)).to_be_visible()
    at.chat.fault = "500"
    page.evaluate("document.querySelector('ece-chat').setAttribute('entry-point', 'support')")
    pass_time(page, 60)
    expect(page.locator(BUTTON)).to_have_count(0)
    expect(page.locator(LIVE)).to_have_text("")


def test_it_is_not_printed(greeted: Page) -> None:
    greeted.emulate_media(media="print")
    expect(greeted.locator(BUBBLE)).to_be_hidden()
