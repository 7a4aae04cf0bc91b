"""The dock and the survey's dialog: one each, named for what they are, never over the launcher, focus never lost."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.standin import StubServers

BUTTON = ".ece-chat-button:not(.ece-chat-return)"
BACK = "Back to your chat"
DIALOG = "ece-chat-panel dialog"
ELEMENT = '<ece-chat entry-point="support"></ece-chat>'


def end(page: Page) -> None:
    """Close the dock, past the question."""
    expect(page.frame_locator(f"{DIALOG}:visible iframe").get_by_role("heading")).to_be_visible()
    expect(page.locator(f"{DIALOG}:visible [data-when=loading]")).to_be_hidden()
    page.get_by_role("button", name="Close").press("Enter")
    page.get_by_role("button", name="End the chat").press("Enter")
    expect(page.locator(f"{DIALOG}:visible")).to_have_count(0)


def test_one_entry_point_has_one_dock_however_many_launchers_it_has(at: StubServers, page: Page) -> None:
    at.chat.open_in = "dock"
    page.goto(at.page(ELEMENT * 2 + at.tag("")))
    expect(page.locator(BUTTON)).to_have_count(2)
    page.locator(BUTTON).first.click()
    expect(page.frame_locator("iframe").get_by_role("heading")).to_have_text("Chat 1")
    page.get_by_role("button", name="Minimize").click()
    page.locator(BUTTON).last.click()
    expect(page.locator(DIALOG)).to_have_count(1)
    expect(page.locator("iframe")).to_be_visible()
    page.evaluate("(html) => { document.querySelector('main').innerHTML = html; }", ELEMENT)
    expect(page.locator(BUTTON)).to_have_count(1)
    page.locator(BUTTON).click()
    expect(page.locator(DIALOG)).to_have_count(1)
    end(page)
    page.locator(BUTTON).click()
    expect(page.locator(DIALOG)).to_be_visible()


def test_two_entry_points_have_a_dock_each_and_one_is_open_at_a_time(at: StubServers, page: Page) -> None:
    at.chat.extra_css = (
        ":host(:nth-child(2 of [data-placement=corner]:not([hidden]))) { margin-bottom: 5em !important }"
    )
    at.chat.open_in = "dock"
    page.goto(at.page(ELEMENT + '<ece-chat entry-point="sales"></ece-chat>' + at.tag("")))
    expect(page.locator(BUTTON)).to_have_count(2)
    for button in page.locator(BUTTON).all():
        button.click()
    expect(page.locator(DIALOG)).to_have_count(2)
    expect(page.locator(DIALOG).first).to_be_hidden()
    expect(page.locator(DIALOG).last).to_be_visible()
    expect(page.get_by_role("button", name=BACK)).to_have_count(0)
    page.get_by_role("button", name="Minimize").click()
    expect(page.get_by_role("button", name=BACK)).to_have_count(2)
    page.get_by_role("button", name=BACK).first.click()
    expect(page.locator(DIALOG).first).to_be_visible()
    expect(page.locator(DIALOG).last).to_be_hidden()


def test_a_dock_opens_again_after_destroy(at: StubServers, page: Page) -> None:
    at.chat.open_in = "dock"
    page.goto(at.page(ELEMENT + at.tag("")))
    page.locator(BUTTON).click()
    expect(page.locator(DIALOG)).to_be_visible()
    page.evaluate("eceChat.destroy()")
    expect(page.locator(DIALOG)).to_have_count(0)
    page.add_script_tag(url=at.origin + "/widget.js")
    page.locator(BUTTON).click()
    expect(page.locator(DIALOG)).to_be_visible()


def test_focus_goes_to_the_button_that_was_drawn_anew_meanwhile(at: StubServers, page: Page) -> None:
    at.chat.open_in = "dock"
    page.goto(at.page(at.tag()))
    page.locator(BUTTON).focus()
    page.keyboard.press("Enter")
    expect(page.locator("h2")).to_be_focused()
    page.evaluate("""() => {
      const root = document.querySelector("ece-chat").shadowRoot;
      root.querySelector("button").replaceWith(root.querySelector("button").cloneNode(true));
    }""")
    end(page)
    expect(page.locator(BUTTON)).to_be_focused()


def test_focus_goes_back_to_the_pages_own_link_that_opened_the_dock(at: StubServers, page: Page) -> None:
    at.chat.open_in = "dock"
    page.goto(at.page("<button id='own' onclick=\"eceChat.open('sales')\">Chat</button>" + at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    page.locator("#own").click()
    end(page)
    expect(page.locator("#own")).to_be_focused()


def test_a_dock_that_fills_the_screen_folds_when_focus_leaves_it(at: StubServers, page: Page) -> None:
    at.chat.open_in = "dock"
    page.set_viewport_size({"width": 320, "height": 568})
    page.goto(at.page("<a id='last' href='/'>The last link</a>" + at.tag()))
    page.locator(BUTTON).click()
    expect(page.locator("iframe")).to_be_visible()
    page.get_by_role("button", name="Open in a new window").focus()
    page.get_by_role("button", name="Close").focus()
    expect(page.locator("iframe")).to_be_visible()
    page.locator("#last").focus()
    expect(page.locator("iframe")).to_be_hidden()
    page.get_by_role("button", name=BACK).click()
    expect(page.locator("iframe")).to_be_visible()
    page.locator("iframe").focus()
    page.locator("#last").focus()
    expect(page.locator("iframe")).to_be_hidden()


def test_a_dock_in_a_corner_stays_open_when_focus_leaves_it(at: StubServers, page: Page) -> None:
    at.chat.open_in = "dock"
    page.goto(at.page("<a id='last' href='/'>The last link</a>" + at.tag()))
    page.locator(BUTTON).click()
    page.locator("#last").focus()
    expect(page.locator("#last")).to_be_focused()
    expect(page.locator("iframe")).to_be_visible()


def test_a_survey_opens_in_a_window_where_no_launcher_was_drawn(
    at: StubServers, page: Page, context: BrowserContext
) -> None:
    page.goto(at.page(at.tag("")))
    page.wait_for_function("window.eceChat")
    with page.expect_popup() as opened:
        page.evaluate("eceChat.survey('/survey/token')")
    expect(opened.value.get_by_role("heading")).to_have_text("How did we do?")
    page.evaluate("eceChat.survey('https://elsewhere.invalid/')")
    assert len(context.pages) == 2


def test_a_second_call_leaves_the_survey_that_is_being_answered(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    page.evaluate("eceChat.survey('/survey/token')")
    page.evaluate("eceChat.survey('/survey/another')")
    expect(page.locator(DIALOG)).to_have_count(1)
    assert page.locator("iframe").get_attribute("src") == at.origin + "/survey/token"
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)
    page.evaluate("eceChat.survey('/survey/another')")
    expect(page.locator(DIALOG)).to_have_count(1)


def test_dock_and_survey_are_called_what_they_are(at: StubServers, page: Page) -> None:
    at.chat.open_in = "dock"
    page.goto(at.page(at.tag()))
    page.locator(BUTTON).click()
    expect(page.locator(DIALOG)).to_have_accessible_name("Chat with us")
    expect(page.locator("iframe")).to_have_accessible_name("Chat with us")
    end(page)
    page.evaluate("eceChat.survey('/survey/token')")
    expect(page.locator(DIALOG)).to_have_accessible_name("Survey")
    expect(page.locator("iframe")).to_have_accessible_name("Survey")
    expect(page.locator("h2")).to_have_accessible_name("Survey")


def test_a_dock_that_the_page_has_removed_opens_anew(at: StubServers, page: Page) -> None:
    at.chat.open_in = "dock"
    page.goto(at.page(at.tag()))
    heading = page.frame_locator(f"{DIALOG} iframe").get_by_role("heading")
    page.locator(BUTTON).click()
    expect(heading).to_have_text("Chat 1")
    page.evaluate("document.querySelector('ece-chat-panel').remove()")
    page.locator(BUTTON).click()
    expect(heading).to_have_text("Chat 2")
