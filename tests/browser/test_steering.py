"""What the page may steer: show, hide, close, update, the scheme, custom properties and parts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.real_servers import RealServers
from tests.browser.standin import StubServers

BUTTON = ".ece-chat-button"
ELEMENT = '<ece-chat entry-point="support"></ece-chat>'


def test_hide_takes_every_launcher_out_of_sight_until_show(at: StubServers, page: Page) -> None:
    page.goto(at.page(ELEMENT + at.tag()))
    expect(page.locator(BUTTON)).to_have_count(2)
    page.evaluate("eceChat.hide()")
    for button in page.locator(BUTTON).all():
        expect(button).to_be_hidden()
    page.evaluate("eceChat.create({ entryPoint: 'support', target: 'main' })")
    expect(page.locator(BUTTON)).to_have_count(3)
    expect(page.locator(BUTTON).last).to_be_hidden()
    page.evaluate("eceChat.show()")
    for button in page.locator(BUTTON).all():
        expect(button).to_be_visible()


def test_show_leaves_what_the_page_itself_has_hidden(at: StubServers, page: Page) -> None:
    page.goto(at.page(ELEMENT.replace(">", " hidden>", 1) + at.tag()))
    expect(page.locator(BUTTON).and_(page.locator(":visible"))).to_have_count(1)
    page.evaluate("eceChat.hide(); eceChat.show()")
    expect(page.locator("main ece-chat")).to_be_hidden()
    expect(page.locator("html > ece-chat")).to_be_visible()


def test_destroy_ends_hiding(at: StubServers, page: Page) -> None:
    page.goto(at.page(ELEMENT + at.tag("")))
    page.evaluate("eceChat.hide(); eceChat.destroy()")
    page.add_script_tag(url=at.origin + "/widget.js")
    expect(page.locator(BUTTON)).to_be_visible()


def test_close_closes_the_window_of_one_entry_point(at: StubServers, page: Page, context: BrowserContext) -> None:
    page.goto(at.page(ELEMENT + at.tag()))
    page.evaluate("addEventListener('ece-chat-close', (event) => { window.closed1 = event.target.localName; })")
    expect(page.locator(BUTTON)).to_have_count(2)
    with page.expect_popup() as opened:
        page.locator(BUTTON).first.click()
    page.evaluate("eceChat.close('sales')")
    assert not opened.value.is_closed()
    with opened.value.expect_event("close"):
        page.evaluate("eceChat.close('support')")
    page.wait_for_function("window.closed1")
    assert len(context.pages) == 1


def test_close_closes_the_dock_without_a_question_and_is_quiet_where_none_is_open(at: StubServers, page: Page) -> None:
    at.chat.open_in = "dock"
    page.goto(at.page(at.tag()))
    page.evaluate("addEventListener('ece-chat-close', () => { window.closedOnce = true; })")
    page.locator(BUTTON).click()
    expect(page.frame_locator("iframe").get_by_role("heading")).to_have_text("Chat 1")
    page.evaluate("eceChat.close('sales'); eceChat.close('sales'); eceChat.close('nobody')")
    expect(page.locator("ece-chat-panel")).to_have_count(0)
    page.wait_for_function("window.closedOnce")
    expect(page.locator(BUTTON)).to_be_visible()


def test_update_applies_the_options_to_every_launcher_of_the_entry_point(at: StubServers, page: Page) -> None:
    page.goto(at.page(ELEMENT + at.tag('data-entry-point="support"') + at.tag() + '<p id="place"></p>'))
    expect(page.locator(BUTTON)).to_have_count(3)
    page.evaluate("eceChat.update('support', { locale: 'de', theme: 'bold' })")
    for element in page.locator("ece-chat[entry-point=support]").all():
        expect(element).to_have_attribute("locale", "de")
        expect(element).to_have_attribute("theme", "bold")
    assert page.locator("ece-chat[entry-point=sales]").get_attribute("locale") is None
    page.evaluate("eceChat.update('support', { theme: null })")
    assert page.locator("ece-chat[theme]").count() == 0
    page.evaluate("eceChat.update('sales', { target: '#place' })")
    expect(page.locator(f"#place {BUTTON}")).to_be_visible()


@pytest.fixture
def shop(real: RealServers, chromium: Browser) -> Iterator[Page]:
    """A page with a launcher of the real server, on a system set to dark."""
    real.tell("/control/reset", {})
    context = chromium.new_context(
        viewport={"width": 1000, "height": 700}, color_scheme="dark", reduced_motion="reduce", bypass_csp=True
    )
    page = context.new_page()
    page.goto(real.site + "/")
    page.locator(f"ece-chat {BUTTON}").first.wait_for()
    page.evaluate("document.querySelectorAll('meta[name=color-scheme]').forEach((meta) => meta.remove())")
    yield page
    context.close()


def style(page: Page, selector: str, property: str) -> str:
    return str(
        page.locator(f"html > ece-chat {selector}")
        .first.evaluate("(element, property) => getComputedStyle(element).getPropertyValue(property)", property)
        .strip()
    )


def host(page: Page, property: str) -> str:
    return str(
        page.locator("html > ece-chat")
        .first.evaluate("(element, property) => getComputedStyle(element).getPropertyValue(property)", property)
        .strip()
    )


@pytest.mark.parametrize(
    ("name", "value", "property", "shown"),
    [
        ("offset-y", "66px", "bottom", "66px"),
        ("z", "12", "z-index", "12"),
        ("font", "Papyrus, serif", "font-family", "Papyrus, serif"),
    ],
)
def test_a_property_of_the_page_moves_the_launcher(
    shop: Page, name: str, value: str, property: str, shown: str
) -> None:
    assert host(shop, property) != shown
    shop.add_style_tag(content=f":root {{ --ece-chat-{name}: {value} }}")
    assert host(shop, property) == shown


def test_the_page_moves_the_launcher_away_from_the_side(shop: Page) -> None:
    shop.add_style_tag(content=":root { --ece-chat-offset-x: 77px }")
    box = shop.locator("html > ece-chat").first.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] == pytest.approx(1000 - 77, abs=0.1)


@pytest.mark.parametrize(
    ("name", "selector", "property"),
    [
        ("accent", BUTTON, "background-color"),
        ("on-accent", BUTTON, "color"),
        ("text", ".ece-chat", "color"),
    ],
)
def test_a_colour_of_the_page_is_taken(shop: Page, name: str, selector: str, property: str) -> None:
    shop.add_style_tag(content=f"html > ece-chat {{ --ece-chat-{name}: rgb(1, 2, 3) }}")
    assert style(shop, selector, property) == "rgb(1, 2, 3)"


def test_every_colour_of_the_table_and_the_message_are_the_pages_to_style(shop: Page) -> None:
    """What has none of a colour in the corner, as a dock's lines, takes it from the same property."""
    shop.evaluate("eceChat.create({ entryPoint: 'clearance', target: 'main' })")
    message = shop.locator("main > ece-chat .ece-chat-message")
    message.wait_for()
    for name in ("background", "surface", "muted", "line", "focus"):
        shop.add_style_tag(content=f":root {{ --ece-chat-{name}: rgb(1, 2, 3) }}")
        assert host(shop, f"--ece-{name}") == "rgb(1, 2, 3)"
    shop.add_style_tag(content="ece-chat::part(message) { letter-spacing: 3px }")
    seen = message.evaluate("""(message) => {
        const [box, cross] = [message, message.querySelector("button")].map((each) => getComputedStyle(each));
        return [box.backgroundColor, box.letterSpacing, cross.color];
    }""")
    assert seen == ["rgb(1, 2, 3)", "3px", "rgb(1, 2, 3)"]
    shop.keyboard.press("Tab")
    shop.locator(f"html > ece-chat {BUTTON}").first.focus()
    assert style(shop, BUTTON, "outline-color") == "rgb(1, 2, 3)"


