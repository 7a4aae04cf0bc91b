"""Take the pictures of `examples/pictures/` anew, after what visitors see has changed.

python -m tests.release.pictures

`site.png` is the sample site with its button, for the README, and `dock.png` with a chat in the dock; of each shipped
theme there is one picture with the launcher, the dock, the closed page and the survey in light and dark, as `/preview`
draws them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request

from playwright.sync_api import Browser

from tests.chromium import chromium
from tests.ports import free_port
from widget.themes import Themes

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "pictures"
SHOWN = ("launcher", "dock", "closed", "survey after_chat: form", "survey: thanks")


@contextmanager
def _demo() -> Iterator[tuple[str, str]]:
    """Start the demo with nobody waiting, and give the addresses of the widget server and of the sample site."""
    widget, simulator, site = free_port(), free_port(), free_port()
    ports = ("--port", str(widget), "--simulator-port", str(simulator), "--site-port", str(site))
    command = [sys.executable, "-u", "-m", "widget", "demo", *ports]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            next(line for line in process.stdout if "running" in line)
            _let_nobody_wait(f"http://127.0.0.1:{simulator}/control/entry-points/1001")
            yield f"http://127.0.0.1:{widget}", f"http://127.0.0.1:{site}/"
        finally:
            process.terminate()


def _let_nobody_wait(entry_point: str) -> None:
    change = json.dumps({"arrivals_per_minute": 0, "waiting": 0, "agents": 9}).encode()
    urllib.request.urlopen(Request(entry_point, change, {"content-type": "application/json"}), timeout=5).close()


def _take_site(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1100, "height": 700}, reduced_motion="reduce")
    page.goto(address)
    button = page.get_by_role("button", name="Someone is free now")
    button.wait_for()
    page.screenshot(path=FOLDER / "site.png")
    page.evaluate("eceChat.update('sales', { open: 'dock' })")
    button.click()
    page.frame_locator("ece-chat-panel iframe").get_by_text("Hello, this is").wait_for()
    page.screenshot(path=FOLDER / "dock.png")


def _take_theme(browser: Browser, origin: str, theme: str) -> None:
    schemes = [("scheme", each) for each in ("light", "dark")]
    chosen = [("theme", theme), ("state", "outside_hours"), ("entry_point", "support"), ("width", "400"), *schemes]
    page = browser.new_page(viewport={"width": 2180, "height": 900}, device_scale_factor=0.7, reduced_motion="reduce")
    page.goto(f"{origin}/preview?{urlencode([*(('show', each) for each in SHOWN), *chosen, ('state', 'available')])}")
    for picture in page.locator("main iframe").all():
        picture.scroll_into_view_if_needed()
        picture.content_frame.locator("body").wait_for()
    page.wait_for_load_state("networkidle")
    page.locator(".frames").screenshot(path=FOLDER / f"{theme}.png")


def take() -> None:
    """Write every picture."""
    with _demo() as (origin, site), chromium() as browser:
        _take_site(browser, site)
        for theme in Themes.load().names:
            _take_theme(browser, origin, theme)


if __name__ == "__main__":
    take()
