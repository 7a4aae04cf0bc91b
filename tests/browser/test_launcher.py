"""The launcher on a page: it appears, follows the server's decision, and recovers."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.page_time import ask_again, pass_time, stop_time, visit
from tests.browser.standin import ANSWER_WITHIN, StubServers
from tests.waiting import wait_until

BUTTON = ".ece-chat-button"
ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
# Observed after the script's own observer, and told after it.
IS_OUT_OF_VIEW = "(element) => new Promise((done) => new IntersectionObserver(() => done()).observe(element))"


def test_a_pasted_tag_shows_one_button_with_two_requests(at: StubServers, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    address = at.page(at.tag())
    page.goto(address)
    expect(page.get_by_role("button", name="Chat with us number 3")).to_be_visible()
    expect(page.locator("ece-chat")).to_have_count(1)
    assert [url.removeprefix(at.origin) for url in asked if url != address] == [
        "/widget.js",
        "/v1/launcher/sales?locale=en&theme=",
    ]


def test_nothing_is_asked_before_the_page_is_loaded(at: StubServers, page: Page) -> None:
    address = at.page(at.tag() + '<img src="/slow.png" alt="">')
    held: list[object] = []
    page.route("**/slow.png", lambda route: held.append(route))
    page.goto(address, wait_until="commit")
    page.wait_for_function("window.eceChat")
    page.wait_for_function("new Promise(done => setTimeout(done, 300, true))")
    assert at.chat.requests == []
    held[0].abort()  # type: ignore[attr-defined]
    expect(page.locator(BUTTON)).to_be_visible()


def test_a_page_whose_load_never_ends_has_its_button_after_five_seconds(at: StubServers, page: Page) -> None:
    held: list[object] = []
    page.route("**/slow.png", lambda route: held.append(route))
    stop_time(page)
    page.goto(at.page(at.tag() + '<img src="/slow.png" alt="">'), wait_until="commit")
    page.wait_for_function("window.eceChat && document.readyState == 'interactive'")
    page.clock.run_for(4_900)
    assert at.chat.requests == []
    page.clock.run_for(700)
    expect(page.locator(BUTTON)).to_be_visible()
    held[0].abort()  # type: ignore[attr-defined]


def test_a_clock_set_back_makes_it_ask_anew(at: StubServers, page: Page) -> None:
    visit(page, at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    at.chat.position = "4"
    page.evaluate("(() => { const now = Date.now; Date.now = () => now() - 3_600_000; })()")
    pass_time(page, 32)
    expect(page.locator(BUTTON)).to_contain_text("number 4")
    at.chat.fault = "500"
    pass_time(page, 160)
    expect(page.locator(BUTTON)).to_have_count(0)


def test_the_button_follows_the_server_within_one_check(at: StubServers, page: Page) -> None:
    visit(page, at.page(at.tag()))
    expect(page.locator(BUTTON)).to_contain_text("number 3")
    at.chat.position = "2"
    page.clock.fast_forward(6_100)
    expect(page.locator(BUTTON)).to_contain_text("number 2")
    at.chat.show, at.chat.state = False, "unavailable"
    page.clock.fast_forward(6_100)
    expect(page.locator(BUTTON)).to_have_count(0)
    at.chat.show, at.chat.state = True, "available"
    page.clock.fast_forward(6_100)
    expect(page.locator(BUTTON)).to_be_visible()


def test_it_asks_past_the_browsers_cache_and_without_credentials(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    sent = at.chat.headers[0]
    assert "cookie" not in sent
    page.evaluate("eceChat.refresh()")
    at.chat.position = "9"
    page.evaluate("eceChat.refresh()")
    expect(page.locator(BUTTON)).to_contain_text("number 9")


def test_a_hidden_page_asks_nothing_and_asks_at_once_when_seen_again(at: StubServers, page: Page) -> None:
    visit(page, at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    see = """(hidden) => {
      Object.defineProperty(Document.prototype, 'hidden', { get: () => hidden, configurable: true });
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    }"""
    page.evaluate(see, True)
    asked = len(at.chat.requests)
    pass_time(page, 150)
    assert len(at.chat.requests) == asked
    at.chat.position = "7"
    page.evaluate(see, False)
    page.clock.run_for(1_000)
    expect(page.locator(BUTTON)).to_contain_text("number 7")


def test_a_launcher_out_of_view_is_not_refreshed(at: StubServers, page: Page) -> None:
    visit(page, at.page('<div style="height:4000px"></div><ece-chat entry-point="sales"></ece-chat>' + at.tag("")))
    expect(page.locator(BUTTON)).to_have_count(1)
    page.locator("ece-chat").evaluate(IS_OUT_OF_VIEW)
    asked = len(at.chat.requests)
    pass_time(page, 120)
    assert len(at.chat.requests) == asked
    at.chat.position = "8"
    page.locator(BUTTON).scroll_into_view_if_needed()
    expect(page.locator(BUTTON)).to_contain_text("number 8")


def test_the_last_good_state_stands_for_a_bounded_time_and_comes_back_without_reload(
    at: StubServers, page: Page
) -> None:
    visit(page, at.page(at.tag()))
    page.evaluate("""() => {
      window.seen = [];
      for (const name of ['change', 'error'])
        addEventListener('ece-chat-' + name, (event) => seen.push([name, event.detail?.state]));
    }""")
    expect(page.locator(BUTTON)).to_be_visible()
    at.chat.fault = "500"
    pass_time(page, 40)
    expect(page.locator(BUTTON)).to_be_visible()
    pass_time(page, 100)
    expect(page.locator(BUTTON)).to_have_count(0)
    assert ["change", "unknown"] in page.evaluate("seen")
    assert sum(each[0] == "error" for each in page.evaluate("seen")) >= 2
    at.chat.fault = None
    pass_time(page, 360)
    expect(page.locator(BUTTON)).to_be_visible()


def test_an_answer_that_never_gets_newer_is_asked_for_past_the_caches_and_then_hidden(
    at: StubServers, page: Page
) -> None:
    at.chat.revalidated = False
    visit(page, at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    pass_time(page, 50)
    expect(page.locator(BUTTON)).to_be_visible()
    assert not any("&now=" in each for each in at.chat.requests)
    pass_time(page, 80)
    expect(page.locator(BUTTON)).to_have_count(0)
    assert any("&now=" in each for each in at.chat.requests)
    pass_time(page, 60)
    expect(page.locator(BUTTON)).to_have_count(0)
    at.chat.as_of = "2026-11-24T08:02:00Z"
    ask_again(page)
    expect(page.locator(BUTTON)).to_be_visible()


def test_what_was_too_old_is_asked_for_at_the_servers_pace_and_comes_back_with_the_next_check(
    at: StubServers, page: Page
) -> None:
    at.chat.revalidated = False
    visit(page, at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    pass_time(page, 75, step=1)
    expect(page.locator(BUTTON)).to_have_count(0)
    asked = len(at.chat.requests)
    pass_time(page, 120, step=1)
    assert len(at.chat.requests) - asked >= 2 * 8, "each check asks twice: as always, and past the caches"
    at.chat.as_of = "2026-11-24T08:03:10Z"
    pass_time(page, 16, step=1)
    expect(page.locator(BUTTON)).to_be_visible()


def test_a_cache_that_keeps_its_answer_for_too_long_is_passed_by(at: StubServers, page: Page) -> None:
    at.chat.revalidated = False
    kept = at.chat.launcher("sales")
    page.route(lambda url: url.endswith("theme="), lambda route: route.fulfill(body=kept, headers=ANY_ORIGIN))
    visit(page, at.page(at.tag()))
    expect(page.locator(BUTTON)).to_contain_text("number 3")
    at.chat.position, at.chat.as_of = "7", "2026-11-24T08:01:10Z"
    pass_time(page, 100)
    expect(page.locator(BUTTON)).to_contain_text("number 7")
    at.chat.position, at.chat.as_of = "6", "2026-11-24T08:01:20Z"
    ask_again(page)
    expect(page.locator(BUTTON)).to_contain_text("number 6")


def test_the_pace_of_failures_falls(at: StubServers, page: Page) -> None:
    at.chat.fault = "500"
    visit(page, at.page(at.tag()))
    page.wait_for_function("window.eceChat")
    pass_time(page, 600)
    assert 4 <= len(at.chat.requests) <= 9


def test_answers_that_are_no_launcher_change_nothing(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    for fault in ("html", "empty", "500", "no-cors"):
        at.chat.fault = fault
        with page.expect_event("console", lambda message: "ece-chat" in message.text):
            page.evaluate("eceChat.refresh()")
        expect(page.locator(BUTTON)).to_be_visible()
        at.chat.fault = None
        at.chat.position = fault
        page.evaluate("eceChat.refresh()")
        expect(page.locator(BUTTON)).to_contain_text(fault)


def test_a_server_that_never_answers_is_given_up_on(at: StubServers, page: Page) -> None:
    at.chat.fault = "hang"
    visit(page, at.page(at.tag()))
    with page.expect_event("console", lambda message: "timed out" in message.text):
        page.clock.run_for(ANSWER_WITHIN)
    at.chat.fault = None
    ask_again(page)
    expect(page.locator(BUTTON)).to_be_visible()


def test_an_unknown_entry_point_warns_once_and_is_asked_seldom(at: StubServers, page: Page) -> None:
    warnings: list[str] = []
    page.on("console", lambda message: warnings.append(message.text) if message.type == "warning" else None)
    visit(page, at.page(at.tag('data-entry-point="nobody"')))
    page.wait_for_function("window.eceChat")
    pass_time(page, 280)
    assert len(at.chat.requests) == 1
    assert len(warnings) == 1
    assert "404" in warnings[0]
    assert "nobody" in warnings[0]


def test_a_page_that_was_offline_recovers_when_it_is_online(
    at: StubServers, page: Page, context: BrowserContext
) -> None:
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    context.set_offline(True)
    with page.expect_event("console", lambda message: "ece-chat" in message.text):
        page.evaluate("eceChat.refresh()")
    at.chat.position = "6"
    context.set_offline(False)
    expect(page.locator(BUTTON)).to_contain_text("number 6")


def test_a_page_from_the_back_forward_cache_asks_at_once(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    at.chat.position = "5"
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.locator(BUTTON)).to_contain_text("number 5")


def test_events_bubble_out_with_the_decision(at: StubServers, page: Page) -> None:
    page.goto(
        at.page(
            '<div id="box"></div>' + "<script>window.seen = [];"
            "for (const name of ['ready', 'change']) document.addEventListener('ece-chat-' + name,"
            "(event) => seen.push([event.type, event.detail, event.target.localName]))</script>" + at.tag()
        )
    )
    expect(page.locator(BUTTON)).to_be_visible()
    decision = {
        "entryPoint": "sales",
        "show": True,
        "state": "available",
        "reason": None,
        "waitTime": 180,
        "queueDepth": 2,
        "position": 3,
        "capacity": None,
        "opensAt": None,
        "asOf": "2026-11-24T08:00:00Z",
        "nextCheck": 5,
        "response": None,
        "instead": [],
    }
    assert page.evaluate("seen") == [
        ["ece-chat-ready", decision, "ece-chat"],
        ["ece-chat-change", decision, "ece-chat"],
    ]
    at.chat.as_of = "2026-11-24T08:00:05Z"
    page.evaluate("eceChat.refresh()")
    expect(page.locator(".ece-chat")).to_have_attribute("data-as-of", at.chat.as_of)
    assert len(page.evaluate("seen")) == 2


def test_words_are_announced_only_when_they_change_and_once_per_interval(at: StubServers, page: Page) -> None:
    visit(page, at.page(at.tag()))
    live = page.get_by_role("status")
    expect(live).to_have_text("You would be number 3.")
    page.evaluate("""() => {
      window.said = [];
      const live = document.querySelector('ece-chat').shadowRoot.querySelector('.ece-chat-live');
      new MutationObserver(() => said.push(live.textContent)).observe(live, { childList: true, characterData: true });
    }""")
    for position in ("4", "5", "6"):
        at.chat.position = position
        ask_again(page)
        expect(page.locator(BUTTON)).to_contain_text(f"number {position}")
    assert page.evaluate("said") == []
    pass_time(page, 7, step=1)
    expect(live).to_have_text("You would be number 6.")
    pass_time(page, 20)
    assert page.evaluate("said") == ["You would be number 6."]


def test_focus_stays_on_the_button_when_its_words_change(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator(BUTTON)).to_be_focused()
    at.chat.position = "2"
    page.evaluate("eceChat.refresh()")
    expect(page.locator(BUTTON)).to_contain_text("number 2")
    expect(page.locator(BUTTON)).to_be_focused()


def test_a_click_is_not_lost_when_an_answer_comes_while_the_button_is_down(at: StubServers, page: Page) -> None:
    page.goto(at.page(at.tag('data-entry-point="sales" data-open="none"')))
    page.evaluate("addEventListener('ece-chat-open', () => { window.opened = true; })")
    box = page.locator(BUTTON).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    at.chat.position = "1"
    asked = len(at.chat.requests)
    page.evaluate("eceChat.refresh()")
    wait_until(lambda: len(at.chat.requests) >= asked + 2, "it asks again for what it could not draw")
    page.mouse.up()
    assert page.evaluate("window.opened") is True
    expect(page.locator(BUTTON)).to_contain_text("number 1")


def test_attributes_may_change_at_any_time(at: StubServers, page: Page) -> None:
    page.goto(at.page('<ece-chat entry-point="sales" lang="en"></ece-chat>' + at.tag("")))
    expect(page.locator(BUTTON)).to_be_visible()
    with page.expect_request(lambda request: request.url.endswith("/support?locale=de&theme=")):
        page.evaluate("""() => {
          const element = document.querySelector('ece-chat');
          element.setAttribute('entry-point', 'support');
          element.setAttribute('locale', 'de');
        }""")
    assert not [each for each in at.chat.requests if re.search(r"support\?locale=en", each)]
