"""The survey in a real Chromium: with script and without, by keyboard, on a phone, in a frame."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, ViewportSize, expect

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
        "looks": {
            "title": "Looks",
            "questions": [
                {"id": look, "kind": "rating", "look": look, "text": look, "labels": ["Bad", "Good"]}
                for look in ("numbers", "stars", "faces")
            ]
            + [{"id": "own", "kind": "choice", "text": "own", "options": ["a"], "other": True}]
            + [{"id": "last", "kind": "yes_no", "text": "last"}],
        },
        "paged": {
            "title": "Paged",
            "questions": [{"id": f"p{page}", "kind": "yes_no", "text": "?", "page": page} for page in (1, 2)],
        },
        "many": {"title": "Many", "questions": texts([f"t{number}" for number in range(50)])},
    }


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with serve_surveys(_surveys()) as site:
        yield site


@pytest.fixture
def site(running: Site) -> Site:
    running.stage.outbox.messages.clear()
    running.stage.outbox.down = False
    return running


@pytest.fixture
def visitor(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page in which nothing may throw and no policy may be broken; options by `visitor` marks as parameters."""
    context = chromium.new_context(**getattr(request, "param", {}))
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
    visitor.wait_for_load_state()  # with its script
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


@pytest.mark.parametrize("look", ["numbers", "stars", "faces"])
def test_a_rating_has_the_same_keys_and_names_however_it_looks(site: Site, visitor: Page, look: str) -> None:
    visitor.goto(site.url(survey="looks"))
    group = visitor.get_by_role("radiogroup", name=look)
    for name in ("1 Bad", "2", "3", "4", "5 Good"):
        expect(group.get_by_role("radio", name=name, exact=True)).to_have_count(1)
    group.get_by_role("radio").first.focus()
    for _ in range(2):
        visitor.keyboard.press("ArrowRight")
    expect(visitor.locator(f"[name={look}][value='3']")).to_be_checked()


def test_the_stars_up_to_the_chosen_one_are_full(site: Site, visitor: Page) -> None:
    visitor.emulate_media(reduced_motion="reduce")
    visitor.goto(site.url(survey="looks"))
    visitor.locator("[name=stars][value='3']").check()
    fills = visitor.locator(".look-stars svg").evaluate_all("all => all.map((each) => getComputedStyle(each).fill)")
    assert fills[0] != "none"
    assert fills == [fills[0]] * 3 + ["none"] * 2


@pytest.mark.parametrize("visitor", [{}, {"java_script_enabled": False}], indirect=True, ids=["script", "no script"])
def test_enter_in_a_field_that_is_not_the_last_never_sends(site: Site, visitor: Page) -> None:
    visitor.goto(site.url(survey="looks"))
    address = visitor.url
    visitor.locator("[name=own][value=other]").check()
    for field in ("[name=numbers] >> nth=0", "[name=own][value=other]", "[name='own.other']"):
        visitor.locator(field).press("Enter")
        expect(visitor.locator("[name=own][value=other]")).to_be_checked()
        expect(visitor.locator("[name=last]").first).to_be_visible()
    assert visitor.url == address
    assert site.stage.outbox.messages == {}


@pytest.mark.parametrize("visitor", [{"viewport": _PHONE}], indirect=True)
def test_enter_on_a_phone_shows_the_next_question(site: Site, visitor: Page) -> None:
    visitor.goto(site.url(survey="looks"))
    for shown in ("numbers", "stars", "faces"):
        visitor.locator(f"[name={shown}]").first.press("Enter")
        expect(visitor.locator(f"[data-question={shown}]")).to_be_hidden()
    expect(visitor.locator("[data-question=own]")).to_be_visible()
    assert site.stage.outbox.messages == {}


def test_enter_goes_on_to_the_next_question_and_in_the_last_field_sends(site: Site, visitor: Page) -> None:
    visitor.goto(site.url(survey="looks"))
    visitor.locator("[name=own][value=other]").check()
    visitor.locator("[name='own.other']").fill("mine")
    visitor.locator("[name='own.other']").press("Enter")
    expect(visitor.locator("[name=last]").first).to_be_focused()
    visitor.keyboard.press("Space")
    visitor.keyboard.press("Enter")
    expect(visitor.locator("h1")).to_have_text("Thank you")
    assert site.stage.answers == {"own": "mine", "last": "yes"}


@pytest.mark.parametrize("visitor", [{"viewport": _PHONE}], indirect=True)
def test_the_progress_of_a_phone_is_one_line_whose_end_never_moves(site: Site, visitor: Page) -> None:
    visitor.goto(site.url())
    progress = visitor.locator(".progress:visible")
    expect(progress).to_have_text("Question 1 of 6")
    rate(visitor, 5)  # leaves the second question out
    expect(progress).to_have_text("Question 1 of 6")
    visitor.get_by_role("button", name="Next").click()
    expect(progress).to_have_text("Question 3 of 6")
    expect(progress).to_have_count(1)


@pytest.mark.parametrize("viewport", [_PHONE, {"width": 900, "height": 700}], ids=["phone", "wide"])
def test_back_stands_left_of_next_at_every_width(site: Site, chromium: Browser, viewport: ViewportSize) -> None:
    page = chromium.new_page(viewport=viewport)
    page.goto(site.url(survey="paged"))
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("button", name="Back")).to_be_visible()
    page.wait_for_load_state()  # with its style sheets
    back = page.get_by_role("button", name="Back").bounding_box()
    forward = page.get_by_role("button", name="Send").bounding_box()
    assert back is not None
    assert forward is not None
    assert back["x"] + back["width"] < forward["x"]
    assert abs(back["y"] - forward["y"]) < 2
    page.close()


def test_the_thanks_close_a_window_that_was_opened_and_a_frame_is_told(site: Site, visitor: Page) -> None:
    visitor.goto(site.url("10042_window"))
    with visitor.expect_popup() as opened:
        visitor.evaluate("address => window.open(address)", site.url("10043_window"))
    window = opened.value
    rate(window, 5)
    window.locator("[name=solved][value=yes]").check()
    window.locator("button[type=submit]").click()
    with window.expect_event("close"), contextlib.suppress(Error):  # the click itself may end with the window
        window.get_by_role("button", name="Close").click()


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
        page.evaluate("addEventListener('message', (event) => { window.told = event.data; })")
        frame.get_by_role("button", name="Close").click()
        page.wait_for_function("window.told === 'ece-chat-close'")
        assert site.stage.answers == {"helpful": "4", "solved": "yes"}
    else:
        expect(frame.locator("form")).to_have_count(0)
