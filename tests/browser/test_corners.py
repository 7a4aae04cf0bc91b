"""The shipped themes' own style sheets in the corner of a page: launchers and docks keep clear of each other."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import FloatRect, Locator, Page, Route, expect

from tests.browser.standin import StubServers
from widget.demo.settings import demo_settings
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
    origin = "http://localhost"
    known = demo_settings(
        widget_url=origin,
        simulator_url=origin,
        site_url=origin,
        folder=folder,
        secret="a-secret-for-tests-that-is-long-enough",
        operator_token="operator-token-for-tests",
    )
    return Pages(known, Themes.load(folder), Texts.load())


def _draw(
    at: StubServers, page: Page, pages: Pages, theme: str, *, language: str = "de", states: dict[str, str] | None = None
) -> None:
    """Put up a page with two launchers of a theme, drawn by the shipped templates; open, with wait and place, unless
    `states` has another state of an entry point.
    """

    def answer(route: Route) -> None:
        address = urlsplit(route.request.url)
        name = address.path.rpartition("/")[2]
        now = datetime(2026, 11, 24, 8, tzinfo=UTC)
        state = (states or {}).get(name, "available")
        decision = sample(state, entry_point=name, settings=pages.settings.entry_points[name], now=now)
        html = pages.launcher(decision, theme=parse_qs(address.query)["theme"][0], language=language)
        route.fulfill(body=html, content_type="text/html", headers={"Access-Control-Allow-Origin": "*"})

    page.route("**/v1/launcher/**", answer)
    attributes = f'data-theme="{theme}" data-open="dock" data-entry-point='
    tags = at.tag(attributes + '"sales"') + at.tag(attributes + '"support"')
    page.goto(at.page(tags.replace("async ", "")))  # in this order
    expect(page.locator(BUTTON).last).to_be_visible()


def _show(at: StubServers, page: Page, pages: Pages, theme: str, *, language: str = "de") -> None:
    """Show two launchers that are open."""
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
        _show(at, page, pages, theme, language=language)
        assert not _meet(_box(page.locator(BUTTON).first), _box(page.locator(BUTTON).last))


@pytest.mark.parametrize("theme", THEMES)
def test_a_dock_stands_in_its_corner_without_a_gap_and_the_launchers_make_room(
    at: StubServers, page: Page, pages: Pages, theme: str
) -> None:
    page.emulate_media(reduced_motion="reduce")
    for height in (500, 720, 1000):
        page.set_viewport_size({"width": 1024, "height": height})
        page.unroute_all()
        _show(at, page, pages, theme)
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
    _show(at, page, pages, "far")
    button = page.locator(BUTTON).first
    box = _box(button)
    assert box["width"] == pytest.approx(56, abs=1)
    assert box["x"] + box["width"] <= 320
    button.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")  # by keyboard, so that it unfolds
    box = _box(button)
    assert box["width"] >= 200
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 320
    page.set_viewport_size({"width": 1024, "height": 720})
    box = _box(page.locator(BUTTON).first)
    assert box["x"] + box["width"] == pytest.approx(824, abs=1)


def test_a_hidden_launcher_is_not_seen_in_any_theme(at: StubServers, page: Page, pages: Pages) -> None:
    for theme in THEMES:
        page.unroute_all()
        _show(at, page, pages, theme)
        page.evaluate("document.querySelectorAll('ece-chat').forEach((each) => { each.hidden = true; })")
        expect(page.locator(BUTTON).first).to_be_hidden()


@pytest.mark.parametrize("theme", THEMES)
def test_a_launcher_that_draws_nothing_leaves_no_gap_in_the_corner(
    at: StubServers, page: Page, pages: Pages, theme: str
) -> None:
    page.emulate_media(reduced_motion="reduce")
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
