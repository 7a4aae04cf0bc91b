"""The outbox in the console: rows by state, one row with its reasons, send again and purge after a question."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import Connection, update

from tests import settling
from tests.web.console.conftest import Browser
from widget.domain.errors import DeliveryError
from widget.domain.outbox import Answer, Claim, OutboxMessage
from widget.store.schema import outbox
from widget.web.console.failures import _WORDS

pytestmark = pytest.mark.anyio


async def dead_row(browser: Browser, key: str = "k", answer: str = "Very") -> int:
    """Promise a survey and give it up."""
    outbox, now = browser.site.services.outbox, browser.site.time.now()
    answers = (Answer("helpful", "How helpful?", answer),)
    await outbox.enqueue(OutboxMessage(key, f"secret-sid-{key}", "sales", "after_chat", answers))
    taken = await outbox.claim(Claim(limit=1, owner="o", now=now, lease=timedelta(minutes=1)))
    (claimed,) = taken.messages
    await outbox.settle(settling.dead(claimed, now=now, reason="refused: 404"))
    return claimed.id


async def test_a_row_is_listed_by_state_with_its_reason_and_never_its_sid(browser: Browser) -> None:
    row = await dead_row(browser)
    await browser.sign_in()
    dead = (await browser.get("/console/outbox?state=dead")).text
    assert f'href="/console/outbox/{row}"' in dead
    assert "refused: 404" in dead
    assert f'href="/console/outbox/{row}"' not in (await browser.get("/console/outbox?state=delivered")).text
    page = (await browser.get(f"/console/outbox/{row}")).text
    assert "How helpful?" in page
    assert "Very" in page
    assert "secret-sid" not in dead + page


async def test_a_dead_row_alone_is_sent_again_after_a_question(browser: Browser) -> None:
    row, other = await dead_row(browser), await dead_row(browser, "other")
    await browser.sign_in()
    assert f"Send row {row} again?" in (await browser.get(f"/console/outbox/{row}/retry")).text
    sent = {"form_token": await browser.form_token()}
    for _ in range(2):  # also one who sends the form twice
        answer = await browser.post(f"/console/outbox/{row}/retry", sent)
        assert answer.headers["location"] == f"/console/outbox/{row}"
    assert "Waiting" in (await browser.get(f"/console/outbox/{row}")).text
    assert f'href="/console/outbox/{other}"' in (await browser.get("/console/outbox?state=dead")).text


async def test_all_dead_rows_are_sent_again_after_a_question(browser: Browser) -> None:
    await dead_row(browser, "a")
    await dead_row(browser, "b")
    await browser.sign_in()
    assert "Send 2 dead rows again?" in (await browser.get("/console/outbox/retry")).text
    await browser.post("/console/outbox/retry", {"form_token": await browser.form_token()})
    assert "There is no row in this state." in (await browser.get("/console/outbox?state=dead")).text


async def test_a_purge_forgets_the_answers_of_one_row_after_a_question(browser: Browser) -> None:
    row, other = await dead_row(browser, answer="My name is Ada"), await dead_row(browser, "other", "My name is Bo")
    await browser.sign_in()
    assert f"Purge row {row}?" in (await browser.get(f"/console/outbox/{row}/purge")).text
    await browser.post(f"/console/outbox/{row}/purge", {"form_token": await browser.form_token()})
    page = (await browser.get(f"/console/outbox/{row}")).text
    assert "Ada" not in page
    assert "Purged" in page
    assert "My name is Bo" in (await browser.get(f"/console/outbox/{other}")).text


async def test_an_old_page_asks_nothing_that_is_done_already(browser: Browser) -> None:
    row = await dead_row(browser)
    await browser.sign_in()
    await browser.post(f"/console/outbox/{row}/retry", {"form_token": await browser.form_token()})
    assert (await browser.get(f"/console/outbox/{row}/retry")).headers["location"] == f"/console/outbox/{row}"
    await browser.post(f"/console/outbox/{row}/purge", {"form_token": await browser.form_token()})
    assert (await browser.get(f"/console/outbox/{row}/purge")).headers["location"] == f"/console/outbox/{row}"


async def test_the_log_names_who_sent_again_and_who_purged(browser: Browser, log_lines: io.StringIO) -> None:
    row = await dead_row(browser, answer="My name is Ada")
    await browser.sign_in(name="Anna")
    sent = {"form_token": await browser.form_token()}
    for path in (f"{row}/retry", f"{row}/purge", "retry"):
        await browser.post(f"/console/outbox/{path}", sent)
    done = [json.loads(line) for line in log_lines.getvalue().splitlines() if "console_row" in line]
    assert [(each["event"], each["row"], each.get("rows"), each["by"]) for each in done] == [
        ("console_rows_sent_again", row, 1, "Anna (token 1)"),
        ("console_row_purged", row, None, "Anna (token 1)"),
        ("console_rows_sent_again", None, 0, "Anna (token 1)"),
    ]
    assert "Ada" not in log_lines.getvalue()


async def test_nothing_is_sent_or_purged_without_the_value_of_the_session(browser: Browser) -> None:
    row = await dead_row(browser)
    stranger = Browser(browser.site)
    await browser.sign_in()
    for act in ("retry", "purge"):
        assert (await browser.post(f"/console/outbox/{row}/{act}", {"form_token": "x"})).status_code == 403
        assert (await stranger.post(f"/console/outbox/{row}/{act}", {})).status_code == 401
    assert "Dead" in (await browser.get(f"/console/outbox/{row}")).text


async def test_an_answer_with_markup_is_shown_and_never_run(browser: Browser) -> None:
    row = await dead_row(browser, answer="<script>alert(1)</script>\u202e")
    await browser.sign_in()
    page = (await browser.get(f"/console/outbox/{row}")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


async def test_every_state_has_its_sign(browser: Browser) -> None:
    await dead_row(browser)
    await browser.site.services.outbox.enqueue(OutboxMessage("k2", "sid", "sales", "after_chat", ()))
    await browser.sign_in()
    for path in ("/console/outbox", "/console/now", "/console/history"):
        page = (await browser.get(path)).text
        used = set(re.findall(r'href="#(sign-[a-z]+)"', page))
        assert used <= set(re.findall(r'<symbol id="(sign-[a-z]+)"', page)), path
    assert "sign-waiting" in (await browser.get("/console/outbox?state=pending")).text


async def test_a_row_that_is_not_there_is_not_found(browser: Browser) -> None:
    await browser.sign_in()
    for row in ("7", "0", "-1", "9" * 40, "x", "٣"):
        assert (await browser.get(f"/console/outbox/{row}")).status_code == 404, row


async def test_many_rows_come_in_pages(browser: Browser) -> None:
    outbox = browser.site.services.outbox
    for number in range(53):
        await outbox.enqueue(OutboxMessage(f"k{number}", "sid", "sales", "after_chat", ()))
    await browser.sign_in()
    first = (await browser.get("/console/outbox?state=pending")).text
    assert first.count('scope="row"') == 50
    assert "state=pending&amp;before=4" in first
    assert (await browser.get("/console/outbox?state=pending&before=4")).text.count('scope="row"') == 3


async def test_rows_for_a_destination_that_is_not_in_the_settings_are_told(browser: Browser) -> None:
    outbox = browser.site.services.outbox
    await outbox.enqueue(OutboxMessage("k", "ada@example.com", "sales", "", (), destination="webhooks.old"))
    await browser.sign_in()
    assert "1 row waits for webhooks.old, which is not in the settings." in (await browser.get("/console/outbox")).text
    german = (await browser.get("/console/outbox?state=dead", headers={"Accept-Language": "de"})).text
    assert "1 Zeile wartet auf webhooks.old" in german


async def test_rows_that_somebody_delivers_are_not_told_of(browser: Browser) -> None:
    await dead_row(browser)
    await browser.site.services.outbox.enqueue(OutboxMessage("s", "sid", "sales", "after_chat", ()))
    await browser.sign_in()
    assert "not in the settings" not in (await browser.get("/console/outbox")).text


def test_every_code_of_a_failed_delivery_has_words() -> None:
    ours = {each for each in _all_under(DeliveryError) if each.__module__ == DeliveryError.__module__}
    codes = {each.__dict__["code"] for each in ours if "code" in each.__dict__}
    assert len(codes) > 10
    assert codes - _WORDS.keys() == set()


def _all_under(kind: type[DeliveryError]) -> set[type[DeliveryError]]:
    return {kind}.union(*(_all_under(each) for each in kind.__subclasses__()))


async def test_a_reason_is_told_in_words_with_its_code_and_the_last_one_of_a_row_that_waited_too_long(
    browser: Browser,
) -> None:
    row = await dead_row(browser)
    await browser.sign_in()

    async def told(reason: str) -> str:
        def put(connection: Connection) -> int:
            return connection.execute(update(outbox).where(outbox.c.id == row).values(reason=reason)).rowcount

        await browser.site.services.outbox.change(put)
        return (await browser.get("/console/outbox?state=dead")).text

    assert "ECE answered with an error (ece_status 500)" in await told("ece_status 500")
    assert "Tried for too long: The mail server serves nobody (mail_server_down: no TLS)" in await told(
        "max_age; last: mail_server_down: no TLS"
    )
    assert "of a later release: 7" in await told("of a later release: 7")
