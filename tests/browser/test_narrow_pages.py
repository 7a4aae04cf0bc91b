"""Pages on a phone 320 pixels wide: words longer than the screen, the summary of faults, both reading directions."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.survey_site import Site, serve_surveys
from tests.survey_app import EVERY_KIND
from widget.web.pages.contexts import ClosedContext, ErrorContext
from widget.web.pages.other_ways import OtherWay

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
WAYS = (OtherWay("phone", LONG, "tel:+4930", LONG, LONG), OtherWay("message", LONG, "https://chat.example.com/m"))
THEMES = ("default", "bold", "civic", "text")
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
LONG_WORDS: dict[str, Any] = {
    "title": f"{LONG}?",
    "questions": [
        {"id": "one", "kind": "choice", "required": True, "text": LONG, "options": ["Short", LONG], "other": LONG},
        {"id": "ends", "kind": "rating", "text": LONG, "labels": {"1": "Very bad", "5": LONG}},
        {"id": "steps", "kind": "rating", "text": LONG, "scale": 10, "labels": {str(n): LONG for n in range(1, 11)}},
        {"id": "typed", "kind": "text", "text": LONG, "show_if": {"one": ["Short"]}},
    ],
}
WIDER = "document.documentElement.scrollWidth - innerWidth"
# The height at which the darkest spot of a picture's first columns stands, in CSS pixels.
MARK = """async (picture) => {
    const image = await createImageBitmap(await (await fetch("data:image/png;base64," + picture)).blob());
    const canvas = Object.assign(document.createElement("canvas"), {width: 16, height: image.height});
    const brush = canvas.getContext("2d");
    brush.drawImage(image, 0, 0);
    const dots = brush.getImageData(0, 0, 16, image.height).data;
    let [found, darkest] = [0, 999];
    for (let at = 0; at < dots.length; at += 4) {
        const light = dots[at] + dots[at + 1] + dots[at + 2];
        if (light < darkest) [found, darkest] = [Math.floor(at / 64), light];
    }
    return darkest < 300 ? found : -1;
}"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serve_surveys({"every": EVERY_KIND, "long": LONG_WORDS}) as running:
        yield running


@pytest.fixture(params=[True, False], ids=["with script", "without"])
def script(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def phone(chromium: Browser, script: bool) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 320, "height": 640}, java_script_enabled=script)
    yield context.new_page()
    context.close()


