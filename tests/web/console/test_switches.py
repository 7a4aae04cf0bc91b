"""Close now, reopen, a special day: asked first, told everywhere, bounded, and by nobody but who is signed in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import Site
from tests.web.console.conftest import Browser, opened

pytestmark = pytest.mark.anyio


async def status(browser: Browser) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await browser.site.get("/v1/status/sales")).text)
    return found


async def fields(browser: Browser, **more: str) -> dict[str, str]:
    return {"form_token": await browser.form_token(), **more}


async def test_close_now_is_asked_first_told_on_every_page_and_undone_by_reopen(browser: Browser) -> None:
    await browser.sign_in(name="Anna")
    assert "Close sales now?" in (await browser.get("/console/close/sales")).text
    assert (await status(browser))["state"] == "available"
    answer = await browser.post(
        "/console/close/sales", await fields(browser, end="reopened", reason_="Fire drill", reason_de="Probealarm")
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/now")
    assert (await status(browser))["reason"] == "switched_off"
    for path in ("/console/now", "/console/history", "/console/outbox", "/console/close/sales"):
        page = (await browser.get(path)).text
        assert "Anna (token 1) closed sales" in page, path
        assert "Fire drill" in page, path
    assert "Probealarm" in (await browser.get("/console/now", headers={"accept-language": "de"})).text
    assert "Anna (token 1) closed sales" in (await browser.get("/console/reopen/sales")).text
    await browser.post("/console/reopen/sales", await fields(browser))
    assert (await status(browser))["reason"] != "switched_off"
    history = (await browser.get("/console/history")).text
    assert "Anna (token 1) closed it." in history
    assert "Anna (token 1) reopened it." in history


async def test_what_a_person_did_is_not_told_as_the_state_that_it_led_to(browser: Browser) -> None:
    await browser.sign_in(name="Anna")
    await browser.post("/console/reopen/sales", await fields(browser))
    await browser.post("/console/day/sales", await fields(browser, day="2026-11-24", ranges="09:00-12:00"))
    await browser.post("/console/clear-day/sales", await fields(browser, day="2026-11-24"))
    history = (await browser.get("/console/history")).text
    lines = re.findall(r"<li><time.*?</li>", history, re.DOTALL)
    told = {re.search(r"</svg>(.*?)</span>", line)[1]: line for line in lines if "Anna" in line}  # type: ignore[index]
    assert set(told) == {"Special day", "Reopened by hand"}


async def test_a_second_closing_says_that_it_takes_the_place_of_the_first(browser: Browser) -> None:
    already = "It is closed by hand already."
    await browser.sign_in(name="Anna")
    assert already not in (await browser.get("/console/close/sales")).text
    await browser.post("/console/close/sales", await fields(browser, end="reopened"))
    assert already in (await browser.get("/console/close/sales")).text


async def test_the_links_of_notices_name_what_they_are_about(browser: Browser) -> None:
    await browser.sign_in()
    await browser.post("/console/close/sales", await fields(browser, end="reopened"))
    page = (await browser.get("/console/history")).text
    assert '<a href="/console/reopen/sales">Reopen<span class="hidden"> sales</span></a>' in page


async def test_a_closing_ends_at_the_moment_that_was_chosen(browser: Browser) -> None:
    await browser.sign_in()
    await browser.post("/console/close/sales", await fields(browser, end="30"))
    browser.site.time.passes(minutes=29)
    assert (await status(browser))["reason"] == "switched_off"
    browser.site.time.passes(minutes=2)
    assert (await status(browser))["reason"] != "switched_off"


async def test_what_cannot_be_is_said_beside_the_field_and_changes_nothing(browser: Browser) -> None:
    await browser.sign_in()
    for wrong, said in (
        ({"end": "reopened", "reason_": "x" * 5000}, "at most 300 characters"),
        ({"end": "reopened", "reason_ar": "\U0001f600" * 5000}, "at most 300 characters"),
        ({"end": "until", "until": "2020-01-01T00:00"}, "lies ahead"),
        ({"end": "until", "until": "9999-12-31T23:59"}, "lies ahead"),
        ({"end": "until", "until": "9999-12-31T23:59-12:00"}, "lies ahead"),
        ({"end": "until", "until": "soon"}, "lies ahead"),
        ({"end": "until", "until": ""}, "lies ahead"),
    ):
        answer = await browser.post("/console/close/sales", await fields(browser, **wrong))
        assert answer.status_code == 422, wrong
        assert said in answer.text
        assert 'aria-invalid="true"' in answer.text
    for day, ranges in (("tomorrow", ""), ("2020-01-01", ""), ("2026-12-24", "9-12"), ("2026-12-24", "09:00-09:00")):
        answer = await browser.post("/console/day/sales", await fields(browser, day=day, ranges=ranges))
        assert answer.status_code == 422, (day, ranges)
    assert (await status(browser))["state"] == "available"


async def test_a_reason_with_markup_stays_text_for_operators_and_visitors(browser: Browser) -> None:
    await browser.sign_in()
    reason = "<img src=x onerror=alert(1)> & {{ 7777*7777 }}"
    await browser.post("/console/close/sales", await fields(browser, end="reopened", reason_=reason))
    for path in ("/console/now", "/console/history", "/console/reopen/sales"):
        assert "<img" not in (await browser.get(path)).text
    for path in ("/v1/chat/sales", "/v1/launcher/sales"):
        page = (await browser.site.get(path)).text
        assert "<img src" not in page
        assert "60481729" not in page


async def test_a_special_day_closes_today_and_is_cleared_after_a_question(browser: Browser) -> None:
    await browser.sign_in(name="Anna")
    today = browser.site.time.now().date().isoformat()
    await browser.post("/console/day/sales", await fields(browser, day=today, ranges=""))
    assert (await status(browser))["reason"] == "outside_hours"
    assert "sales has other hours today: closed all day." in (await browser.get("/console/outbox")).text
    assert "closed all day" in (await browser.get(f"/console/clear-day/sales?day={today}")).text
    await browser.post("/console/clear-day/sales", await fields(browser, day=today))
    assert (await status(browser))["reason"] != "outside_hours"
    assert (await browser.get(f"/console/clear-day/sales?day={today}")).status_code == 303


async def test_two_people_who_close_and_reopen_leave_one_word_and_both_names(browser: Browser) -> None:
    other = Browser(browser.site)
    await browser.sign_in(name="Anna")
    await other.sign_in(name="Ben")
    await browser.post("/console/close/sales", await fields(browser, end="reopened"))
    await other.post("/console/reopen/sales", await fields(other))
    await browser.post("/console/reopen/sales", await fields(browser))
    assert "Nobody has closed it by hand" in (await other.get("/console/reopen/sales")).text
    history = (await browser.get("/console/history")).text
    assert "Anna (token 1) closed it." in history
    assert "Ben (token 1) reopened it." in history


async def test_a_stranger_and_another_sites_page_switch_nothing(browser: Browser) -> None:
    stranger = Browser(browser.site)
    assert (await stranger.post("/console/close/sales", {"end": "reopened"})).status_code == 401
    await browser.sign_in()
    sent = await fields(browser, end="reopened")
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example.com"}):
        assert (await browser.ask("POST", "/console/close/sales", data=sent, headers=headers)).status_code == 403
    assert (await browser.post("/console/close/sales", {"end": "reopened"})).status_code == 403
    assert (await browser.get("/console/close/nothing")).status_code == 404
    assert (await status(browser))["state"] == "available"


async def test_while_the_database_is_away_now_is_shown_the_last_word_stands_and_nothing_is_switched(
    table: dict[str, Any], make_site: Callable[[], Site], tmp_path: Path
) -> None:
    table["console"] = {"enabled": True}
    browser = Browser(make_site())
    operations = browser.site.services.operations
    assert operations is not None
    async with opened(browser.site):
        await browser.sign_in(name="Anna")
        await browser.post("/console/close/sales", await fields(browser, end="reopened"))
    for file in tmp_path.glob("outbox.db*"):
        file.unlink()
    (tmp_path / "outbox.db").mkdir()
    sent = await fields(browser)
    answer = await browser.post("/console/reopen/sales", sent)
    assert answer.status_code == 503
    assert "was not done" in answer.text
    assert (await browser.get("/console/history")).status_code == 503
    await operations.switches.look()
    page = await browser.get("/console/now")
    assert page.status_code == 200
    assert "what was switched last stands" in page.text
    assert "Anna (token 1) closed sales" in page.text
    assert (await status(browser))["reason"] == "switched_off"
