"""Every example is opened as it stands, with our host's name answered by the stand-in."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.standin import ROOT, Lab

BUTTON = ".ece-chat-button"


@pytest.fixture(autouse=True)
def _our_host(at: Lab, context: BrowserContext) -> None:
    def from_the_standin(route: Route) -> None:
        address = route.request.url.replace("https://chat.example.com", at.origin)
        route.fulfill(response=route.fetch(url=address))

    context.route("https://chat.example.com/**", from_the_standin)


def example(at: Lab, name: str) -> str:
    return at.site.page(f"/{name}/", (ROOT / "examples" / name / "index.html").read_text())


def test_the_strict_policy_page(at: Lab, page: Page) -> None:
    page.add_init_script(
        "window.violations = []; addEventListener('securitypolicyviolation', () => violations.push(1))"
    )
    page.goto(example(at, "csp-page"))
    expect(page.locator(BUTTON)).to_be_visible()
    assert page.evaluate("violations") == []


def test_the_single_page_site(at: Lab, page: Page) -> None:
    page.goto(example(at, "single-page-site"))
    for title, link in (("Home", "Prices"), ("Prices", "Home")):
        expect(page.get_by_role("heading")).to_have_text(title)
        expect(page.locator(BUTTON)).to_be_visible()
        page.get_by_role("link", name=link).click()
    expect(page.locator(BUTTON)).to_be_visible()
    assert page.locator(BUTTON).count() == 1


def test_the_tag_manager(at: Lab, page: Page) -> None:
    page.goto(example(at, "tag-manager"))
    expect(page.locator("script[src*=widget]")).to_have_count(2)
    expect(page.locator(BUTTON)).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert page.locator(BUTTON).count() == 1


def test_several_entry_points(at: Lab, page: Page) -> None:
    page.goto(example(at, "several-entry-points"))
    expect(page.locator(BUTTON)).to_have_count(2)
    expect(page.get_by_role("log")).to_contain_text("sales is available.")
    expect(page.get_by_role("log")).to_contain_text("support is available.")


def test_the_link_without_script(at: Lab, page: Page) -> None:
    page.goto(example(at, "no-script-link"))
    with page.expect_popup() as opened:
        page.get_by_role("link").click()
    expect(opened.value.get_by_role("heading")).to_have_text("Chat 1")
