"""The survey in a real Chromium: with script and without, by keyboard, on a phone, in a frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.survey_site import Site, serve_surveys
from tests.hazards import HAZARDS, of_every_category
from tests.survey_app import EVERY_KIND
from widget.domain.text import clean

pytestmark = pytest.mark.browser
_PHONE = {"width": 320, "height": 640}
# names that hide members of the form element from a careless script
_CLOBBERING = ["elements", "submit", "querySelectorAll", "addEventListener", "dataset", "nodeName", "action"]


def _surveys() -> dict[str, Any]:
    def texts(names: list[str]) -> list[dict[str, Any]]:
        return [{"id": name, "kind": "text", "text": name, "max_length": 790} for name in names]

    return {
        "every": EVERY_KIND,
        "clobbering": {"title": "Odd names", "questions": texts(_CLOBBERING)},
        "many": {"title": "Many", "questions": texts([f"t{number}" for number in range(50)])},
    }


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with serve_surveys(_surveys()) as site:
        yield site


@pytest.fixture(scope="module")
def chromium_for_surveys(running: Site) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # the host pages of the frame tests come from no server, which Chromium takes for a public network
        local = "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", local])
        yield browser
        browser.close()


@pytest.fixture
def site(running: Site) -> Site:
    running.stage.outbox.messages.clear()
    running.stage.outbox.down = False
    return running


@pytest.fixture
def visitor(chromium_for_surveys: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page in which nothing may throw and no policy may be broken; options by `visitor` marks as parameters."""
    context = chromium_for_surveys.new_context(**getattr(request, "param", {}))
    context.set_default_timeout(10_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "policy" in message.text.lower() else None)
    yield page
    context.close()
    assert faults == []


def rate(page: Page, value: int) -> None:
    page.locator(f"[name=helpful][value='{value}']").check()


def drafts(page: Page) -> int:
    return int(page.evaluate("sessionStorage.length"))


def test_a_survey_is_answered_by_keyboard_alone(site: Site, visitor: Page) -> None:
    visitor.goto(site.url())
    press = visitor.keyboard.press
    press("Tab")
    press("Space")  # 1
    press("ArrowRight")  # 2
    press("Tab")
    visitor.keyboard.type("Too slow,\nby far")
    press("Tab")
    press("Space")
    press("Tab")
    press("Space")
    press("ArrowDown")
    press("ArrowDown")
    press("Tab")
    visitor.keyboard.type("My cat")
    press("Tab")
    press("Space")
    for _ in range(4):
        press("Tab")
    press("Space")
    press("Tab")
    press("Enter")
    expect(visitor.locator("h1")).to_have_text("Thank you")
    assert site.stage.answers == {
        "helpful": "2",
        "comment": "Too slow,\nby far",
        "recommend": "0",
        "topic": "My cat",
        "liked": "The speed",
        "solved": "yes",
    }


def test_questions_come_and_go_with_the_answers_and_hidden_ones_are_not_sent(site: Site, visitor: Page) -> None:
    visitor.goto(site.url())
    comment = visitor.locator("[name=comment]")
    expect(comment).to_be_hidden()
    rate(visitor, 2)
    comment.fill("typed")
    rate(visitor, 5)
    expect(comment).to_be_hidden()
    rate(visitor, 1)
    expect(comment).to_have_value("typed")
    rate(visitor, 5)
    visitor.locator("[name=solved][value=no]").check()
    visitor.locator("button[type=submit]").click()
    expect(visitor.locator("h1")).to_have_text("Thank you")
    assert site.stage.answers == {"helpful": "5", "solved": "no"}


def test_typed_text_is_counted_in_characters(site: Site, visitor: Page) -> None:
    visitor.goto(site.url())
    rate(visitor, 1)
    visitor.locator("[name=comment]").fill("\N{GRINNING FACE}" * 10 + "\n")
    expect(visitor.locator("#q-comment-limit")).to_have_text("Characters left: 789")
    visitor.locator("[name=comment]").fill("x" * 803)
    expect(visitor.locator("#q-comment-limit")).to_have_text("Characters too many: 3")


def test_a_draft_stays_in_the_tab_until_the_thanks(site: Site, visitor: Page) -> None:
    visitor.goto(site.url())
    rate(visitor, 3)
    visitor.locator("[name=comment]").fill("half a thought")
    visitor.reload()
    expect(visitor.locator("[name=comment]")).to_have_value("half a thought")
    visitor.locator("[name=solved][value=yes]").check()
    assert drafts(visitor) == 1
    visitor.locator("button[type=submit]").click()
    expect(visitor.locator("h1")).to_have_text("Thank you")
    assert drafts(visitor) == 0
    assert site.stage.answers["comment"] == "half a thought"


def test_faults_take_the_focus_and_keep_what_was_typed(site: Site, visitor: Page) -> None:
    visitor.goto(site.url())
    visitor.locator("[name=topic][value=other]").check()
    visitor.locator("[name='topic.other']").fill("<b>cat</b>")
    visitor.locator("button[type=submit]").click()
    expect(visitor.locator(".notice li")).to_have_count(2)
    expect(visitor.locator("[name=helpful][value='1']")).to_be_focused()
    expect(visitor.locator("[name='topic.other']")).to_have_value("<b>cat</b>")
    visitor.locator(".notice a").last.click()
    expect(visitor.locator("[name=solved]").first).to_be_focused()


