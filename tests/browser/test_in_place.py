"""New numbers change text and attributes: the button stays the same node, keeps its focus, and comes in only once."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.real_servers import RealServers
from tests.browser.standin import StubServers

BUTTON = ".ece-chat-button"
KEEP = "(button) => { window.kept = button; window.root = button.parentNode; }"
IS_KEPT = "(button) => window.kept === button && window.root === button.parentNode"
STARTS = """(button) => {
  window.starts = 0;
  button.getRootNode().addEventListener('animationstart', () => { window.starts += 1; });
  window.age = () => Math.max(...button.getAnimations().map((each) => each.currentTime));
}"""


def answer(at: StubServers, page: Page, **values: str) -> None:
    """Have the launcher ask once more and draw what the server says now."""
    for name, value in values.items():
        setattr(at.chat, name, value)
    page.evaluate("eceChat.refresh()")


def test_new_numbers_leave_the_button_the_node_that_it_was(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag()))
    page.locator(BUTTON).evaluate(KEEP)
    answer(at, page, position="2")
    expect(page.locator(BUTTON)).to_have_text("Chat with us number 2")
    assert page.locator(BUTTON).evaluate(IS_KEPT)
    assert page.locator(".ece-chat").get_attribute("data-position") == "2"


def test_focus_is_not_lost_for_a_moment(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag()))
    page.locator(BUTTON).focus()
    page.locator(BUTTON).evaluate("""(button) => {
      window.moved = 0;
      for (const type of ["focusin", "focusout"]) button.getRootNode().addEventListener(type, () => { moved += 1; });
    }""")
    answer(at, page, position="2")
    expect(page.locator(BUTTON)).to_contain_text("number 2")
    expect(page.locator(BUTTON)).to_be_focused()
    assert page.evaluate("moved") == 0


def test_a_part_that_comes_or_goes_leaves_the_rest(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag()))
    page.locator(BUTTON).evaluate(KEEP)
    answer(at, page, label="Chat <b>now</b>")
    expect(page.locator(f"{BUTTON} b")).to_have_text("now")
    answer(at, page, label="Chat with us")
    expect(page.locator(f"{BUTTON} b")).to_have_count(0)
    expect(page.locator(BUTTON)).to_have_text("Chat with us number 3")
    assert page.locator(BUTTON).evaluate(IS_KEPT)


def test_attributes_come_change_and_go(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    answer(at, page, direction="rtl", label='<i title="one" class="a">x</i>')
    expect(page.locator(f"{BUTTON} i")).to_have_attribute("title", "one")
    expect(page.locator(".ece-chat")).to_have_attribute("dir", "rtl")
    page.locator(f"{BUTTON} i").evaluate("(node) => { window.kept = node; }")
    answer(at, page, label='<i lang="de" class="a">y</i>')
    expect(page.locator(f"{BUTTON} i")).to_have_text("y")
    assert page.locator(f"{BUTTON} i").evaluate("(node) => node === kept && node.title === '' && node.lang === 'de'")


def test_an_animation_of_the_button_goes_on(at: StubServers, page: Page) -> None:
    at.chat.extra_css = "@keyframes in { from { opacity: 0 } } .ece-chat-button { animation: in 60s }"
    page.goto(at.page(at.tag()))
    page.locator(BUTTON).evaluate(STARTS)
    page.wait_for_function("age() > 200")
    answer(at, page, position="2")
    expect(page.locator(BUTTON)).to_contain_text("number 2")
    page.wait_for_function("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
    assert page.evaluate("age()") > 200
    assert page.evaluate("starts") == 0


def test_the_link_for_a_blocked_window_stands_beside_what_is_drawn(at: StubServers, page: Page) -> None:
    page.goto(at.page("<script>window.open = () => null;</script>" + at.tag()))
    page.locator(BUTTON).click()
    link = page.get_by_role("link", name="Open in a new window")
    expect(link).to_be_focused()
    assert link.evaluate("(link) => link.parentNode.parentNode === link.getRootNode()")
    answer(at, page, position="1")
    expect(page.locator(BUTTON)).to_contain_text("number 1")
    expect(link).to_be_focused()
    at.chat.show = False
    page.evaluate("eceChat.refresh()")
    expect(page.locator(BUTTON)).to_have_count(0)
    expect(link).to_be_hidden()


def test_a_message_that_was_closed_stays_away_until_it_says_something_else(at: StubServers, page: Page) -> None:
    at.chat.show = False
    at.chat.message = "We are closed."
    page.goto(at.page(at.tag()))
    message = page.locator(".ece-chat-message")
    page.locator(".ece-chat-dismiss").click()
    expect(message).to_have_count(0)
    answer(at, page, as_of="2026-11-24T08:00:05Z")
    expect(page.locator(".ece-chat")).to_have_attribute("data-as-of", at.chat.as_of)
    expect(message).to_have_count(0)
    answer(at, page, message="We open at nine.")
    expect(message).to_contain_text("We open at nine.")


def test_the_shipped_launcher_changes_in_place(real: RealServers, page: Page) -> None:
    real.tell("/control/reset", {})
    page.goto(real.site + "/elements")
    button = page.locator("ece-chat[entry-point=sales] .ece-chat-button").first
    button.evaluate(KEEP)
    before = button.text_content()
    real.tell("/control/entry-points/1001", {"fixed_wait": 170, "fixed_depth": 2})
    page.wait_for_function("(before) => { eceChat.refresh(); return kept.textContent !== before; }", arg=before)
    assert button.evaluate(IS_KEPT)