def show(site: Site, page: Page, template: str, shown: ClosedContext | ErrorContext, theme: str) -> None:
    """Open a page of words made up here, with the style sheets of the running server."""
    html = site.stage.pages.render(template, shown, theme=theme, language="de")
    page.route("**/made-up", lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
    page.goto(site.origin + "/made-up")
    page.unroute("**/made-up")


@pytest.mark.parametrize("theme", THEMES)
def test_words_longer_than_the_screen_make_no_survey_wider_than_it(site: Site, phone: Page, theme: str) -> None:
    phone.goto(f"{site.url(survey='long')}?theme={theme}")
    assert phone.evaluate(WIDER) <= 0
    if not phone.locator(".progress").count():
        phone.locator("button[type=submit]").click()
        expect(phone.locator(".notice")).to_be_visible()
        phone.wait_for_load_state()  # with its style sheets
    for _ in range(3):
        assert phone.evaluate(WIDER) <= 0
        if phone.locator(".progress").count():
            phone.locator("[name=one]").first.check()
            phone.get_by_role("button", name="Next").click()


@pytest.mark.parametrize("theme", THEMES)
def test_words_longer_than_the_screen_make_no_page_wider_than_it(site: Site, chromium: Browser, theme: str) -> None:
    page = chromium.new_page(viewport={"width": 320, "height": 640})
    show(site, page, "closed.html", ClosedContext("sales", "x", "x", LONG, LONG, LONG, LONG, LONG, "", WAYS), theme)
    assert page.evaluate(WIDER) <= 0
    show(site, page, "error.html", ErrorContext(429, LONG, LONG, LONG, LONG, True, LONG, WAYS), theme)
    assert page.evaluate(WIDER) <= 0
    page.close()


def test_short_words_at_the_ends_of_a_scale_are_never_broken_for_long_ones(site: Site, chromium: Browser) -> None:
    page = chromium.new_page(viewport={"width": 320, "height": 640}, java_script_enabled=False)
    page.goto(site.url(survey="long"))
    lines = """spans => spans.map((span) => {
        const words = document.createRange();
        words.selectNodeContents(span);
        return words.getClientRects().length;
    })"""
    assert page.locator(".ends span").evaluate_all(lines)[0] == 1
    assert set(page.locator(".figure").evaluate_all(lines)) == {1}
    page.close()


def test_a_fault_of_the_summary_leads_to_its_question_where_one_is_shown_at_a_time(
    site: Site, chromium: Browser
) -> None:
    page = chromium.new_page(viewport={"width": 900, "height": 640})
    page.goto(site.url())
    page.locator("button[type=submit]").click()
    expect(page.locator(".notice")).to_be_visible()
    page.set_viewport_size({"width": 320, "height": 640})
    shown = page.locator("[data-question]:visible")
    expect(shown).to_have_count(1)
    expect(shown).to_have_attribute("data-question", "helpful")
    page.locator(".notice a").last.click()
    expect(shown).to_have_attribute("data-question", "solved")
    expect(page.locator("[name=solved]").first).to_be_focused()
    expect(page.locator("[name=solved]").first).to_be_in_viewport()
    page.locator(".notice a").first.press("Enter")
    expect(shown).to_have_attribute("data-question", "helpful")
    expect(page.locator("[name=helpful]").first).to_be_focused()
    page.close()


def test_the_bullet_of_a_fault_stands_at_its_first_line(site: Site, chromium: Browser) -> None:
    page = chromium.new_page(viewport={"width": 320, "height": 640}, java_script_enabled=False)
    page.goto(site.url())
    page.locator("button[type=submit]").click()
    expect(page.locator(".notice")).to_be_visible()
    page.wait_for_load_state()  # with its style sheets
    link = page.locator(".notice a").first.bounding_box()
    assert link is not None
    assert link["height"] > 40  # the words take two lines
    page.locator(".notice li").evaluate_all("items => items.slice(1).forEach((item) => item.remove())")
    picture = base64.b64encode(page.locator(".notice ul").screenshot()).decode()
    page.close()
    page = chromium.new_page()
    assert 0 < page.evaluate(MARK, picture) < 28
    page.close()


@pytest.mark.parametrize(("language", "side"), [("ar", "right"), ("en", "left")])
@pytest.mark.parametrize("title", ["How did we do?", "كيف كان أداؤنا؟"])
def test_a_title_in_another_script_stands_where_the_page_begins(
    site: Site, chromium: Browser, language: str, side: str, title: str
) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 700})
    page.goto(f"{site.url(survey='long')}?locale={language}")
    page.locator("h1 span").evaluate("(span, title) => (span.textContent = title)", title)
    edges = """([outer, inner]) => ({
        left: inner.getBoundingClientRect().left - outer.getBoundingClientRect().left,
        right: outer.getBoundingClientRect().right - inner.getBoundingClientRect().right,
    })"""
    gaps = page.evaluate(f"({edges})([document.querySelector('h1'), document.querySelector('h1 span')])")
    assert gaps[side] < 1
    page.close()


@pytest.mark.parametrize(("language", "side"), [("ar", "left"), ("en", "right")])
def test_the_text_themes_next_stands_where_the_lines_end(
    site: Site, chromium: Browser, language: str, side: str
) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 700})
    page.goto(f"{site.url()}?locale={language}&theme=text")
    edge = f"""() => {{
        const next = document.querySelector(".actions button:not([hidden])").getBoundingClientRect();
        return [document.querySelector("form").getBoundingClientRect().{side}, next.{side}];
    }}"""
    form, button = page.evaluate(edge)
    assert abs(form - button) < 2
    page.close()
