"""The guides of the frameworks, step by step as they stand, on a fresh site of each one's own tool, in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

import widget
from tests.browser.standin import ROOT, StubServers
from tests.soak.fresh_sites import MADE_BY, Site, tools

BUTTON = ".ece-chat-button"
# What the guide itself does not do: build what would be published, and serve that.
BUILT = {
    "react": "npm run preview",
    "vue": "npm run preview",
    "svelte": "npm run preview",
    "angular": "npm start -- --configuration production",
}
ROUTED = ("next", "astro")


def guide(name: str) -> str:
    return (ROOT / "examples" / name / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return tools(tmp_path_factory.mktemp("tools"))


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str]) -> Site:
    name: str = request.param
    return Site.made(name, tmp_path_factory.mktemp(name), environ)


@pytest.fixture
def page(browser: Browser, at: StubServers) -> Iterator[Page]:
    """A page for which the guides' own address is answered, and on which nothing is thrown or complained about."""
    page = browser.new_page()
    said: list[str] = []
    page.on("pageerror", lambda fault: said.append(str(fault)))
    page.on("console", lambda line: said.extend([line.text] if line.type in ("error", "warning") else []))

    def from_the_standin(route: Route) -> None:
        route.fulfill(response=route.fetch(url=route.request.url.replace("https://chat.example.com", at.origin)))

    page.route("https://chat.example.com/**", from_the_standin)
    page.set_default_timeout(60_000)
    yield page
    page.unroute_all(behavior="ignoreErrors")
    page.close()
    assert said == []


def buttons(page: Page) -> Locator:
    """Return those in sight: Next.js keeps the page of before, hidden."""
    return page.locator(BUTTON).filter(visible=True)


@pytest.mark.parametrize("name", MADE_BY)
def test_a_guide_has_three_steps_at_most(name: str) -> None:
    assert 2 <= len(re.findall(r"^\d\. ", guide(name), re.MULTILINE)) <= 3


@pytest.mark.parametrize("site", MADE_BY, indirect=True)
def test_who_follows_the_guide_sees_the_button(site: Site, page: Page) -> None:
    locked = site.versions()
    if "npm install" in guide(site.name):
        locked["node_modules/ece-widget"] = widget.__version__
    else:
        site.run("npm install")  # what was there before the guide
    with site.followed(guide(site.name)) as address:
        page.goto(address)
        expect(buttons(page)).to_have_count(1)
        if site.name in ROUTED:
            for heading, link, count in [("Home", "Help", 1), ("Help", "Home", 2)] * 2:
                expect(page.get_by_role("heading", name=heading)).to_be_visible()
                expect(buttons(page)).to_have_count(count)
                page.get_by_role("link", name=link).click()
            page.wait_for_timeout(500)  # nothing of an earlier page comes back
            expect(buttons(page)).to_have_count(1)
    assert site.versions() == locked, "the package brings no other"


@pytest.mark.parametrize("site", BUILT, indirect=True)
def test_what_the_site_publishes_has_the_button(site: Site, page: Page) -> None:
    site.run("npm run build")
    with site.serving(BUILT[site.name]) as address:
        page.goto(address)
        expect(buttons(page)).to_have_count(1)
