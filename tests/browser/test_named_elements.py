"""What visitors of a page write (named images, forms, frames) and advertising frames do not speak for us."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.standin import ROOT, StubServers
from tests.browser.test_on_a_host_page import LISTED

BUTTON = ".ece-chat-button"
DIALOG = "ece-chat-panel dialog"
SOURCE = (ROOT / "static" / "widget.js").read_text()
CODE = re.sub(r"/\*.*?\*/|//[^\n]*", "", SOURCE, flags=re.DOTALL)
# Every member of `document` that the script uses. Elements of these kinds hide the member that has their name.
MEMBERS = [
    "activeElement",
    "body",
    "createElement",
    "currentScript",
    "documentElement",
    "hidden",
    "querySelector",
    "querySelectorAll",
    "readyState",
]
NAMED = {
    "image": '<img name="{name}" src="https://evil.test/a.png#entry-point=sales" alt="">',
    "form": '<form name="{name}"><input name="src" value="https://evil.test/widget.js#entry-point=sales"></form>',
    "frame": '<iframe name="{name}" srcdoc="x" title="x"></iframe>',
    "object": '<object id="{name}"></object>',
    "two images": '<img name="{name}" alt=""><img name="{name}" alt="">',
}


def test_the_table_names_every_member_of_the_document_that_the_script_uses() -> None:
    used = re.findall(r'(?:ofDocument|askDocument)\("(\w+)"', CODE)
    assert sorted(set(used)) == MEMBERS
    # The two readers are the only places that hold the document itself, and nobody calls them with a computed name.
    assert (
        len(re.findall(r"(?<![\w.])document\b(?!\")", CODE))
        == len(re.findall(r"document\)|call\(document,", CODE))
        == 2
    )
    calls = re.findall(r"\b(?:ofDocument|askDocument)\(", CODE)
    assert len(calls) == len(used) + 1  # askDocument itself asks for the member it is given


@pytest.fixture
def evil(page: Page) -> list[str]:
    """What was asked of a stranger's server, which answers with a launcher that runs script."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        html = '<div class="ece-chat" data-show="true"><img src="x" onerror="window.ran = true">Evil</div>'
        route.fulfill(body=html, content_type="text/html", headers={"Access-Control-Allow-Origin": "*"})

    page.route("https://evil.test/**", answer)
    return asked


@pytest.mark.parametrize("kind", NAMED)
@pytest.mark.parametrize("name", MEMBERS)
def test_a_named_element_hides_no_member_from_the_script(
    at: StubServers, page: Page, evil: list[str], name: str, kind: str
) -> None:
    at.chat.open_in = "dock"
    page.goto(at.page(NAMED[kind].format(name=name) + at.tag()))
    hides = "(name) => document[name] !== Reflect.get(Document.prototype, name, document)"
    assert page.evaluate(hides, name)  # the hazard is there
    expect(page.locator(BUTTON)).to_have_text("Chat with us number 3")
    page.locator(BUTTON).click()
    expect(page.frame_locator(f"{DIALOG} iframe").get_by_role("heading")).to_have_text("Chat 1")
    expect(page.locator("[data-when=loading]")).to_be_hidden()  # from then on a chat may be lost, and closing asks
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="End the chat").click()
    expect(page.locator(DIALOG)).to_have_count(0)
    assert [each for each in evil if "/v1/" in each] == []
    assert page.evaluate("window.ran") is None


@pytest.mark.parametrize("policy", ["", LISTED + "; img-src *"], ids=["no policy", "trusted types"])
@pytest.mark.parametrize("copy", ["current", "frozen", "module"])
def test_the_origin_is_the_scripts_own_and_never_an_images(
    at: StubServers, page: Page, evil: list[str], copy: str, policy: str
) -> None:
    path = "/widget.js" if copy != "frozen" else f"/{at.files.current.name}"
    attributes = 'data-entry-point="sales"' + (' type="module"' if copy == "module" else "")
    image = '<img name="currentScript" src="https://evil.test/widget.js#entry-point=sales" data-entry-point="x" alt="">'
    headers = {"Content-Security-Policy": policy.format(origin=at.origin)} if policy else {}
    page.goto(at.page(image + at.tag(attributes, path), headers=headers))
    expect(page.locator(BUTTON)).to_have_text("Chat with us number 3")
    assert at.chat.requests == ["/v1/launcher/sales?locale=en&theme="]
    assert [each for each in evil if "/v1/" in each] == []
    assert page.evaluate("window.ran") is None


