"""From the sample site to ECE and back: real Chromium, the real product, the simulator and a page on three origins."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.engines import until
from tests.browser.real_servers import RealServers
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def _reset(real: RealServers) -> None:
    real.tell("/control/reset", {})


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page into which nothing may be thrown."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    assert faults == []


def _ask_until(page: Page, shown: int) -> None:
    """Have the launchers of the page ask until so many buttons show, by real time on both sides.

    When they ask by themselves is held to by test_launcher, on a page whose time stands still.
    """

    def is_so() -> bool:
        page.evaluate("eceChat.refresh()")
        return _button(page).count() == shown

    until(is_so, f"{shown} buttons")


def _button(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("chat", re.IGNORECASE))


def test_the_button_shows_place_and_wait(real: RealServers, page: Page) -> None:
    real.tell("/control/entry-points/1001", {"fixed_wait": 170, "fixed_depth": 2})
    page.goto(real.site)
    button = _button(page)
    expect(button).to_be_visible()
    expect(button).to_contain_text("about 3 minutes")
    expect(button).to_contain_text("number 3")


def test_the_button_goes_with_the_agents_and_comes_back_with_them(real: RealServers, page: Page) -> None:
    page.goto(real.site)
    expect(_button(page)).to_be_visible()
    real.tell("/control/entry-points/1001", {"away": True})
    _ask_until(page, shown=0)
    real.tell("/control/entry-points/1001", {"away": False})
    _ask_until(page, shown=1)


def test_the_page_stays_as_it_was_while_ece_fails(real: RealServers, page: Page) -> None:
    real.tell("/control/faults", {"kind": "500", "call": "all"})
    wait_until(lambda: real.state("sales") == "unknown", "what ECE said before is not trusted any more")
    with page.expect_response(re.compile("/v1/launcher/")):
        page.goto(real.site)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(_button(page)).to_have_count(0)
    real.tell("/control/faults/clear", {})
    _ask_until(page, shown=1)


def test_a_visitor_chats_and_the_answers_reach_ece(real: RealServers, page: Page) -> None:
    page.goto(real.site)
    with page.context.expect_page() as opened:
        _button(page).click()
    chat = opened.value
    expect(chat.get_by_role("button", name=re.compile("end chat", re.IGNORECASE))).to_be_visible()
    _until_an_agent_joins(real, chat)
    chat.get_by_role("button", name=re.compile("end chat", re.IGNORECASE)).click()
    expect(chat).to_have_url(re.compile(re.escape(real.widget) + "/survey/"))
    chat.get_by_label("2", exact=True).first.check()
    thanks = chat.get_by_role("heading", name=re.compile("thank you", re.IGNORECASE))
    onward = chat.get_by_role("button", name=re.compile("next|send", re.IGNORECASE))
    for _ in range(12):  # one question at a time in a window as small as this
        expect(thanks.or_(onward).first).to_be_visible()
        if thanks.count():
            break
        if (yes := chat.get_by_role("radio", name="Yes")).is_visible():
            yes.check()
        onward.first.click()
    expect(thanks).to_be_visible()
    received = until(real.surveys, "the survey at ECE")[0]
    assert received["faults"] == []
    assert received["pairs"][0]["answer"] == "2"


def _until_an_agent_joins(real: RealServers, chat: Page) -> None:
    def joined() -> bool:
        real.tell("/control/advance", {"seconds": 2})
        return "joined" in chat.get_by_role("status").inner_text()

    until(joined, "an agent")


def test_what_comes_before_the_button_is_small(real: RealServers, page: Page) -> None:
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    addresses: dict[str, str] = {}
    sizes: dict[str, float] = {}
    wire.on("Network.responseReceived", lambda event: addresses.update({event["requestId"]: event["response"]["url"]}))
    wire.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    tag = f'<script async src="{real.widget}/widget.js" data-entry-point="advice"></script>'  # without a greeting
    page.route(f"{real.site}/", lambda route: route.fulfill(body=tag, content_type="text/html"))
    page.goto(real.site)
    expect(page.get_by_role("button", name="Get advice")).to_be_visible()
    page.wait_for_load_state("networkidle")  # the browser tells of the end of a load after the page has drawn it
    ours = {url: sizes.get(key, 0.0) for key, url in addresses.items() if url.startswith(real.widget)}
    assert len(ours) == 2, "the script and the launcher"
    assert all(ours.values())
    assert sum(ours.values()) <= 10_700, f"compressed, with headers: {ours}"


def test_the_page_with_the_button_is_as_the_facts_say(real: RealServers, page: Page, context: BrowserContext) -> None:
    asked: set[str] = set()
    context.on("request", lambda request: asked.add("/".join(request.url.split("/")[:3])))
    page.goto(real.site)
    expect(page.locator(".ece-chat-button").first).to_be_visible()
    facts = context.request.get(f"{real.widget}/facts.json").json()
    (told,) = [each for each in facts["pages"] if each["page"] == "page with the button"]
    assert asked - {real.site} == set(told["hosts"])
    assert len(context.cookies()) == told["cookies"]
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
