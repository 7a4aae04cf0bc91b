"""The shipped themes' own style sheets in the corner of a page: launchers and docks keep clear of each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import FloatRect, Locator, Page, Route, expect

from tests.browser.standin import StubServers
from tests.demo_settings import demo_in
from widget.texts import Texts
from widget.themes import Themes
from widget.web.designers.samples import sample
from widget.web.pages.pages import Pages

BUTTON = ".ece-chat-button"
DIALOG = "ece-chat-panel dialog"
SHIFTS = """(() => {
  const observer = new PerformanceObserver(() => {});
  observer.observe({ type: 'layout-shift' });
  window.shifts = () => observer.takeRecords().length;
})()"""
THEMES = ["default", "bold", "civic", "text", "far", "top"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    folder = tmp_path_factory.mktemp("corners")
    own = {"far": "offset_x = 200\noffset_y = 90\n", "top": 'corner = "top-left"\n'}
    for name, content in own.items():
        (folder / name).mkdir()
        (folder / name / "theme.toml").write_text(content)
    known = demo_in(folder)
    hides = known.entry_points["sales"].model_copy(update={"when_unavailable": "hide"})
    known = known.model_copy(update={"entry_points": {**known.entry_points, "sales": hides}})
    return Pages(known, Themes.load(folder), Texts.load())


def _draw(
    at: StubServers,
    page: Page,
    pages: Pages,
    theme: str,
    *,
    language: str = "de",
    states: dict[str, str] | None = None,
    names: Sequence[str] = ("sales", "support"),
) -> None:
    """Put up a page with a launcher of each entry point, as the shipped templates draw it.

    It is open, with wait and place, unless `states` has another state of its entry point.
    """

    def answer(route: Route) -> None:
        address = urlsplit(route.request.url)
        name = address.path.rpartition("/")[2]
        now = datetime(2026, 11, 24, 8, tzinfo=UTC)
        state = (states or {}).get(name, "available")
        decision = sample(state, entry_point=name, settings=pages.settings.entry_points[name], now=now)
        html = pages.launcher(decision, theme=parse_qs(address.query)["theme"][0], language=language)
        route.fulfill(body=html, content_type="text/html", headers={"Access-Control-Allow-Origin": "*"})

    page.emulate_media(reduced_motion="reduce")  # what moves has no place yet
    page.route("**/v1/launcher/**", answer)
    attributes = f'data-theme="{theme}" data-open="dock" data-entry-point='
    tags = "".join(at.tag(f'{attributes}"{name}"') for name in names)
    page.goto(at.page(tags.replace("async ", "")))  # in this order
    expect(page.locator(BUTTON).last).to_be_visible()


def _draw_two(at: StubServers, page: Page, pages: Pages, theme: str, *, language: str = "de") -> None:
    """Put up a page with two launchers that are open, and wait until they are seen."""
    _draw(at, page, pages, theme, language=language)
    expect(page.locator(BUTTON)).to_have_count(2)


def _box(where: Locator) -> FloatRect:
    box = where.bounding_box()
    assert box is not None
    return box


def _meet(one: FloatRect, other: FloatRect) -> bool:
    beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
    above = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
    return not (beside or above)


@pytest.mark.parametrize("theme", THEMES)
def test_two_launchers_in_a_corner_do_not_lie_on_each_other(
    at: StubServers, page: Page, pages: Pages, theme: str
) -> None:
    for language in ("de", "ar", "ja"):
        page.unroute_all()
        _draw_two(at, page, pages, theme, language=language)
        assert not _meet(_box(page.locator(BUTTON).first), _box(page.locator(BUTTON).last))


@pytest.mark.parametrize("theme", THEMES)
def test_a_dock_stands_in_its_corner_without_a_gap_and_the_launchers_make_room(
    at: StubServers, page: Page, pages: Pages, theme: str
) -> None:
    for height in (500, 720, 1000):
        page.set_viewport_size({"width": 1024, "height": height})
        page.unroute_all()
        _draw_two(at, page, pages, theme)
        page.locator(BUTTON).first.click()
        dock = _box(page.locator(DIALOG))
        for button in page.locator(f"ece-chat {BUTTON}").all():
            expect(button).to_be_hidden()
        assert dock["y"] >= 0
        if theme == "top":
            assert (dock["x"], dock["y"]) == (0, 0)
        else:
            assert (dock["x"] + dock["width"], dock["y"] + dock["height"]) == (1024, height)


def test_a_big_offset_leaves_a_phone_room_for_the_launcher(at: StubServers, page: Page, pages: Pages) -> None:
    page.set_viewport_size({"width": 320, "height": 568})
    _draw_two(at, page, pages, "far")
    page.evaluate("document.querySelector('ece-chat:last-of-type').remove()")
    button = page.locator(BUTTON)
    box = _box(button)
    assert box["width"] == pytest.approx(56, abs=1)
    assert box["x"] + box["width"] <= 320
    button.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")  # by keyboard, so that it unfolds
    box = _box(button)
    assert box["width"] >= 120
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 320
    page.set_viewport_size({"width": 1024, "height": 720})
    box = _box(page.locator(BUTTON).first)
    assert box["x"] + box["width"] == pytest.approx(824, abs=1)


def test_a_hidden_launcher_is_not_seen_in_any_theme(at: StubServers, page: Page, pages: Pages) -> None:
    for theme in THEMES:
        page.unroute_all()
        _draw_two(at, page, pages, theme)
        page.evaluate("document.querySelectorAll('ece-chat').forEach((each) => { each.hidden = true; })")
        expect(page.locator(BUTTON).first).to_be_hidden()


@pytest.mark.parametrize("theme", THEMES)
def test_a_launcher_that_draws_nothing_leaves_no_gap_in_the_corner(
    at: StubServers, page: Page, pages: Pages, theme: str
) -> None:
    states: dict[str, str] = {}
    _draw(at, page, pages, theme, states=states)
    expect(page.locator(BUTTON)).to_have_count(2)
    first = _box(page.locator(BUTTON).first)
    assert _box(page.locator(BUTTON).last)["y"] != first["y"]
    page.evaluate(SHIFTS)
    states["sales"] = "agent_not_available"
    page.evaluate("eceChat.refresh()")
    expect(page.locator(BUTTON)).to_have_count(1)
    assert _box(page.locator(BUTTON))["y"] == first["y"]
    assert page.evaluate("shifts()") == 0
    page.reload()
    expect(page.locator(BUTTON)).to_have_count(1)
    page.wait_for_load_state("networkidle")
    assert _box(page.locator(BUTTON))["y"] == first["y"]


@pytest.mark.parametrize("theme", THEMES)
def test_several_launchers_on_a_phone_each_say_what_they_are(
    at: StubServers, page: Page, pages: Pages, theme: str
) -> None:
    page.set_viewport_size({"width": 320, "height": 568})
    _draw_two(at, page, pages, theme)
    for each in page.locator(BUTTON).all():
        button, label = _box(each), _box(each.locator(".ece-chat-label"))
        assert label["width"] > 60
        assert button["x"] <= label["x"]
        assert label["x"] + label["width"] <= button["x"] + button["width"] <= 320


@pytest.mark.parametrize("theme", THEMES)
def test_a_message_leaves_room_for_what_stands_beyond_it(at: StubServers, page: Page, pages: Pages, theme: str) -> None:
    names = ("support", "sales")  # of `sales` no message is shown
    for width in (320, 1024):
        page.set_viewport_size({"width": width, "height": 568})
        page.unroute_all()
        _draw(at, page, pages, theme, states={"support": "queue_depth_reached"}, names=names)
        assert not _meet(_box(page.locator(".ece-chat-message")), _box(page.locator(BUTTON)))


@pytest.mark.parametrize("width", [320, 1024])
@pytest.mark.parametrize("theme", ["default", "bold", "civic", "text"])
def test_two_folded_docks_say_of_which_chat_they_are(
    at: StubServers, page: Page, pages: Pages, theme: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 568})
    _draw_two(at, page, pages, theme, language="en")
    labels = page.locator("ece-chat .ece-chat-label").all_text_contents()
    page.evaluate("eceChat.open('sales')")
    page.get_by_role("button", name="Minimize").click()
    expect(page.get_by_role("button", name="Back to your chat", exact=True)).to_be_visible()
    page.evaluate("eceChat.open('support')")
    page.get_by_role("button", name="Minimize").click()
    for label in labels:
        back = page.get_by_role("button", name=f"Back to your chat {label}", exact=True)
        assert _box(back.get_by_text(label))["width"] > 30
        assert _box(back)["x"] >= 0


@pytest.mark.parametrize("theme", ["default", "bold", "civic", "text"])
def test_what_a_dock_offers_stands_in_its_middle(at: StubServers, page: Page, pages: Pages, theme: str) -> None:
    _draw_two(at, page, pages, theme, language="en")
    page.locator(BUTTON).first.click()
    expect(page.get_by_text("One moment…")).to_be_hidden()
    page.get_by_role("button", name="Open in a new window").click()
    dock, stay = _box(page.locator(DIALOG)), _box(page.get_by_role("button", name="Keep chatting"))
    begin = _box(page.get_by_role("link", name="Start a new chat"))
    left, right = stay["x"] - dock["x"], dock["x"] + dock["width"] - begin["x"] - begin["width"]
    assert left == pytest.approx(right, abs=2)


def test_a_wide_logo_keeps_its_shape_in_the_docks_header(at: StubServers, page: Page, pages: Pages) -> None:
    _draw_two(at, page, pages, "default")
    page.locator(BUTTON).first.click()
    heading = page.locator(f"{DIALOG} h2")
    heading.evaluate("(h2) => h2.insertAdjacentHTML('afterbegin', '<svg viewBox=\"0 0 90 30\"></svg>')")
    box = _box(heading.locator("svg"))
    assert (box["width"], box["height"]) == pytest.approx((84, 28), abs=0.1)


@pytest.mark.parametrize("theme", ["default", "bold", "civic", "text"])
def test_three_launchers_fit_a_page_that_is_zoomed_to_400_percent(
    at: StubServers, page: Page, pages: Pages, theme: str
) -> None:
    page.set_viewport_size({"width": 360, "height": 225})
    _draw(at, page, pages, theme, names=("sales", "support", "advice"))
    expect(page.locator(BUTTON)).to_have_count(3)
    boxes = [_box(each) for each in page.locator(BUTTON).all()]
    assert min(each["y"] for each in boxes) >= 0
    assert not any(_meet(one, other) for one, other in pairwise(boxes))
