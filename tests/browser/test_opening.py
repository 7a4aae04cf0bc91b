"""Opening: in the click itself, one window found again by name, a dock that lives on, a survey, and what is refused."""

from __future__ import annotations

from urllib.parse import quote

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.standin import StubServers

BUTTON = ".ece-chat-button"
DIALOG = "ece-chat-panel dialog"


def test_a_click_opens_one_window_and_a_second_click_does_not_reload_it(
    at: StubServers, page: Page, context: BrowserContext
) -> None:
    page.goto(at.page(at.tag()))
    with page.expect_popup() as opened:
        page.locator(BUTTON).click()
    popup = opened.value
    expect(popup.get_by_role("heading")).to_have_text("Chat 1")
    assert f"/v1/chat/sales?locale=en&theme=&origin={quote(at.site.origin, safe='')}" in at.chat.requests
    page.locator(BUTTON).click()
    page.goto(at.page(at.tag(), "/another"))
    page.locator(BUTTON).click()
    page.wait_for_load_state("networkidle")
    assert len(context.pages) == 2
    assert at.chat.ece_pages == 1


def test_a_window_that_says_closed_does_not_stand_in_the_way_of_the_next_chat(
    at: StubServers, page: Page, context: BrowserContext
) -> None:
    at.chat.closed = True
    page.goto(at.page(at.tag()))
    with page.expect_popup() as opened:
        page.locator(BUTTON).click()
    expect(opened.value.get_by_role("heading")).to_have_text("Closed")
    at.chat.closed = False
    with context.expect_page() as again:
        page.locator(BUTTON).click()
    expect(again.value.get_by_role("heading")).to_have_text("Chat 1")


def test_the_page_is_told_when_the_window_was_closed(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag()))
    with page.expect_popup() as opened:
        page.locator(BUTTON).click()
    # Chromium may never say that it closed a window whose page was still on its way.
    expect(opened.value.get_by_role("heading")).to_have_text("Chat 1")
    page.evaluate("addEventListener('ece-chat-close', () => { window.closedOnce = true; })")
    opened.value.close()
    page.evaluate("dispatchEvent(new Event('focus'))")
    page.wait_for_function("window.closedOnce")


def test_open_in_a_tab(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag('data-entry-point="sales" data-open="tab"')))
    with page.expect_popup() as opened:
        page.locator(BUTTON).click()
    expect(opened.value.get_by_role("heading")).to_have_text("Chat 1")


def test_the_page_may_take_the_opening_into_its_own_hands(at: StubServers, page: Page, context: BrowserContext) -> None:
    page.goto(at.page(at.tag('data-entry-point="sales" data-open="none"') + at.tag('data-entry-point="support"')))
    page.evaluate("""() => {
      window.opened = [];
      addEventListener('ece-chat-open', (event) => { opened.push(event.detail.entryPoint); event.preventDefault(); });
    }""")
    expect(page.locator(BUTTON)).to_have_count(2)
    for button in page.locator(BUTTON).all():
        button.dispatch_event("click")
    page.wait_for_load_state("networkidle")
    assert sorted(page.evaluate("opened")) == ["sales", "support"]
    assert len(context.pages) == 1


def test_a_blocked_window_leaves_a_plain_link_that_outlives_a_refresh(at: StubServers, page: Page) -> None:
    page.goto(at.page("<script>window.open = () => null;</script>" + at.tag()))
    page.locator(BUTTON).click()
    link = page.get_by_role("link", name="Open in a new window")
    expect(link).to_be_focused()
    at.chat.position = "1"
    page.evaluate("eceChat.refresh()")
    expect(page.locator(BUTTON)).to_contain_text("number 1")
    with page.expect_popup() as opened:
        link.click()
    expect(opened.value.get_by_role("heading")).to_have_text("Chat 1")


def test_the_link_for_a_blocked_window_reads_in_the_direction_of_its_launcher(at: StubServers, page: Page) -> None:
    at.chat.direction = "rtl"
    page.goto(at.page("<script>window.open = () => null;</script>" + at.tag()))
    page.locator(BUTTON).click()
    expect(page.get_by_role("link", name="Open in a new window")).to_have_css("direction", "rtl")


