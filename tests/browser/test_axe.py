"""axe finds nothing: on the sample site with us on it, in the survey, on the closed page, in the preview's frames."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import context_with_axe, findings
from tests.browser.real_servers import RealServers
from tests.browser.standin import StubServers


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with context_with_axe(chromium, viewport={"width": 1000, "height": 800}) as context:
        yield context.new_page()


@pytest.mark.parametrize("path", ["/", "/elements", "/de", "/ar", "/strict", "/no-script", "/closed", "/messages"])
def test_a_site_with_us_on_it_has_no_finding(real: RealServers, page: Page, path: str) -> None:
    real.tell("/control/reset", {})
    page.goto(real.site + path)
    if path not in ("/no-script", "/messages"):
        expect(page.locator(".ece-chat").first).to_be_attached()
    assert findings(page) == []


def _frames(page: Page, real: RealServers) -> list[str]:
    """The addresses of the preview's pictures: every page, in every state, in every theme, in two directions."""
    page.goto(f"{real.widget}/preview")
    shown = page.locator("input[name=show]").evaluate_all("boxes => boxes.map(box => box.value)")
    states = page.locator("input[name=state]").evaluate_all("boxes => boxes.map(box => box.value)")
    themes = page.locator("input[name=theme]").evaluate_all("boxes => boxes.map(box => box.value)")
    assert len(shown) > 5
    assert len(states) > 5
    frames = [f"show={show}&theme={theme}&state=available&locale=en" for show in shown for theme in themes]
    frames += [f"show=closed&theme=default&state={state}&locale=ar" for state in states]
    frames += [f"show=launcher&theme=civic&state={state}&locale=de" for state in states]
    return frames


def test_no_picture_of_the_preview_has_a_finding(real: RealServers, page: Page) -> None:
    found = {}
    for frame in _frames(page, real):
        page.goto(f"{real.widget}/preview/frame?{frame}")
        if violations := findings(page):
            found[frame] = violations
    assert found == {}


def test_the_preview_itself_has_no_finding(real: RealServers, page: Page) -> None:
    page.goto(f"{real.widget}/preview?show=launcher&theme=default")
    assert findings(page) == []


def test_a_docked_chat_has_no_finding(real: RealServers, page: Page) -> None:
    real.tell("/control/reset", {})
    page.goto(real.site + "/elements")
    page.locator("ece-chat[entry-point=support]").get_by_role("button").wait_for()
    page.evaluate("eceChat.open('support')")
    page.locator("iframe").first.wait_for()
    assert findings(page) == []


def test_the_link_in_place_of_a_blocked_window_has_no_finding(real: RealServers, page: Page) -> None:
    real.tell("/control/reset", {})
    page.add_init_script("window.open = () => null")
    page.goto(real.site + "/")
    page.locator("ece-chat").get_by_role("button").click()
    expect(page.get_by_role("link", name="Open in a new window")).to_be_focused()
    assert findings(page) == []


def test_two_links_in_place_of_blocked_windows_have_no_finding(at: StubServers, page: Page) -> None:
    page.add_init_script("window.open = () => null")
    page.goto(at.page(at.tag() + at.tag('data-entry-point="support" data-target="main"')))
    buttons = page.locator("ece-chat .ece-chat-button")
    expect(buttons).to_have_count(2)
    for button in buttons.all():
        button.click()
    expect(page.get_by_role("link", name="Open in a new window")).to_have_count(2)
    assert findings(page) == []
