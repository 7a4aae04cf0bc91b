"""Tell me when it opens: asked for by a click, told within 30 seconds of the answer, by each page at its own time."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.page_time import pass_time, visit
from tests.browser.standin import StubServers

BUTTON, LIVE = ".ece-chat-button", ".ece-chat-live"
# Stands in for the browser's: no window of the tests may be asked, and none shows a notification.
NOTIFICATION = """
  window.asked = 0;
  window.shown = [];
  window.Notification = class { constructor(words) { shown.push(words); } };
  Notification.requestPermission = async () => { asked += 1; };
"""


@pytest.fixture
def closed(at: StubServers, page: Page) -> Page:
    """A page with a closed launcher that offers to tell."""
    at.chat.show, at.chat.state, at.chat.message, at.chat.tells = False, "unavailable", "Chat is closed.", True
    page.add_init_script(NOTIFICATION)
    visit(page, at.page(at.tag()))
    expect(page.get_by_role("button", name="Tell me")).to_be_visible()
    return page


def test_a_click_asks_for_permission_and_says_that_it_waits(closed: Page) -> None:
    assert closed.evaluate("asked") == 0
    closed.get_by_role("button", name="Tell me").click()
    assert closed.evaluate("asked") == 1
    expect(closed.locator(LIVE)).to_have_text("We will tell you here.")
    expect(closed.get_by_role("button", name="We will tell you here.")).to_be_focused()
    assert closed.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


def test_a_hidden_tab_goes_on_asking_and_tells_within_thirty_seconds(at: StubServers, closed: Page) -> None:
    closed.get_by_role("button", name="Tell me").click()
    closed.evaluate("""() => {
      Object.defineProperty(Document.prototype, "hidden", { get: () => true, configurable: true });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    }""")
    asked = len(at.chat.requests)
    pass_time(closed, 20, step=1)
    assert len(at.chat.requests) >= asked + 3
    assert closed.evaluate("shown") == []
    at.chat.show, at.chat.state = True, "available"
    pass_time(closed, 37, step=1)  # the next check at the server's pace, 6 seconds at most, and the lot
    expect(closed.locator(BUTTON)).to_be_visible()
    expect(closed.locator(LIVE)).to_have_text("You would be number 3.")
    assert closed.evaluate("shown") == ["You would be number 3."]
    asked = len(at.chat.requests)
    pass_time(closed, 20, step=1)
    assert len(at.chat.requests) == asked, "who was told waits no more"


def test_what_closes_again_before_the_lot_is_not_told(at: StubServers, closed: Page) -> None:
    closed.evaluate("Math.random = () => 0.99")
    closed.get_by_role("button", name="Tell me").click()
    at.chat.show, at.chat.state = True, "available"
    pass_time(closed, 10, step=1)
    expect(closed.locator(BUTTON)).to_have_count(0)
    at.chat.show, at.chat.state = False, "unavailable"
    pass_time(closed, 40, step=1)
    assert closed.evaluate("shown") == []
    expect(closed.get_by_role("button", name="We will tell you here.")).to_be_visible()


def test_a_browser_that_shows_no_notification_tells_in_the_page(at: StubServers, closed: Page) -> None:
    closed.evaluate("() => { Notification = class { constructor() { throw new TypeError('Illegal constructor'); } } }")
    closed.get_by_role("button", name="Tell me").click()
    at.chat.show, at.chat.state = True, "available"
    pass_time(closed, 37, step=1)
    expect(closed.locator(LIVE)).to_have_text("You would be number 3.")


LATEST = 36_500  # milliseconds: the next check, 6 seconds at most, and 30 of the lot


def told_at(at: StubServers, page: Page, count: int) -> list[int]:
    """Return when each of many launchers of one page told that chat had opened, in milliseconds from that on, sorted.

    The script's own rule; the page's clock and the answers are in the test's hand.
    """
    at.chat.message, at.chat.tells = "Chat is closed.", True
    answers = []
    for show in (False, True):
        at.chat.show = show
        answers.append(at.chat.launcher("sales"))
    page.add_init_script(NOTIFICATION)
    visit(page, at.page(at.tag("")))
    page.evaluate(
        """([count, closed, opened]) => {
          window.isOpen = false;
          window.pending = 0;
          window.fetch = async () => {
            const answer = new Response(isOpen ? opened : closed);
            pending += 1;
            answer.text = async () => {
              pending -= 1;
              return isOpen ? opened : closed;
            };
            return answer;
          };
          const made = document.createElement("div");
          made.style.cssText = "display: grid; position: absolute; top: 0";
          for (let at = 0; at < count; at++) {
            const element = document.createElement("ece-chat");
            const cell = document.createElement("div");
            cell.style.gridArea = "1 / 1"; // all in one place, so that all are in view
            element.setAttribute("entry-point", "sales");
            cell.append(element);
            made.append(cell);
          }
          document.querySelector("main").append(made);
        }""",
        [count, *answers],
    )
    page.clock.run_for(2_000)
    page.wait_for_function(
        f"document.querySelectorAll('ece-chat').length == {count}"
        " && [...document.querySelectorAll('ece-chat')].every(each => each.shadowRoot.querySelector('.ece-chat-tell'))"
    )
    page.evaluate(
        """() => {
          const all = [...document.querySelectorAll("ece-chat")];
          for (const each of all) each.shadowRoot.querySelector(".ece-chat-tell").click();
          isOpen = true;
          const times = [];
          const start = Date.now();
          window.Notification = class { constructor() { times.push(Date.now() - start); } };
          window.times = times;
        }"""
    )
    for _ in range(37):
        page.clock.run_for(1_000)
        page.wait_for_function("pending == 0")
    return sorted(int(time) for time in page.evaluate("times"))


def test_many_who_wait_are_told_one_after_the_other(at: StubServers, page: Page) -> None:
    """tests/soak/test_waiters.py has a thousand."""
    times = told_at(at, page, 60)
    assert len(times) == 60
    assert times[-1] <= LATEST
    assert len({time // 1_000 for time in times}) >= 15, "spread over half of the seconds, at the least"


def test_nobody_waits_after_destroy(at: StubServers, page: Page) -> None:
    at.chat.show, at.chat.state, at.chat.message, at.chat.tells = False, "unavailable", "Chat is closed.", True
    page.add_init_script(NOTIFICATION)
    visit(page, at.page('<ece-chat entry-point="sales"></ece-chat>' + at.tag("")))
    page.get_by_role("button", name="Tell me").click()
    page.evaluate("eceChat.destroy()")
    assert page.locator("ece-chat").evaluate("(element) => element.outerHTML") == (
        '<ece-chat entry-point="sales"></ece-chat>'
    )
    at.chat.show, at.chat.state = True, "available"
    page.add_script_tag(url=at.origin + "/widget.js")
    pass_time(page, 40, step=1)
    expect(page.locator(BUTTON)).to_be_visible()
    assert page.evaluate("shown") == []
