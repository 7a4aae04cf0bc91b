"""The time of a page, set by a test: it stands still but for what the test lets pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, Request

START = datetime(2026, 11, 24, 8, tzinfo=UTC)


def stop_time(page: Page) -> None:
    """Stop the clock of the pages to come, so that a busy machine takes no time from them."""
    page.clock.install(time=START)
    page.clock.pause_at(START + timedelta(seconds=1))


def visit(page: Page, address: str) -> None:
    """Open a page whose time stands still after its first second, in which the script asks for its launchers."""
    stop_time(page)
    page.goto(address)
    pass_time(page, 1, step=1)


def ask_again(page: Page) -> None:
    """Have the launchers ask now, also where an answer was still on its way."""
    page.evaluate("eceChat.refresh()")
    pass_time(page, 1, step=1)


def pass_time(page: Page, seconds: int, step: int = 4) -> None:
    """Let the page's clock run in steps; after each one what the script asked is answered, unless that takes long."""
    unanswered: set[Request] = set()

    def asked(request: Request) -> None:
        if "/v1/" in request.url:
            unanswered.add(request)

    def answered(request: Request) -> None:
        unanswered.discard(request)

    page.on("request", asked)
    page.on("requestfinished", answered)
    page.on("requestfailed", answered)
    for _ in range(seconds // step):
        page.clock.run_for(step * 1_000)
        for _ in range(50 if unanswered else 0):
            page.evaluate("fetch('/nothing').then(() => fetch('/nothing')).catch(() => 0)")
            if not unanswered:
                break
    page.remove_listener("request", asked)
    page.remove_listener("requestfinished", answered)
    page.remove_listener("requestfailed", answered)
