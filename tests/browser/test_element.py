"""The element in its page: it shifts nothing, follows its attributes, and tells its own script from a stranger's."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.page_time import pass_time, visit
from tests.browser.standin import ANSWER_WITHIN, StubServers
from tests.waiting import wait_until

BUTTON = ".ece-chat-button"
SHIFTS = """
  window.shift = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((each) => { window.shift += each.value; }))
    .observe({ type: 'layout-shift', buffered: true });
"""
LAYOUTS = {
    "spread column": "display: flex; flex-direction: column; justify-content: space-between; min-height: 100vh",
    "grid with gaps": "display: grid; gap: 60px",
    "grid with rows": "display: grid; grid-auto-rows: 120px; align-content: end; min-height: 100vh",
}


@pytest.mark.parametrize("answer", [None, "404", "500"], ids=["button", "unknown", "fault"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_no_layout_shifts(at: StubServers, page: Page, layout: str, answer: str | None) -> None:
    page.add_init_script(SHIFTS)
    at.chat.fault = "500" if answer == "500" else None
    at.chat.known = frozenset() if answer == "404" else at.chat.known
    style = f"<style>body {{ margin: 0; {layout} }} body > * {{ position: relative }}</style>"
    with page.expect_response("**/v1/launcher/**"):
        page.goto(at.page("<p>Words</p>" + at.tag(), head=style))
    if not answer:
        expect(page.locator(BUTTON)).to_be_visible()
    page.evaluate(
        "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))"
    )
    assert page.evaluate("window.shift") == 0


def test_an_element_stands_in_the_flow_once_it_is_drawn(at: StubServers, page: Page) -> None:
    page.goto(at.page('<ece-chat entry-point="sales"></ece-chat>' + at.tag("")))
    expect(page.locator(BUTTON)).to_be_visible()
    expect(page.locator("ece-chat")).to_have_css("position", "static")


def test_a_hidden_element_is_not_seen(at: StubServers, page: Page) -> None:
    page.goto(at.page('<ece-chat entry-point="sales" hidden></ece-chat>' + at.tag("")))
    expect(page.locator(BUTTON)).to_have_count(1)
    expect(page.locator(BUTTON)).to_be_hidden()
    page.evaluate("document.querySelector('ece-chat').hidden = false")
    expect(page.locator(BUTTON)).to_be_visible()


@pytest.mark.parametrize("stranger", ["/widget/abc.js", "/other/widget.js"])
def test_a_strangers_script_is_not_taken_for_ours(at: StubServers, page: Page, stranger: str) -> None:
    at.site.page(stranger, "", {"Content-Type": "text/javascript"})
    other = f'<script src="{at.site.origin.replace("localhost", "widget.localhost")}{stranger}"></script>'
    ours = at.tag('type="module" data-entry-point="sales"')
    page.route("**://widget.localhost*/**", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(at.page(other + ours))
    expect(page.locator(BUTTON)).to_be_visible()


def test_a_module_without_an_entry_point_serves_the_elements(at: StubServers, page: Page) -> None:
    page.route("**://widget.localhost/**", lambda route: route.fulfill(body="", content_type="text/javascript"))
    stranger = '<script src="http://widget.localhost/widget/abc"></script>'
    element = '<ece-chat entry-point="sales"></ece-chat>'
    page.goto(at.page(stranger + element + at.tag('type="module"', f"/{at.files.current.name}")))
    expect(page.locator(BUTTON)).to_be_visible()


def test_the_link_in_place_of_a_blocked_window_goes_with_the_button(at: StubServers, page: Page) -> None:
    page.goto(at.page("<script>window.open = () => null;</script>" + at.tag()))
    page.locator(BUTTON).click()
    link = page.get_by_role("link", name="Open in a new window")
    expect(link).to_be_visible()
    at.chat.show, at.chat.state = False, "unavailable"
    page.evaluate("eceChat.refresh()")
    expect(page.locator(BUTTON)).to_have_count(0)
    expect(link).to_have_count(0)


def test_another_entry_point_takes_the_old_button_away_at_once(at: StubServers, page: Page) -> None:
    visit(page, at.page('<ece-chat entry-point="sales"></ece-chat>' + at.tag("")))
    expect(page.locator(BUTTON)).to_be_visible()
    at.chat.fault = "hang"
    page.evaluate("document.querySelector('ece-chat').setAttribute('entry-point', 'support')")
    assert page.locator(BUTTON).count() == 0
    page.clock.run_for(100)
    wait_until(lambda: any("support" in each for each in at.chat.requests), "the other entry point is asked for")
    at.chat.fault = None
    page.evaluate("document.querySelector('ece-chat').setAttribute('entry-point', 'sales')")
    pass_time(page, ANSWER_WITHIN // 1_000 + 2, step=1)
    expect(page.locator(BUTTON)).to_be_visible()


def test_another_target_is_followed_out_of_view_too(at: StubServers, page: Page) -> None:
    tall = '<div style="height:4000px"></div>'
    page.goto(at.page(f'<p id="top"></p>{tall}<ece-chat entry-point="sales"></ece-chat>' + at.tag("")))
    expect(page.locator(BUTTON)).to_have_count(1)
    page.wait_for_function("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
    page.evaluate("document.querySelector('ece-chat').setAttribute('target', '#top')")
    expect(page.locator("#top " + BUTTON)).to_be_visible()
    expect(page.locator(BUTTON)).to_be_in_viewport()


@pytest.mark.parametrize("target", ["ece-chat", "#self", "main ece-chat, nothing"])
def test_a_target_that_is_the_element_itself_falls_back_to_the_corner(at: StubServers, page: Page, target: str) -> None:
    page.goto(at.page(f'<ece-chat id="self" entry-point="sales" target="{target}"></ece-chat>' + at.tag("")))
    expect(page.locator(BUTTON)).to_be_visible()
    expect(page.locator("html > ece-chat[data-placement=corner]")).to_have_count(1)


def test_what_is_announced_says_its_language(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag()))
    expect(page.get_by_role("status")).to_have_text("You would be number 3.")
    expect(page.get_by_role("status")).to_have_attribute("lang", "en")


@pytest.mark.parametrize("name", ["true", "1e5", "null", "24"])
def test_the_name_of_an_entry_point_stays_words(at: StubServers, page: Page, name: str) -> None:
    at.chat.known = frozenset({name})
    page.add_init_script("addEventListener('ece-chat-ready', (event) => { window.named = event.detail.entryPoint; })")
    page.goto(at.page(at.tag(f'data-entry-point="{name}"')))
    expect(page.locator(BUTTON)).to_be_visible()
    assert page.evaluate("window.named") == name


def test_inherited_names_are_not_taken_for_ours(at: StubServers, page: Page) -> None:
    warnings: list[str] = []
    page.on("console", lambda message: warnings.append(message.text) if message.type == "warning" else None)
    page.add_init_script("""
      Object.prototype.loop = { };
      Object.prototype.loop.loop = Object.prototype.loop;
      addEventListener('ece-chat-ready', (event) => { window.names = Object.keys(event.detail); });
    """)
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    assert "entryPoint" in page.evaluate("window.names")
    assert "loop" not in page.evaluate("window.names")
    page.evaluate("eceChat.create({ entryPoint: 'support', target: 'main' })")
    expect(page.locator("main " + BUTTON)).to_be_visible()
    assert warnings == []


def test_a_long_address_keeps_all_its_parts(at: StubServers, page: Page) -> None:
    name, theme, locale = "a" * 64, "t" * 64, "de-Latn-DE-1996-x-private-customers"
    at.chat.known = frozenset({name})
    page.goto(at.page(at.tag(f'data-entry-point="{name}" data-theme="{theme}" data-locale="{locale}"')))
    expect(page.locator(BUTTON)).to_be_visible()
    assert at.chat.requests == [f"/v1/launcher/{name}?locale={locale}&theme={theme}"]
