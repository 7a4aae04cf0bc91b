"""The console in a real browser: no finding of axe, every width, without script, in place, and against other sites."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.axe import context_with_axe, findings
from tests.browser.engines import until
from tests.browser.real_servers import TOKEN, RealServers, serve_all
from tests.demo_settings import demo_in
from widget.demo.answers import seed_answers
from widget.demo.history import seed
from widget.domain.outbox import Answer, OutboxMessage
from widget.store.outbox import open_outbox

# Of the marks among these a browser makes characters that no line is long enough for, and that break nowhere.
EVERY_SCRIPT = "".join(filter(str.isprintable, map(chr, range(0x3000))))
PAGES = (
    "/console/now",
    "/console/history?entry_point=sales",
    "/console/close/sales",
    "/console/reopen/advice",
    "/console/day/support",
    "/console/results",
    "/console/outbox?state=dead",
    "/console/outbox/1",
    "/console/outbox/1/purge",
)


async def _a_dead_row(url: str) -> None:
    outbox = await open_outbox(url, now=lambda: datetime.now(UTC))
    answers = (Answer("comment", "What could we do better?", "A" * 300 + EVERY_SCRIPT),)
    await outbox.enqueue(OutboxMessage("k", "sid", "sales", "after_chat", answers))
    await outbox.close()


def _past(folder: Path) -> None:
    """Two weeks of history and answers, as in the demo."""
    now = datetime.now(UTC)
    settings = demo_in(folder)
    url = settings.storage.url.get_secret_value()
    asyncio.run(seed(url, now=now))
    seed_answers(url, settings.surveys["after_chat"].survey("after_chat"), now=now)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServers]:
    """Servers with a past, and with a dead row in their outbox."""
    folder = tmp_path_factory.mktemp("console")
    file: Path = folder / "demo.db"
    with ThreadPoolExecutor(1) as another:  # Playwright keeps an event loop in this thread
        another.submit(asyncio.run, _a_dead_row(f"sqlite:///{file}")).result()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE ece_widget_outbox SET state = 'dead', reason = 'refused: 404 ' || hex(zeroblob(60))")
    connection.close()
    with ThreadPoolExecutor(1) as another:
        another.submit(_past, folder).result()
    with serve_all(folder) as running:
        yield running


def sign_in(page: Page, real: RealServers, name: str = "Anna") -> None:
    page.goto(f"{real.widget}/console")
    page.get_by_label("Operator token").fill(TOKEN)
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Now", exact=True)).to_be_visible()


def renewed(page: Page) -> bool:
    """Let the time pass after which a page asks for its parts again."""
    page.clock.run_for(5_000)
    return True


@pytest.fixture
def past_policies(chromium: Browser) -> Iterator[BrowserContext]:
    with context_with_axe(chromium, viewport={"width": 1000, "height": 800}) as context:
        yield context


def close_and_set(page: Page, real: RealServers) -> None:
    """Close an entry point and set a day, so that every page has its notices."""
    page.goto(f"{real.widget}/console/close/advice")
    page.get_by_label("For an hour").check()
    page.get_by_label("In all languages").fill("Fire drill, back soon")
    page.get_by_role("button", name="Close now").click()
    page.goto(f"{real.widget}/console/day/support")
    page.get_by_label("Hours").fill("00:00-24:00")
    page.get_by_role("button", name="Set this day").click()


def test_no_page_of_the_console_has_a_finding_and_each_fits_every_width(
    real: RealServers, past_policies: BrowserContext
) -> None:
    page = past_policies.new_page()
    page.goto(f"{real.widget}/console")
    found = {"/console": findings(page)}
    sign_in(page, real, name="W" * 60)
    close_and_set(page, real)
    too_wide = []
    for path in PAGES:
        for language in ("de", "en"):
            page.goto(f"{real.widget}{path}{'&' if '?' in path else '?'}locale={language}")
            for width in (320, 768, 1440, 2560):
                page.set_viewport_size({"width": width, "height": 900})
                if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                    too_wide.append((path, language, width))
        page.set_viewport_size({"width": 1000, "height": 800})
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        found[path] = findings(page)
    assert {path: each for path, each in found.items() if each} == {}
    assert too_wide == []


def test_now_is_renewed_in_place_and_moves_nothing(real: RealServers, page: Page) -> None:
    real.tell("/control/reset", {})
    page.clock.install()
    sign_in(page, real)
    page.set_viewport_size({"width": 600, "height": 400})
    page.locator("a[href='/console/close/clearance']").focus()
    page.evaluate("window.kept = document.activeElement")
    where_it_is_read = "Math.round(window.kept.getBoundingClientRect().top)"
    place = page.evaluate(where_it_is_read)
    assert page.evaluate("scrollY") > 0
    sales = page.locator(".card", has=page.get_by_role("heading", name="sales"))
    expect(sales.locator(".state")).to_have_text("Open")
    real.tell("/control/entry-points/1001", {"away": True})
    until(lambda: renewed(page) and sales.locator(".state").inner_text() == "Closed", "it is closed")
    assert page.evaluate("window.kept === document.activeElement && window.kept.isConnected")
    # the sentence of a card above may take a line more: the browser then scrolls by as much with its next frame
    page.wait_for_function(f"place => {where_it_is_read} === place", arg=place)


def test_who_is_signed_out_elsewhere_sees_the_door_and_not_old_figures(
    real: RealServers, context: BrowserContext
) -> None:
    page, other = context.new_page(), context.new_page()
    page.clock.install()
    sign_in(page, real)
    other.goto(f"{real.widget}/console/now")
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_label("Operator token")).to_be_visible()
    renewed(page)
    expect(page.get_by_label("Operator token")).to_be_visible()


def test_without_script_an_entry_point_is_closed_and_reopened(real: RealServers, chromium: Browser) -> None:
    real.tell("/control/reset", {})
    context = chromium.new_context(java_script_enabled=False, locale="de-DE")
    page = context.new_page()
    page.goto(f"{real.widget}/console")
    page.get_by_label("Operator-Token").fill(TOKEN)
    page.get_by_role("button", name="Anmelden").click()
    page.locator("a[href='/console/close/sales']").click()
    page.get_by_role("button", name="Jetzt schließen").click()
    sales = page.locator(".card", has=page.get_by_role("heading", name="sales"))
    expect(sales.locator(".state")).to_have_text("Von Hand geschlossen")
    page.locator(".notice a[href='/console/reopen/sales']").click()
    page.get_by_role("button", name="Wieder öffnen").click()

    def is_open() -> bool:
        page.goto(f"{real.widget}/console/now")
        return sales.locator(".state").inner_text() == "Offen"

    until(is_open, "it is open again")  # where what ECE said is too old the page asks anew, and does not wait
    context.close()


def test_another_sites_page_switches_nothing_with_the_cookie_of_an_operator(
    real: RealServers, context: BrowserContext
) -> None:
    page = context.new_page()
    sign_in(page, real)
    form_token = page.locator("input[name=form_token]").first.input_value()  # even with what it cannot read
    page.route(
        "http://evil.test/",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f'<form method=post action="{real.widget}/console/close/clearance"><input name=end value=reopened>'
            f'<input name=form_token value="{form_token}"></form><script>document.forms[0].submit()</script>',
        ),
    )
    with page.expect_navigation(url="**/console/close/clearance"):
        page.goto("http://evil.test/", wait_until="commit")  # and on at once
    page.goto(f"{real.widget}/console/history")
    expect(page.locator(".changes")).not_to_contain_text("clearance Closed by hand")
    frame = f'<iframe src="{real.widget}/console/now"></iframe>'
    page.route("http://evil.test/", lambda route: route.fulfill(content_type="text/html", body=frame))
    page.goto("http://evil.test/")
    expect(page.frame_locator("iframe").get_by_role("heading", name="Now")).to_have_count(0)