@pytest.mark.parametrize("name", ["append", "contains", "appendChild", "parentNode", "insertBefore", "nodeType"])
def test_a_form_may_be_the_target_whatever_its_fields_are_called(at: StubServers, page: Page, name: str) -> None:
    form = f'<form id="spot"><input name="{name}"><input id="{name}"></form>'
    page.goto(at.page(form + at.tag('data-entry-point="sales" data-target="#spot"')))
    expect(page.locator("#spot > ece-chat " + BUTTON)).to_be_visible()


def test_a_script_that_is_no_script_of_the_document_is_not_taken_for_ours(at: StubServers, page: Page) -> None:
    drawing = (
        '<svg><script href="data:text/javascript," src="https://evil.test/widget.js#entry-point=x"></script></svg>'
    )
    page.goto(at.page(drawing + at.tag('type="module" data-entry-point="sales"')))
    expect(page.locator(BUTTON)).to_be_visible()
    assert at.chat.requests == ["/v1/launcher/sales?locale=en&theme="]


def test_without_a_tag_of_its_own_it_says_so_in_one_sentence(at: StubServers, page: Page) -> None:
    texts: list[str] = []
    page.on("console", lambda message: texts.append(message.text) if message.type == "warning" else None)
    page.goto(
        at.page(f"<script type=module>import('{at.origin}/widget.js').then(() => {{ window.done = 1; }})</script>")
    )
    page.wait_for_function("window.done")
    assert len(texts) == 1
    assert "no script tag of its own" in texts[0]
    assert page.evaluate("'eceChat' in window") is False


# Each takes the chat's name before the first click; the chat must open all the same, and a second click finds it.
TAKEN_NAMES = {
    "a frame of the page": '<iframe name="ece-chat-sales" src="{evil}" title="Advertisement"></iframe>',
    "a frame that names itself": '<iframe src="{evil}?named" title="Advertisement"></iframe>',
    "a frame of our page's own origin": '<iframe name="ece-chat-sales" srcdoc="<p>x" title="Advertisement"></iframe>',
}


@pytest.mark.parametrize("taken_by", TAKEN_NAMES)
def test_a_stranger_that_bears_the_chats_name_does_not_take_the_click(
    at: StubServers, page: Page, context: BrowserContext, taken_by: str
) -> None:
    evil = at.site.origin.replace("localhost", "127.0.0.1") + "/advert"
    at.site.page(
        "/advert",
        "<title>Fake</title><h1>Fake</h1><script>"
        "if (location.search == '?named') name = 'ece-chat-sales';"
        "</script><p>Click me</p>",
    )
    page.goto(at.page(TAKEN_NAMES[taken_by].format(evil=evil) + at.tag()))
    expect(page.locator(BUTTON)).to_be_visible()
    strangers = len(context.pages)
    with context.expect_page() as opened:
        page.locator(BUTTON).click()
    expect(opened.value.get_by_role("heading")).to_have_text("Chat 1")
    page.locator(BUTTON).click()
    page.wait_for_load_state("networkidle")
    assert len(context.pages) == strangers + 1
    assert at.chat.ece_pages == 1


def test_the_window_around_our_page_is_not_the_chat_though_it_calls_itself_so(
    at: StubServers, page: Page, context: BrowserContext
) -> None:
    ours = at.page(at.tag())
    page.goto(at.site.page("/fake", f"<script>name = 'ece-chat-sales'</script><iframe src='{ours}'></iframe>"))
    with context.expect_page() as opened:
        page.frame_locator("iframe").locator(BUTTON).click()
    expect(opened.value.get_by_role("heading")).to_have_text("Chat 1")
    page.frame_locator("iframe").locator(BUTTON).click()
    page.wait_for_load_state("networkidle")
    assert len(context.pages) == 2


def test_a_name_drawn_by_lot_is_not_told_twice(at: StubServers, page: Page, context: BrowserContext) -> None:
    names = set()
    for _ in range(2):
        page.goto(at.page('<iframe name="ece-chat-sales" srcdoc="x" title="x"></iframe>' + at.tag()))
        page.evaluate(
            "window.names = []; { const true_open = open; window.open = (url, name, ...rest) => {"
            " names.push(name); return true_open(url, name, ...rest); }; }"
        )
        with context.expect_page():
            page.locator(BUTTON).click()
        names.add(page.evaluate("names.at(-1)"))
    assert len(names) == 2
    assert all(re.fullmatch(r"ece-chat-\d+(-\d+){3}", name) for name in names)
