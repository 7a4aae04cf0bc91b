"""Every example is opened as it stands, with our host's name answered by the stand-in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.standin import ROOT, StubServers
from tests.ece_stand_in import EceStandIn
from widget import settings
from widget.app import create_app
from widget.services.serving import build
from widget.simulator.server import serving

BUTTON = ".ece-chat-button"


@pytest.fixture(scope="module")
def themed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The product with the themes of the example."""
    parsed = settings.parse(
        {
            "server": {"public_url": "https://chat.example.com"},
            "security": {"secret_keys": ["a-secret-for-tests-that-is-long-enough"]},
            "ece": {"base_url": "https://ece.example.com/system"},
            "entry_points": {"sales": {"id": 1001, "chat_url": "https://ece.example.com/?e={id}"}},
            "storage": {"url": f"sqlite:///{tmp_path_factory.mktemp('themed')}/outbox.db"},
            "themes": {"directory": str(ROOT / "examples" / "custom-templates" / "themes")},
        }
    )
    with serving(create_app(parsed, services=build(parsed, ece=EceStandIn()))) as origin:
        yield origin


@pytest.fixture(autouse=True)
def _our_host(at: StubServers, context: BrowserContext) -> None:
    def from_the_standin(route: Route) -> None:
        address = route.request.url.replace("https://chat.example.com", at.origin)
        route.fulfill(response=route.fetch(url=address))

    context.route("https://chat.example.com/**", from_the_standin)


def example(at: StubServers, name: str) -> str:
    return at.site.page(f"/{name}/", (ROOT / "examples" / name / "index.html").read_text())


def test_the_plain_page(at: StubServers, page: Page) -> None:
    page.goto(example(at, "plain-page"))
    expect(page.locator(BUTTON)).to_be_visible()


def test_the_custom_theme(at: StubServers, page: Page, context: BrowserContext, themed: str) -> None:
    def from_the_product(route: Route) -> None:
        route.fulfill(response=route.fetch(url=route.request.url.replace("https://chat.example.com", themed)))

    context.route("https://chat.example.com/**", from_the_product)
    page.goto(example(at, "custom-templates"))
    expect(page.locator(BUTTON)).to_be_visible()
    expect(page.locator(".ece-chat")).to_have_attribute("data-corner", "bottom-left")


def test_the_strict_policy_page(at: StubServers, page: Page) -> None:
    page.add_init_script(
        "window.violations = []; addEventListener('securitypolicyviolation', () => violations.push(1))"
    )
    page.goto(example(at, "csp-page"))
    expect(page.locator(BUTTON)).to_be_visible()
    assert page.evaluate("violations") == []


def test_the_single_page_site(at: StubServers, page: Page) -> None:
    page.goto(example(at, "single-page-site"))
    for title, link in (("Home", "Prices"), ("Prices", "Home")):
        expect(page.get_by_role("heading")).to_have_text(title)
        expect(page.locator(BUTTON)).to_be_visible()
        page.get_by_role("link", name=link).click()
    expect(page.locator(BUTTON)).to_be_visible()
    expect(page.locator(BUTTON)).to_have_count(1)


def test_the_tag_manager(at: StubServers, page: Page) -> None:
    page.goto(example(at, "tag-manager"))
    expect(page.locator("script[src*=widget]")).to_have_count(2)
    expect(page.locator(BUTTON)).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator(BUTTON)).to_have_count(1)


def test_several_entry_points(at: StubServers, page: Page) -> None:
    page.goto(example(at, "several-entry-points"))
    expect(page.locator(BUTTON)).to_have_count(2)
    expect(page.get_by_role("log")).to_contain_text("sales is available.")
    expect(page.get_by_role("log")).to_contain_text("support is available.")


def test_the_link_without_script(at: StubServers, page: Page) -> None:
    page.goto(example(at, "no-script-link"))
    with page.expect_popup() as opened:
        page.get_by_role("link").click()
    expect(opened.value.get_by_role("heading")).to_have_text("Chat 1")


def test_a_content_system_that_takes_attributes_out(at: StubServers, page: Page) -> None:
    page.goto(example(at, "cms-snippet"))
    expect(page.locator(BUTTON)).to_be_visible()


def test_the_button_comes_with_the_consent_and_goes_with_it(at: StubServers, page: Page) -> None:
    page.goto(example(at, "consent"))
    consent = page.get_by_label("Offer me a chat")
    for _ in range(2):
        assert page.evaluate("window.eceChat") is None
        consent.check()
        expect(page.locator(BUTTON)).to_be_visible()
        consent.uncheck()
        expect(page.locator("ece-chat")).to_have_count(0)


def test_an_analytics_tool_is_told_what_happens_at_the_button(at: StubServers, page: Page) -> None:
    page.goto(example(at, "analytics"))
    with page.expect_popup():
        page.locator(BUTTON).click()
    told = page.evaluate("dataLayer")
    assert [each["event"] for each in told] == ["ece_chat_ready", "ece_chat_change", "ece_chat_open"]
    assert {each["entry_point"] for each in told} == {"sales"}
    assert told[-1]["chat_state"] == "available"


def test_an_app_gets_the_chats_address_from_its_web_view(at: StubServers, page: Page) -> None:
    page.add_init_script("window.eceChatApp = { postMessage: (text) => { window.handed = text; } }")
    page.goto(example(at, "web-view"))
    page.locator(BUTTON).click()
    assert page.evaluate("handed") == "https://chat.example.com/v1/chat/sales?locale=en"


def test_a_web_view_without_an_app_that_listens_goes_to_the_chat_itself(at: StubServers, page: Page) -> None:
    page.goto(example(at, "web-view"))
    page.locator(BUTTON).click()
    expect(page.get_by_role("heading")).to_have_text("Chat 1")
