"""Every example is opened as it stands, with our host's name answered by the stand-in."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.standin import ROOT, StubServers
from tests.ece_stand_in import EceStandIn
from tests.serving import serving
from widget import settings
from widget.app import create_app
from widget.services.serving import build

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


def source(name: str) -> str:
    return (ROOT / "examples" / name / "index.html").read_text(encoding="utf-8")


def example(at: StubServers, name: str) -> str:
    return at.site.page(f"/{name}/", source(name))


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


def test_the_tag_managers_steps_for_a_single_page_site_steer_its_button(at: StubServers, page: Page) -> None:
    guide = (ROOT / "examples" / "tag-manager" / "README.md").read_text(encoding="utf-8")
    hide, show, change = re.findall(r"`<script>(eceChat[^<]+)</script>`", guide)
    page.goto(example(at, "tag-manager"))
    expect(page.locator(BUTTON)).to_be_visible()
    page.evaluate(hide)
    expect(page.locator(BUTTON)).to_be_hidden()
    page.evaluate(show)
    expect(page.locator(BUTTON)).to_be_visible()
    page.evaluate(change)
    expect(page.locator("ece-chat")).to_have_attribute("entry-point", "support")
    expect(page.locator(BUTTON)).to_be_visible()


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


@pytest.mark.parametrize("name", ["cms-snippet", "tag-manager"])
def test_the_line_of_a_guide_makes_a_button_as_it_stands(at: StubServers, page: Page, name: str) -> None:
    guide = (ROOT / "examples" / name / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^```html\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
    page.goto(at.site.page(f"/line-of-{name}/", f"<!doctype html><html lang=de><body>{line}</body></html>"))
    expect(page.locator(BUTTON)).to_be_visible()


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


def test_a_consent_that_is_withdrawn_while_the_script_is_on_its_way_shows_no_button(
    at: StubServers, page: Page, context: BrowserContext
) -> None:
    asked: list[Route] = []
    context.route("https://chat.example.com/widget.js", lambda route: asked.append(route))
    page.goto(example(at, "consent"))
    page.evaluate("document.addEventListener('load', ({ target }) => { window.arrived = target.src }, true)")
    with page.expect_request("**/widget.js"):
        page.get_by_label("Offer me a chat").check()
    page.get_by_label("Offer me a chat").uncheck()
    asked[0].fulfill(response=asked[0].fetch(url=f"{at.origin}/widget.js"))
    page.wait_for_function("window.arrived")
    page.wait_for_load_state("networkidle")
    expect(page.locator("ece-chat")).to_have_count(0)
    assert page.evaluate("window.eceChat") is None


def test_an_analytics_tool_is_told_what_happens_at_the_button(at: StubServers, page: Page) -> None:
    """A tag manager by its `dataLayer`, Google Analytics 4 by its `gtag`."""
    page.add_init_script("window.sent = []; window.gtag = (...given) => sent.push(given)")
    page.goto(example(at, "analytics"))
    with page.expect_popup():
        page.locator(BUTTON).click()
    page.evaluate("eceChat.close('sales')")
    page.wait_for_function("sent.length == 4")
    told = page.evaluate("dataLayer")
    assert [each["event"] for each in told] == ["ece_chat_ready", "ece_chat_change", "ece_chat_open", "ece_chat_close"]
    assert {each["entry_point"] for each in told} == {"sales"}
    assert {each.get("chat_state") for each in told[:3]} == {"available"}
    assert page.evaluate("sent.map(([kind, name, about]) => ({ kind, event: name, ...about }))") == [
        {"kind": "event", **each} for each in told
    ]


def test_the_recipe_for_analytics_is_twelve_lines() -> None:
    (script,) = re.findall(r"<script>\n(.*?)\n *</script>", source("analytics"), re.DOTALL)
    assert len(script.splitlines()) == 12


@pytest.mark.parametrize(
    "listener",
    ["webkit = { messageHandlers: { 'ece-chat': { postMessage } } }", "eceChatApp = { postMessage }"],
    ids=["ios", "android"],
)
def test_an_app_gets_the_chats_address_from_its_web_view(at: StubServers, page: Page, listener: str) -> None:
    page.add_init_script(f"const postMessage = (text) => {{ window.handed = text; }}; window.{listener}")
    page.goto(example(at, "web-view"))
    page.locator(BUTTON).click()
    assert page.evaluate("handed") == "https://chat.example.com/v1/chat/sales?locale=en"
    assert page.context.pages == [page]
    assert page.url.endswith("/web-view/")


def test_a_web_view_without_an_app_that_listens_goes_to_the_chat_itself(at: StubServers, page: Page) -> None:
    page.goto(example(at, "web-view"))
    page.locator(BUTTON).click()
    expect(page.get_by_role("heading")).to_have_text("Chat 1")
