"""From the sample site to ECE and back: real Chromium, the real product, the simulator and a page on three origins."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from widget.app import create_app
from widget.demo_settings import demo_settings
from widget.simulator import create_simulator, create_site
from widget.simulator.server import listen, serving

FRESH_FOR, STALE_FOR = 0.3, 1.0  # seconds, so that a test does not wait for a snapshot to age


@dataclass(frozen=True)
class Town:
    """The three origins."""

    widget: str
    simulator: str
    site: str

    def tell(self, path: str, body: dict[str, Any]) -> None:
        """Use the simulator's controls."""
        request = urllib.request.Request(
            self.simulator + path, json.dumps(body).encode(), {"content-type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=5).close()

    def surveys(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(self.simulator + "/control/surveys", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    port = _free_port()
    widget = f"http://127.0.0.1:{port}"
    folder: Path = tmp_path_factory.mktemp("town")
    with (
        serving(create_simulator(widget_url=widget)) as simulator,
        serving(create_site(widget, simulator_url=simulator)) as site,
    ):
        usual = demo_settings(
            widget_url=widget,
            simulator_url=simulator,
            site_url=site,
            folder=folder,
            secret="a secret of this test's own",
        )
        quick = usual.model_copy(
            update={"ece": usual.ece.model_copy(update={"fresh_for": FRESH_FOR, "stale_for": STALE_FOR})}
        )
        with serving(create_app(quick, preview=True), port=port):
            yield Town(widget, simulator, site)


def _free_port() -> int:
    with listen("127.0.0.1", 0) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(autouse=True)
def _reset(town: Town) -> None:
    town.tell("/control/reset", {})


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page into which nothing may be thrown."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    assert faults == []


def _polls(page: Page, times: int = 1) -> None:
    """Let the page's own timers run past that many of the longest checks of an open button, jitter included."""
    for _ in range(times):
        page.clock.run_for(19_000)
        page.wait_for_timeout(FRESH_FOR * 1000 + 100)


def test_the_button_shows_place_and_wait(town: Town, page: Page) -> None:
    town.tell("/control/entry-points/1001", {"fixed_wait": 170, "fixed_depth": 2})
    page.goto(town.site)
    button = page.get_by_role("button", name=re.compile("chat", re.IGNORECASE))
    expect(button).to_be_visible()
    expect(button).to_contain_text("about 3 minutes")
    expect(button).to_contain_text("number 3")


def test_the_button_goes_with_the_agents_and_comes_back_with_them(town: Town, page: Page) -> None:
    page.clock.install()
    page.goto(town.site)
    page.clock.run_for(1000)
    button = page.get_by_role("button", name=re.compile("chat", re.IGNORECASE))
    expect(button).to_be_visible()
    town.tell("/control/entry-points/1001", {"away": True})
    _polls(page, 2)
    expect(button).to_have_count(0)
    town.tell("/control/entry-points/1001", {"away": False})
    _polls(page, 2)
    expect(button).to_be_visible()


def test_the_page_stays_as_it_was_while_ece_fails(town: Town, page: Page) -> None:
    town.tell("/control/faults", {"kind": "500", "call": "all"})
    page.wait_for_timeout(STALE_FOR * 1000 + 100)  # until what ECE said before is not trusted any more
    page.clock.install()
    page.goto(town.site)
    page.clock.run_for(1000)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("chat", re.IGNORECASE))).to_have_count(0)
    town.tell("/control/faults/clear", {})
    _polls(page, 3)
    expect(page.get_by_role("button", name=re.compile("chat", re.IGNORECASE))).to_be_visible()


def test_a_visitor_chats_and_the_answers_reach_ece(town: Town, page: Page) -> None:
    page.goto(town.site)
    with page.context.expect_page() as opened:
        page.get_by_role("button", name=re.compile("chat", re.IGNORECASE)).click()
    chat = opened.value
    expect(chat.get_by_role("button", name=re.compile("end chat", re.IGNORECASE))).to_be_visible()
    _until_an_agent_joins(town, chat)
    chat.get_by_role("button", name=re.compile("end chat", re.IGNORECASE)).click()
    expect(chat).to_have_url(re.compile(re.escape(town.widget) + "/survey/"))
    chat.get_by_label("2", exact=True).first.check()
    thanks = chat.get_by_role("heading", name=re.compile("thank you", re.IGNORECASE))
    onward = chat.get_by_role("button", name=re.compile("next|send", re.IGNORECASE))
    for _ in range(12):  # one question at a time in a window as small as this
        expect(thanks.or_(onward).first).to_be_visible()
        if thanks.count():
            break
        if (yes := chat.get_by_role("radio", name="Yes")).is_visible():
            yes.check()
        onward.first.click()
    expect(thanks).to_be_visible()
    received = _wait_for(town)
    assert received["faults"] == []
    assert received["pairs"][0]["answer"] == "2"


def _until_an_agent_joins(town: Town, chat: Page) -> None:
    until = time.monotonic() + 30
    while "joined" not in chat.get_by_role("status").inner_text():
        assert time.monotonic() < until, "no agent came"
        town.tell("/control/advance", {"seconds": 2})
        chat.wait_for_timeout(100)


def _wait_for(town: Town) -> dict[str, Any]:
    """Give the survey that ECE received, once it has."""
    until = time.monotonic() + 15
    while time.monotonic() < until:
        if found := town.surveys():
            return found[0]
        time.sleep(0.1)
    raise AssertionError("ECE received nothing")
