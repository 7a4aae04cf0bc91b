"""The browser of the tests: Chromium's headless shell, which takes a third of the processor time, else Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

expect.set_options(timeout=30_000)  # as long as everything else of Playwright waits: a guard against hangs, no measure


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Start a browser, and end it. While it runs, Playwright keeps an event loop in this thread."""
    binary = next(filter(None, map(shutil.which, NAMES)), None)
    assert binary is not None, "make tools says how to install Chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox", *arguments])
        yield browser
        browser.close()