@pytest.mark.parametrize(
    ("part", "selector"), [("button", BUTTON), ("label", ".ece-chat-label"), ("wait", ".ece-chat-wait")]
)
def test_a_part_takes_the_style_of_the_page(shop: Page, part: str, selector: str) -> None:
    shop.add_style_tag(content=f"ece-chat::part({part}) {{ letter-spacing: 3px }}")
    assert style(shop, selector, "letter-spacing") == "3px"


@pytest.mark.parametrize(
    ("page_scheme", "attribute", "is_dark"),
    [
        ("normal", None, False),
        ("light", None, False),
        ("dark", None, True),
        ("light dark", None, True),
        ("dark", "page", True),
        ("dark", "light", False),
        ("normal", "dark", True),
        ("normal", "auto", True),
        ("light", "auto", True),
    ],
)
def test_light_or_dark_is_the_pages_unless_the_scheme_is_told(
    shop: Page, page_scheme: str, attribute: str | None, is_dark: bool
) -> None:
    shop.add_style_tag(content=f":root {{ color-scheme: {page_scheme} }}")
    if attribute:
        shop.locator("html > ece-chat").first.evaluate("(element, to) => element.setAttribute('scheme', to)", attribute)
    light = shop.locator("html > ece-chat").first.evaluate(
        "(element) => getComputedStyle(element.shadowRoot.querySelector('.ece-chat-button')).backgroundColor"
    )
    assert light == ("rgb(143, 177, 255)" if is_dark else "rgb(36, 80, 216)")
