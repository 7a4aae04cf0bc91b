"""The designers' page: every state as a frame, chosen by hand, under a strict policy, behind the operator's token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from html import unescape
from threading import Thread
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request

from tests.chromium import chromium
from widget import settings
from widget.assets import asset_folder
from widget.domain.decision import Decision
from widget.domain.readings import Reason
from widget.texts import Texts
from widget.themes import Themes
from widget.web.designers.preview import MOST_FRAMES, Preview
from widget.web.designers.reasons import CAUSES, explain
from widget.web.designers.samples import STATES, sample
from widget.web.designers.survey_samples import survey_pages
from widget.web.edge.headers import EdgeHeaders, SecurityHeaders
from widget.web.pages.pages import Pages
from widget.web.pages.theme_sheets import Scheme

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SCRIPT = (asset_folder("static") / "preview.js").read_bytes()
TEXTS, THEMES = Texts.load(), Themes.load()


class Designer:
    """Somebody who opens the preview."""

    def __init__(self, configured: settings.Settings, **wiring: Any) -> None:
        self.pages = Pages(configured, THEMES, TEXTS, clock=lambda: NOW)
        preview = Preview(self.pages, clock=lambda: NOW, **wiring)
        self.app = Starlette(
            routes=[*preview.routes(), self.pages.sheets.route()],
            middleware=[Middleware(SecurityHeaders, edge=EdgeHeaders(configured.server))],
        )

    async def opens(self, address: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://chat.example.com") as client:
            return await client.get(address)

    async def frames(self, query: str) -> list[str]:
        return [
            unescape(each) for each in re.findall(r'<iframe src="([^"]+)"', (await self.opens(f"/preview{query}")).text)
        ]


@pytest.fixture
def designer(configured: settings.Settings) -> Designer:
    return Designer(configured)


@pytest.mark.anyio
async def test_the_first_look_shows_every_theme_in_light_and_dark(designer: Designer) -> None:
    answer = await designer.opens("/preview")
    assert answer.status_code == 200
    sources = await designer.frames("")
    assert 0 < len(sources) <= MOST_FRAMES
    for name in ("theme=default", "theme=bold", "theme=civic", "theme=text", "scheme=light", "scheme=dark"):
        assert any(name in each for each in sources), name
    assert not re.search(r"<script(?! src=)", answer.text)
    assert "style=" not in answer.text


@pytest.mark.anyio
async def test_a_choice_shows_every_combination_of_what_is_chosen(designer: Designer) -> None:
    chosen = "?show=launcher&state=available&state=switched_off&theme=civic&locale=de&locale=ar&scheme=dark&width=320"
    sources = await designer.frames(chosen)
    assert len(sources) == 4
    assert all("theme=civic" in each and "scheme=dark" in each for each in sources)
    page = (await designer.opens(f"/preview{chosen}")).text
    assert "launcher · open, two are waiting · civic · ar · dark · 320 · rtl" in page
    assert 'width="320"' in page


@pytest.mark.anyio
async def test_too_many_frames_are_left_out_and_counted(designer: Designer) -> None:
    everything = "?" + "&".join(
        [*(f"state={each}" for each in STATES), *(f"locale={each}" for each in TEXTS.languages)]
    )
    page = (await designer.opens(f"/preview{everything}")).text
    assert page.count("<iframe") == MOST_FRAMES
    assert "more left out" in page


@pytest.mark.anyio
@pytest.mark.parametrize(
    "query",
    [
        "?theme=../../etc&locale=%00&state=nothing&scheme=pink&width=1e9&show=secrets&entry_point=7",
        "?theme=" + "x" * 10_000,
        "?" + "&".join(f"state={n}" for n in range(2000)),
    ],
)
async def test_what_is_on_no_list_is_passed_over(designer: Designer, query: str) -> None:
    assert await designer.frames(query) == await designer.frames("")
    assert (await designer.opens(f"/preview/frame{query}")).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize("state", STATES)
async def test_every_state_can_be_drawn(designer: Designer, state: str) -> None:
    for kind in ("launcher", "closed"):
        answer = await designer.opens(f"/preview/frame?show={kind}&state={state}&theme=bold&locale=he&scheme=dark")
        assert answer.status_code == 200
        assert 'dir="rtl"' in answer.text
    assert "ece-chat-button" in answer.text or "<h1>" in answer.text


@pytest.mark.anyio
async def test_the_page_says_why_a_button_is_hidden(designer: Designer) -> None:
    page = (await designer.opens("/preview?show=launcher&state=wait_too_long&button=as+set")).text
    assert "Hidden: The wait that ECE reports is above max_wait. when_unavailable = &#34;hide&#34;." in page
    page = (await designer.opens("/preview?show=launcher&state=wait_too_long&button=message")).text
    assert "Message: The wait that ECE reports is above max_wait." in page


@pytest.mark.anyio
async def test_messages_are_seen_at_once_and_where_nothing_is_drawn_no_picture_is(designer: Designer) -> None:
    chosen = "?show=launcher&theme=civic&scheme=dark&state=available&state=outside_hours&state=no_capacity"
    assert len(await designer.frames(chosen)) == 3
    assert "We are not here at this time." in (await designer.opens((await designer.frames(chosen))[2])).text
    page = (await designer.opens(f"/preview{chosen}&button=hide")).text
    assert page.count("<iframe") == 1
    assert "2 more show the visitor nothing" in page
    assert "too few slots are free" in page.partition("<details>")[2]


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_explained_to_operators(configured: settings.Settings, reason: Reason) -> None:
    sales = configured.entry_points["sales"]
    switched = sales.model_copy(update={"enabled": reason is not Reason.SWITCHED_OFF})
    assert CAUSES[reason] in explain(sample(reason.value, entry_point="sales", settings=sales, now=NOW), switched)


def test_what_a_person_closed_is_not_said_to_be_a_setting(configured: settings.Settings) -> None:
    sales = configured.entry_points["sales"]
    said = explain(sample("switched_off", entry_point="sales", settings=sales, now=NOW), sales)
    assert "A person closed the entry point in the console." in said
    assert "enabled = false" not in said


@pytest.mark.anyio
async def test_the_decision_of_this_moment_is_told(configured: settings.Settings) -> None:
    async def decide(entry_point: str) -> Decision:
        return sample("no_capacity", entry_point=entry_point, settings=configured.entry_points[entry_point], now=NOW)

    page = (await Designer(configured, decide=decide).opens("/preview")).text
    assert "closed: too few slots are free" in page
    assert "Hidden: Fewer slots are free than min_capacity." in page


@pytest.mark.anyio
async def test_survey_pages_plug_in(configured: settings.Settings) -> None:
    def thanks(*, theme: str, language: str, scheme: Scheme) -> str:
        return f"<p>thanks {theme} {language} {scheme}"

    designer = Designer(configured, surveys=[("survey thanks", thanks)])
    assert 'value="survey thanks"' in (await designer.opens("/preview")).text
    frame = await designer.opens("/preview/frame?show=survey+thanks&theme=text&locale=fr&scheme=dark")
    assert frame.text == "<p>thanks text fr dark"


SURVEY = {
    "title": "How did we do?",
    "questions": [{"id": "helpful", "kind": "rating", "text": "How helpful was the agent?", "required": True}],
}


@pytest.fixture
def with_survey(table: dict[str, Any]) -> Designer:
    table["surveys"] = {"after_chat": SURVEY}
    designer = Designer(settings.parse(table))
    surveys = survey_pages(designer.pages, script_url="/survey.js")
    return Designer(designer.pages.settings, surveys=surveys)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("survey after_chat: form", "How helpful was the agent?"),
        ("survey after_chat: with faults", "Please answer this question."),
        ("survey after_chat: storage down", "We could not store your answers just now."),
        ("survey: thanks", "Your answers have reached us."),
        ("survey: expired", "This survey is over"),
    ],
)
async def test_the_survey_is_shown_in_every_state(with_survey: Designer, name: str, words: str) -> None:
    frame = await with_survey.opens(str(httpx.URL("/preview/frame", params={"show": name, "theme": "civic"})))
    assert frame.status_code == 200
    assert words in frame.text


@pytest.mark.anyio
@pytest.mark.parametrize("address", ["/preview", "/preview/frame?show=closed"])
async def test_strangers_are_refused_where_a_guard_stands(configured: settings.Settings, address: str) -> None:
    def guard(request: Request) -> None:
        if request.headers.get("authorization") is None:
            raise HTTPException(401)

    assert (await Designer(configured, guard=guard).opens(address)).status_code == 401


@pytest.mark.anyio
@pytest.mark.parametrize("address", ["/preview", "/preview/frame"])
async def test_only_the_preview_frames_the_preview(designer: Designer, address: str) -> None:
    policy = (await designer.opens(address)).headers["content-security-policy"]
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy


@contextmanager
def served(designer: Designer) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(designer.app, port=0, log_config=None, lifespan="off"))
    thread = Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.browser
def test_a_browser_draws_every_frame_without_a_policy_violation(table: dict[str, Any]) -> None:
    table["server"]["public_url"] = "http://127.0.0.1"
    with served(Designer(settings.parse(table))) as origin, chromium() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        chosen = "show=launcher&show=closed&state=outside_hours&state=available&locale=ar&theme=bold&scheme=dark"
        page.goto(f"{origin}/preview?{chosen}")
        launcher, closed = (page.frame_locator("iframe").nth(at) for at in (0, 2))
        closed.locator("h1").wait_for()
        button = launcher.locator("button")
        drawn = launcher.locator("ece-chat").evaluate("(host) => getComputedStyle(host).position")
        box = button.bounding_box()
        assert drawn == "fixed"
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
        assert button.inner_text().startswith("تحدّث معنا")
        assert [each for each in complaints if "favicon" not in each and "404" not in each] == []


@pytest.mark.browser
def test_a_choice_is_shown_at_once_and_panels_are_put_up(table: dict[str, Any]) -> None:
    table["server"]["public_url"] = "http://127.0.0.1"
    with served(Designer(settings.parse(table), script=SCRIPT)) as origin, chromium() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{origin}/preview?show=dock+before+it+closes&theme=civic&scheme=dark")
        inside = page.frame_locator("main iframe")
        expect(inside.get_by_role("alertdialog", name="Closing this window ends your chat.")).to_be_visible()
        for name, seen in (("dock folded", "Back to your chat"), ("pop-up blocked", "Open in a new window")):
            page.goto(f"{origin}/preview?show={name}&theme=civic&scheme=dark")
            expect(inside.get_by_text(seen)).to_be_visible()
        page.get_by_label("light").check()
        expect(page.locator("main iframe")).to_have_count(2)
        expect(page.get_by_label("light")).to_be_focused()
        assert [each for each in complaints if "favicon" not in each and "404" not in each] == []


@pytest.mark.browser
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (768, 900), (320, 568)])
def test_the_pictures_are_seen_at_once(table: dict[str, Any], width: int, height: int) -> None:
    table["server"]["public_url"] = "http://127.0.0.1"
    with served(Designer(settings.parse(table), script=SCRIPT)) as origin, chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(f"{origin}/preview")
        expect(page.locator("main iframe").first).to_be_in_viewport()
        choices = page.get_by_role("group", name="State")
        if width < 1024:
            expect(choices).to_be_hidden()
            page.get_by_text("Choose what is shown").click()
        expect(choices).to_be_visible()
        page.close()


@pytest.mark.browser
def test_a_picture_shows_a_greeting_whole_and_a_dock_in_its_place(table: dict[str, Any]) -> None:
    table["server"]["public_url"] = "http://127.0.0.1"
    greeting = {"text": "Not sure which bike fits? The people who build them are here."}
    table["entry_points"]["sales"]["greeting"] = greeting
    with served(Designer(settings.parse(table), script=SCRIPT)) as origin, chromium() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 900}, reduced_motion="reduce")
        picture = page.locator("main iframe").first
        for show, part in (("launcher", ".ece-chat-greeting"), ("dock", "dialog")):
            page.goto(f"{origin}/preview?show={show}&theme=bold&scheme=light&state=available")
            shown = picture.content_frame.locator(part)
            expect(shown).to_be_visible()
            outer, inner = picture.bounding_box(), shown.bounding_box()
            assert outer is not None
            assert inner is not None
            assert inner["x"] >= outer["x"]
            assert inner["y"] >= outer["y"]
            assert inner["x"] + inner["width"] <= outer["x"] + outer["width"]
