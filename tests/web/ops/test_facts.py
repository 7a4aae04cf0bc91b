"""What machines are told of cookies, storage and stored fields, against what the product does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.web.conftest import Site
from widget.store.schema import outbox

pytestmark = pytest.mark.anyio

# The columns of a row that hold what a visitor gave or did, by the words of the facts.
FIELDS = {
    "answers": "answers",
    "sid": "chat session id",
    "entry_point": "entry point",
    "survey": "survey",
    "language": "language",
    "wait_time": "ECE's wait and queue depth",
    "queue_depth": "ECE's wait and queue depth",
    "accepted_at": "times",
}
OF_THE_ROW = {
    *("id", "key", "state", "attempts", "next_attempt_at", "waits_for_ece", "lease_owner", "leased_until"),
    *("waiting_since", "settled_at", "reason", "possible_doubles", "kind", "destination"),
}


async def told(site: Site) -> dict[str, Any]:
    answer = await site.get("/facts.json")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in answer.headers
    found: dict[str, Any] = json.loads(answer.text)
    return found


async def test_no_page_of_visitors_sets_a_cookie(make_site: Callable[[], Site]) -> None:
    site = make_site()
    facts = await told(site)
    assert {each["cookies"] for each in facts["pages"]} == {0}
    for path in ("/widget.js", "/v1/status/sales", "/v1/launcher/sales", "/v1/chat/sales"):
        assert "set-cookie" not in (await site.get(path)).headers


async def test_hosts_are_ours_and_those_of_the_chat_pages(table: dict[str, Any], make_site: Callable[[], Site]) -> None:
    table["entry_points"]["sales"]["chat_url"] = "https://chat.ece.example.com/x?id={id}"
    pages = {each["page"]: each for each in (await told(make_site()))["pages"]}
    assert pages["page with the button"]["hosts"] == ["https://chat.example.com"]
    assert "https://chat.ece.example.com" in pages["chat, opened by a click"]["hosts"]


async def test_only_a_closed_greeting_is_kept_on_the_page(table: dict[str, Any], make_site: Callable[[], Site]) -> None:
    assert (await told(make_site()))["pages"][0]["storage"] == []
    table["entry_points"]["sales"]["greeting"] = {"text": "Questions?", "after": "20s"}
    (kept,) = (await told(make_site()))["pages"][0]["storage"]
    assert kept["area"] == "sessionStorage"


async def test_stored_fields_are_the_columns_of_the_outbox(
    table: dict[str, Any], make_site: Callable[[], Site]
) -> None:
    questions = [{"id": "helpful", "kind": "rating", "text": "Helpful?"}]
    table["surveys"] = {"after_chat": {"title": "How did we do?", "questions": questions}}
    table["storage"]["retention"] = "30d"
    (survey,) = (await told(make_site()))["stored"]
    assert {column.name for column in outbox.columns} - OF_THE_ROW == set(FIELDS)
    assert set(survey["fields"]) == set(FIELDS.values())
    assert survey["retention"] == 30 * 86400
    assert survey["sentTo"] == ["ECE"]


async def test_who_is_told_of_a_survey_at_once_is_named_too(
    table: dict[str, Any], make_site: Callable[[], Site]
) -> None:
    questions = [{"id": "helpful", "kind": "rating", "text": "Helpful?"}]
    alert = {"question": "helpful", "answers": ["1"], "to": "smtp"}
    table["surveys"] = {"after_chat": {"title": "How did we do?", "questions": questions, "alert_if": alert}}
    table["smtp"] = {"url": "smtp://127.0.0.1:25", "from": "chat@example.com", "to": ["office@example.com"]}
    (survey,) = (await told(make_site()))["stored"]
    assert survey["sentTo"] == ["ECE", "smtp"]


async def test_a_console_is_the_only_place_of_a_cookie(table: dict[str, Any], make_site: Callable[[], Site]) -> None:
    assert (await told(make_site()))["operators"]["cookies"] == 0
    table["console"] = {"enabled": True}
    assert (await told(make_site()))["operators"]["cookies"] == 1
