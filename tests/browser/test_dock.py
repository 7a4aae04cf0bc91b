"""The dock is a window: alone in its corner, folded into a launcher, closed by a question, never the start of two."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.page_time import visit
from tests.browser.standin import ANSWER_WITHIN, StubServers

BUTTON = ".ece-chat-button:not(.ece-chat-return)"
DIALOG = "ece-chat-panel dialog"
FRAME = f"{DIALOG} iframe"
ELSEWHERE = "Open in a new window"


def open_dock(
    at: StubServers, page: Page, body: str = "", headers: dict[str, str] | None = None, *, waits: bool = True
) -> None:
    at.chat.open_in = "dock"
    page.goto(at.page(body + at.tag(), headers=headers))
    page.locator(BUTTON).last.click()
    if waits:
        expect(page.frame_locator(FRAME).get_by_role("heading")).to_have_text("Chat 1")
        expect(page.locator("[data-when=loading]")).to_be_hidden()


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def test_the_dock_stands_in_the_corner_without_a_gap_in_place_of_the_launcher(at: StubServers, page: Page) -> None:
    open_dock(at, page)
    box = page.locator(DIALOG).bounding_box()
    assert box is not None
    assert (box["x"] + box["width"], box["y"] + box["height"]) == (1024, 720)
    assert box["y"] >= 0
    expect(page.locator(BUTTON)).to_be_hidden()


@pytest.mark.parametrize(("allow", "may"), [("microphone {}; camera {}", True), ("microphone *", False), ("", False)])
def test_the_chat_in_the_dock_may_use_what_the_entry_point_allows_its_origin(
    at: StubServers, page: Page, *, allow: str, may: bool
) -> None:
    at.chat.frame_allow = allow.format(at.ece, at.ece)
    open_dock(at, page)
    asked = "document.featurePolicy.allowsFeature('microphone')"
    chat = next(frame for frame in page.frames if frame.url.startswith(at.ece))
    assert chat.evaluate(asked) is may
    assert chat.evaluate(asked.replace("microphone", "geolocation")) is False


def test_folded_it_is_the_launcher_until_it_ends(at: StubServers, page: Page) -> None:
    open_dock(at, page)
    button(page, "Minimize")
    back = page.get_by_role("button", name="Back to your chat")
    expect(back).to_be_visible()
    expect(page.locator(DIALOG)).to_be_hidden()
    expect(page.locator(BUTTON)).to_be_hidden()
    at.chat.show = False  # nobody is there for a new chat
    page.evaluate("eceChat.refresh()")
    expect(back).to_be_visible()
    back.click()
    expect(page.frame_locator(FRAME).get_by_role("heading")).to_have_text("Chat 1")
    assert at.chat.ece_pages == 1


def test_close_asks_first_and_the_chat_goes_on_when_it_is_not_meant(at: StubServers, page: Page) -> None:
    open_dock(at, page)
    button(page, "Close")
    expect(page.get_by_role("alertdialog", name="Closing this window ends your chat.")).to_be_visible()
    expect(page.get_by_role("button", name="Keep chatting")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("alertdialog")).to_have_count(0)
    expect(page.locator(FRAME)).to_be_visible()
    button(page, "Close")
    button(page, "Keep chatting")
    expect(page.locator(FRAME)).to_be_visible()
    button(page, "Close")
    button(page, "End the chat")
    expect(page.locator(DIALOG)).to_have_count(0)
    expect(page.locator(BUTTON)).to_be_visible()
    assert at.chat.ece_pages == 1


def test_a_new_window_after_the_chat_has_loaded_is_behind_a_question_and_ends_the_dock(
    at: StubServers, page: Page, context: BrowserContext
) -> None:
    open_dock(at, page)
    expect(page.get_by_role("link", name=ELSEWHERE)).to_have_count(0)
    button(page, ELSEWHERE)
    question = page.get_by_role("alertdialog", name="A new chat begins in the new window, and this one ends.")
    expect(question).to_be_visible()
    assert len(context.pages) == 1
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Start a new chat").click()
    expect(opened.value.get_by_role("heading")).to_have_text("Chat 2")
    expect(page.locator(DIALOG)).to_have_count(0)
    page.locator(BUTTON).click()  # finds that window, and opens no dock beside it
    page.wait_for_load_state("networkidle")
    expect(page.locator(DIALOG)).to_have_count(0)
    assert at.chat.ece_pages == 2


@pytest.mark.parametrize("frames", ["'none'", "ours"])
def test_a_page_whose_policy_refuses_the_frame_says_so_and_offers_a_window_at_once(
    at: StubServers, page: Page, frames: str
) -> None:
    source = at.origin if frames == "ours" else frames
    policy = f"default-src 'none'; script-src {at.origin}; connect-src {at.origin}; frame-src {source}"
    open_dock(at, page, headers={"Content-Security-Policy": policy}, waits=False)
    expect(page.get_by_text("This content cannot be shown on this page.")).to_be_visible()
    with page.expect_popup() as opened:
        page.get_by_role("link", name=ELSEWHERE).click()
    expect(opened.value.get_by_role("heading")).to_have_text("Chat 1")
    expect(page.locator(DIALOG)).to_have_count(0)


def test_a_frame_in_which_nothing_loads_has_a_loading_state_and_after_eight_seconds_a_link(
    at: StubServers, page: Page
) -> None:
    held: list[Route] = []
    page.route("**/v1/chat/**", lambda route: held.append(route))
    at.chat.open_in = "dock"
    visit(page, at.page(at.tag()))
    page.locator(BUTTON).click()
    page.clock.run_for(ANSWER_WITHIN - 100)
    expect(page.get_by_text("One moment…")).to_be_visible()
    page.clock.run_for(100)
    expect(page.get_by_text("This is taking longer than usual.")).to_be_visible()
    expect(page.get_by_role("link", name=ELSEWHERE)).to_be_visible()
    button(page, "Close")  # no chat can be running
    expect(page.locator(DIALOG)).to_have_count(0)


def test_a_small_screen_is_the_chats_but_for_a_fifth(at: StubServers, page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 225})
    open_dock(at, page)
    box = page.locator(FRAME).bounding_box()
    assert box is not None
    assert box["width"] == 360
    assert box["height"] >= 225 * 0.8
    for each in page.locator(f"{DIALOG} .head button").all():
        size = each.bounding_box()
        assert size is not None
        assert size["height"] >= 24
    button(page, "Close")
    for name in ("Keep chatting", "End the chat"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)


def test_a_survey_fills_a_phone(at: StubServers, page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 568})
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    page.evaluate("eceChat.survey('/survey/token')")
    assert page.locator(DIALOG).bounding_box() == {"x": 0, "y": 0, "width": 320, "height": 568}
    button(page, "Close")
    expect(page.locator(DIALOG)).to_have_count(0)


def test_the_thanks_page_closes_its_own_panel_alone(at: StubServers, page: Page) -> None:
    page.goto(at.page("<iframe srcdoc='<p>x'></iframe>" + at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    page.evaluate("eceChat.survey('/survey/token')")
    expect(page.frame_locator(FRAME).get_by_role("heading")).to_be_visible()
    page.evaluate("postMessage('ece-chat-close', '*')")
    page.evaluate("frames[0].eval(\"parent.postMessage('ece-chat-close', '*')\")")
    page.wait_for_function("new Promise(done => setTimeout(done, 100, true))")
    expect(page.locator(DIALOG)).to_be_visible()
    survey = next(frame for frame in page.frames if "/survey/" in frame.url)
    survey.evaluate("parent.postMessage('another', '*')")
    expect(page.locator(DIALOG)).to_be_visible()
    survey.evaluate("parent.postMessage('ece-chat-close', '*')")
    expect(page.locator(DIALOG)).to_have_count(0)


def test_a_message_of_the_chats_own_origin_closes_nothing(at: StubServers, page: Page) -> None:
    open_dock(at, page)
    chat = next(frame for frame in page.frames if frame.url.startswith(at.ece))
    chat.evaluate("parent.postMessage('ece-chat-close', '*')")
    page.wait_for_function("new Promise(done => setTimeout(done, 100, true))")
    expect(page.locator(DIALOG)).to_be_visible()


def test_a_hidden_page_part_leaves_an_open_dock_and_hides_a_folded_one(at: StubServers, page: Page) -> None:
    open_dock(at, page)
    page.evaluate("eceChat.hide()")
    expect(page.locator(DIALOG)).to_be_visible()
    button(page, "Minimize")
    expect(page.get_by_role("button")).to_have_count(0)
    page.evaluate("eceChat.show()")
    expect(page.get_by_role("button", name="Back to your chat")).to_be_visible()


def test_a_dock_ends_though_the_page_has_replaced_the_removal_of_elements(at: StubServers, page: Page) -> None:
    open_dock(at, page)
    page.evaluate("() => { Element.prototype.remove = () => { throw new Error('not here'); }; }")
    button(page, "Close")
    button(page, "End the chat")
    expect(page.locator(BUTTON)).to_be_visible()
    page.locator(BUTTON).click()
    expect(page.locator(f"{DIALOG}:visible")).to_have_count(1)


@pytest.mark.parametrize("reduced", ["reduce", "no-preference"])
def test_the_dock_comes_in_unless_motion_is_not_wanted(at: StubServers, page: Page, reduced: str) -> None:
    page.emulate_media(reduced_motion="reduce" if reduced == "reduce" else "no-preference")
    at.chat.extra_css = "@keyframes ece-chat-in { from { opacity: 0 } }"
    open_dock(at, page)
    name = page.locator(DIALOG).evaluate("(dialog) => getComputedStyle(dialog).animationName")
    assert name == ("none" if reduced == "reduce" else "ece-chat-in")
