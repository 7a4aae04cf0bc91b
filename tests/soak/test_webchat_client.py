"""The webchat client of alphagov/frontend, unmodified, in a browser against the product.

WEBCHAT_CLIENT=FOLDER python -m tests.soak -k webchat

FOLDER holds `webchat.js`, from `app/assets/javascripts/modules/` of that repository; it is no part of this one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.chromium import chromium
from tests.ece_stand_in import CLOSED, EceStandIn
from tests.serving import serving
from widget import settings
from widget.app import create_app
from widget.domain.errors import EceRefused
from widget.domain.readings import Call, LiveSessionStatus
from widget.services.serving import build

STATES = ("error", "unavailable", "busy", "available")


def client_file() -> Path:
    folder = os.environ.get("WEBCHAT_CLIENT", "")
    file = Path(folder) / "webchat.js"
    if not folder or not file.is_file():
        pytest.skip("WEBCHAT_CLIENT names no folder with the client's webchat.js, so that it was not tried")
    return file


def test_the_client_goes_through_open_full_nobody_open_away_and_back(table: dict[str, Any]) -> None:
    client = client_file()
    table["ece"] |= {"fresh_for": 0.3, "stale_for": 1.0}
    table["entry_points"]["sales"]["max_queue_depth"] = 5
    table["server"] |= {"public_url": "http://127.0.0.1:1"}
    configured, ece = settings.parse(table), EceStandIn()
    app = create_app(configured, services=build(configured, ece=ece))
    with serving(app) as origin, chromium() as browser:
        page = browser.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        parts = "".join(f'<p class="js-webchat-advisers-{state} govuk-!-display-none">{state}</p>' for state in STATES)
        page.set_content(
            f'<style>[class*="display-none"]{{display:none}}</style><div data-module="webchat"'
            f' data-availability-url="{origin}/v1/status/sales" data-open-url="{origin}/v1/chat/sales">{parts}</div>'
        )
        page.add_script_tag(path=str(client))
        page.evaluate("new GOVUK.Modules.Webchat(document.querySelector('[data-module=webchat]')).init()")

        def shows(state: str) -> None:
            expect(page.locator("p:visible")).to_have_text([state], timeout=60_000)

        shows("available")
        ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=60, queue_depth=6)
        shows("busy")
        ece.answers[Call.CHAT_ALLOWED] = CLOSED
        shows("unavailable")
        ece.recovers()
        shows("available")
        ece.fails(EceRefused())
        shows("error")
        ece.recovers()
        shows("available")
        assert faults == []
        page.close()