def test_without_storage_the_answers_stay_and_can_be_sent_again(site: Site, visitor: Page) -> None:
    site.stage.outbox.down = True
    visitor.goto(site.url())
    rate(visitor, 1)
    visitor.locator("[name=comment]").fill("keep me")
    visitor.locator("[name=solved][value=yes]").check()
    visitor.locator("button[type=submit]").click()
    expect(visitor.locator(".notice")).to_contain_text("Nothing you wrote is lost")
    site.stage.outbox.down = False
    visitor.locator("button[type=submit]").click()
    expect(visitor.locator("h1")).to_have_text("Thank you")
    assert site.stage.answers["comment"] == "keep me"


@pytest.mark.parametrize("visitor", [{"java_script_enabled": False}], indirect=True)
def test_without_script_the_whole_way_works(site: Site, visitor: Page) -> None:
    visitor.goto(site.url())
    expect(visitor.locator(".only-if")).to_contain_text("Only if you answered “1, 2, 3”")
    visitor.locator("[name=comment]").fill("no script here")
    visitor.locator("button[type=submit]").click()
    expect(visitor.locator("[name=helpful][value='1']")).to_be_focused()
    expect(visitor.locator("[name=comment]")).to_have_value("no script here")
    rate(visitor, 2)
    visitor.locator("[name=solved][value=yes]").check()
    visitor.locator("button[type=submit]").click()
    expect(visitor.locator("h1")).to_have_text("Thank you")
    assert site.stage.answers == {"helpful": "2", "comment": "no script here", "solved": "yes"}


@pytest.mark.parametrize("visitor", [{"viewport": _PHONE, "has_touch": True}], indirect=True)
def test_a_phone_shows_one_question_at_a_time(site: Site, visitor: Page) -> None:
    visitor.goto(site.url())
    shown = visitor.locator("[data-question]:visible")
    forward = visitor.get_by_role("button", name="Next")
    expect(shown).to_have_count(1)
    forward.tap()
    expect(visitor.locator("#q-helpful-fault")).to_be_visible()
    rate(visitor, 2)
    forward.tap()
    expect(shown).to_have_attribute("data-question", "comment")
    visitor.locator("[name=comment]").fill("from a phone")
    for question in ("recommend", "topic", "liked", "solved"):
        forward.tap()
        expect(shown).to_have_attribute("data-question", question)
    visitor.get_by_role("button", name="Back").tap()
    expect(shown).to_have_attribute("data-question", "liked")
    forward.tap()
    visitor.locator("[name=solved][value=no]").check()
    assert visitor.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visitor.get_by_role("button", name="Send").tap()
    expect(visitor.locator("h1")).to_have_text("Thank you")
    assert site.stage.answers == {"helpful": "2", "comment": "from a phone", "solved": "no"}


@pytest.mark.parametrize("visitor", [{"viewport": _PHONE}], indirect=True)
def test_every_target_on_a_phone_is_large_enough(site: Site, visitor: Page) -> None:
    visitor.goto(site.url())
    small = visitor.evaluate(
        """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), textarea")]
            .map((each) => each.getBoundingClientRect())
            .filter((box) => box.width && (box.width < 24 || box.height < 24)).length"""
    )
    assert small == 0


def test_questions_named_like_parts_of_a_form_work(site: Site, visitor: Page) -> None:
    visitor.goto(site.url(survey="clobbering"))
    for name in _CLOBBERING:
        visitor.locator(f"[name={name}]").fill(f"about {name}")
    visitor.locator("button[type=submit]").click()
    expect(visitor.locator("h1")).to_have_text("Thank you")
    assert site.stage.answers == {name: f"about {name}" for name in _CLOBBERING}


def test_hazardous_texts_typed_in_a_browser_are_stored_as_they_were_typed(site: Site, visitor: Page) -> None:
    texts = [*HAZARDS.values(), *dict(of_every_category()).values()]
    for start in range(0, len(texts), 50):
        typed = {f"t{place}": text for place, text in enumerate(texts[start : start + 50])}
        site.stage.outbox.messages.clear()
        visitor.goto(site.url(f"1000_{start}", survey="many"))
        for name, text in typed.items():
            visitor.locator(f"[name={name}]").fill(text)
        visitor.locator("button[type=submit]").click()
        expect(visitor.locator("h1")).to_have_text("Thank you")
        assert site.stage.answers == {name: clean(text) for name, text in typed.items()}


@pytest.mark.parametrize(("host", "allowed"), [("site.test", True), ("elsewhere.test", False)])
def test_only_allowed_sites_may_frame_a_survey(site: Site, visitor: Page, host: str, allowed: bool) -> None:
    page = visitor.context.new_page()
    page.route(
        f"http://{host}/",
        lambda route: route.fulfill(
            body=f'<iframe width=800 height=600 src="{site.url()}"></iframe>', content_type="text/html"
        ),
    )
    page.goto(f"http://{host}/")
    frame = page.frame_locator("iframe")
    if allowed:
        frame.locator("[name=helpful][value='4']").check()
        frame.locator("[name=solved][value=yes]").check()
        frame.locator("button[type=submit]").click()
        expect(frame.locator("h1")).to_have_text("Thank you")
        assert site.stage.answers == {"helpful": "4", "solved": "yes"}
    else:
        expect(frame.locator("form")).to_have_count(0)