def test_open_by_script_for_an_entry_point_with_and_without_a_launcher(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    for name in ("sales", "support"):
        with page.expect_popup() as opened:
            page.evaluate("(name) => eceChat.open(name)", name)
        expect(opened.value.get_by_role("heading")).to_be_visible()
        assert any(each.startswith(f"/v1/chat/{name}?locale=en&theme=&") for each in at.chat.requests)


def test_a_docked_chat_folds_by_escape_lives_through_a_body_swap_and_gives_focus_back(
    at: StubServers, page: Page
) -> None:
    at.chat.open_in = "dock"
    page.goto(at.page(at.tag()))
    page.evaluate("addEventListener('ece-chat-close', () => { window.closedOnce = true; })")
    page.locator(BUTTON).focus()
    page.keyboard.press("Enter")
    frame = page.frame_locator(f"{DIALOG} iframe")
    expect(frame.get_by_role("heading")).to_have_text("Chat 1")
    expect(page.locator(f"{DIALOG} h2")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(f"{DIALOG} iframe")).to_be_hidden()
    expect(page.get_by_role("button", name="Back to your chat")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(f"{DIALOG} iframe")).to_be_visible()
    page.evaluate("document.querySelector('main').innerHTML = '<h1>Elsewhere</h1>'")
    page.evaluate("document.body.replaceWith(document.createElement('body'))")
    expect(frame.get_by_role("heading")).to_have_text("Chat 1")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="End the chat").click()
    expect(page.locator(DIALOG)).to_have_count(0)
    expect(page.locator(BUTTON)).to_be_visible()
    assert page.evaluate("window.closedOnce") is True
    assert at.chat.ece_pages == 1


def test_closing_a_dock_gives_focus_back_to_the_button(at: StubServers, page: Page) -> None:
    at.chat.open_in = "dock"
    page.goto(at.page(at.tag()))
    page.locator(BUTTON).focus()
    page.keyboard.press("Enter")
    expect(page.frame_locator("iframe").get_by_role("heading")).to_have_text("Chat 1")
    expect(page.get_by_text("One moment…")).to_be_hidden()
    page.get_by_role("button", name="Close").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="End the chat").press("Enter")
    expect(page.locator(BUTTON)).to_be_focused()


def test_a_dock_fills_a_phone(at: StubServers, page: Page) -> None:
    at.chat.open_in = "dock"
    page.set_viewport_size({"width": 320, "height": 568})
    page.goto(at.page(at.tag()))
    page.locator(BUTTON).click()
    expect(page.locator(DIALOG)).to_be_visible()
    box = page.locator(DIALOG).bounding_box()
    assert box == {"x": 0, "y": 0, "width": 320, "height": 568}
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_a_survey_of_ours_opens_in_a_modal_dialog_and_no_other_address_does(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    for foreign in ("https://elsewhere.invalid/survey/x", "javascript:alert(1)", "data:text/html,x", "//e.invalid/"):
        page.evaluate("(url) => eceChat.survey(url)", foreign)
    assert page.locator(DIALOG).count() == 0
    page.evaluate("eceChat.survey('/survey/token')")
    expect(page.frame_locator(f"{DIALOG} iframe").get_by_role("heading")).to_have_text("How did we do?")
    assert page.locator(DIALOG).evaluate("(dialog) => dialog.matches(':modal')")
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)


def test_messages_from_any_frame_change_nothing(at: StubServers, page: Page) -> None:
    at.chat.open_in = "dock"
    page.goto(at.page('<iframe srcdoc="<p>x"></iframe>' + at.tag()))
    page.locator(BUTTON).click()
    expect(page.locator(DIALOG)).to_be_visible()
    before = page.evaluate("document.documentElement.outerHTML")
    for message in ("ece-chat-close", '{"type":"close"}', "ece-chat-open"):
        page.evaluate("(message) => frames[0].parent.postMessage(message, '*')", message)
    page.wait_for_function("new Promise(done => setTimeout(done, 100, true))")
    assert page.evaluate("document.documentElement.outerHTML") == before
