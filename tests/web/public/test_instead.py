"""Other ways in the answers: the status, the launcher, the closed page and the error page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from tests.web.conftest import Site
from widget.domain.errors import EceRefused

pytestmark = pytest.mark.anyio

WAYS = [
    {"kind": "phone", "value": "+49 30 1234567", "label": {"en": "Call us", "de": "Ruf uns an"}},
    {"kind": "email", "value": "o'hara+chat@example.com"},
    {"kind": "link", "value": "https://www.example.com/help?a=1&b=2"},
    {"kind": "entry_point", "value": "callback", "reasons": ["agent_not_available", "other"]},
    {"kind": "message"},
]
OFFERED = [
    {"kind": "phone", "label": "Call us", "href": "tel:+49301234567"},
    {"kind": "email", "label": "Write us an e-mail", "href": "mailto:o%27hara%2Bchat@example.com"},
    {"kind": "link", "label": "www.example.com", "href": "https://www.example.com/help?a=1&b=2"},
    {"kind": "entry_point", "label": "Call me", "href": "https://chat.example.com/v1/chat/callback?locale=en"},
    {"kind": "message", "label": "Leave a message", "href": "https://chat.example.com/message/sales?locale=en"},
]


@pytest.fixture
def site(table: dict[str, Any], make_site: Callable[[], Site]) -> Site:
    sales = table["entry_points"]["sales"]
    table["entry_points"]["callback"] = {"id": 1002, "chat_url": sales["chat_url"], "label": "Call me"}
    sales |= {"when_unavailable": "message", "when_unknown": "message", "instead": WAYS}
    table["messages"] = {"to": "smtp"}
    table["smtp"] = {"url": "smtp://127.0.0.1:25", "from": "chat@example.com", "to": ["office@example.com"]}
    made = make_site()
    made.ece.shut = {1001}
    return made


def drawn(html: str) -> str:
    return re.sub(r"<template.*?</template>", "", html, flags=re.DOTALL)


async def test_the_status_says_what_is_offered_in_the_operators_order(site: Site) -> None:
    answer = (await site.get("/v1/status/sales")).json()
    assert answer["instead"] == OFFERED
    assert answer["response"] == "UNAVAILABLE"
    assert (await site.get("/v1/status/callback")).json()["instead"] == []


async def test_a_status_that_is_asked_for_in_a_language_has_labels_in_it(site: Site) -> None:
    german = (await site.get("/v1/status/sales?locale=de-AT")).json()["instead"]
    assert [each["label"] for each in german][:2] == ["Ruf uns an", "Schreiben Sie uns eine E-Mail"]
    assert german[4]["href"].endswith("/message/sales?locale=de")


async def test_the_etag_changes_when_another_entry_point_opens_or_closes(site: Site) -> None:
    for path in ("/v1/status/sales", "/v1/launcher/sales?locale=en&theme="):
        site.ece.shut = {1001, 1002}
        site.time.passes(61)
        shut = await site.get(path)
        site.ece.shut = {1001}
        site.time.passes(61)
        both = await site.get(path, headers={"if-none-match": shut.headers["etag"]})
        assert both.status_code == 200
        assert both.headers["etag"] != shut.headers["etag"]
        again = await site.get(path, headers={"if-none-match": both.headers["etag"]})
        assert again.status_code == 304


async def test_an_unknown_state_is_a_200_that_says_error(site: Site) -> None:
    site.ece.fails(EceRefused())
    answer = await site.get("/v1/status/callback")
    assert answer.status_code == 200
    assert answer.json()["response"] == "ERROR"


async def test_the_launcher_carries_the_same_and_draws_a_menu_of_links(site: Site) -> None:
    html = drawn((await site.get("/v1/launcher/sales?locale=en&theme=bold")).text)
    carried = re.search(r'data-instead="([^"]*)"', html)
    assert carried is not None
    told = json.loads(unescape(carried[1]))
    assert [each["kind"] for each in told] == [each["kind"] for each in OFFERED]
    links = [unescape(each) for each in re.findall(r'<a class="ece-chat-way[^>]* href="([^"]*)"', html)]
    assert links == [each["href"] for each in told]
    assert links[4] == "https://chat.example.com/message/sales?locale=en&theme=bold"
    assert html.count("<details") == 1


async def test_the_way_to_the_form_leads_to_a_form(site: Site) -> None:
    href = (await site.get("/v1/status/sales?locale=de")).json()["instead"][4]["href"]
    page = await site.get(href.removeprefix("https://chat.example.com"))
    assert page.status_code == 200
    assert 'lang="de"' in page.text
    assert "<form" in page.text


async def test_one_way_needs_no_menu(table: dict[str, Any], make_site: Callable[[], Site]) -> None:
    table["entry_points"]["sales"] |= {"when_unavailable": "message", "instead": WAYS[:1]}
    site = make_site()
    site.ece.shut = {1001}
    html = drawn((await site.get("/v1/launcher/sales")).text)
    assert "<details" not in html
    assert 'href="tel:+49301234567"' in html


async def test_a_phone_number_is_seen_as_written_and_heard_digit_by_digit(site: Site) -> None:
    for path in ("/v1/launcher/sales", "/v1/chat/sales"):
        html = (await site.get(path)).text
        assert re.search(r'<bdi [^>]*aria-hidden="true">\+49 30 1234567</bdi>', html)
        assert "+ 4 9, 3 0, 1 2 3 4 5 6 7</span>" in html


async def test_the_closed_page_offers_them_without_script_also_where_the_launcher_hides(
    table: dict[str, Any], make_site: Callable[[], Site]
) -> None:
    table["entry_points"]["sales"]["instead"] = WAYS[:2]
    site = make_site()
    site.ece.shut = {1001}
    page = (await site.get("/v1/chat/sales?locale=de")).text
    assert "Andere Wege zu uns" in page
    assert 'href="tel:+49301234567"' in page
    launcher = drawn((await site.get("/v1/launcher/sales")).text)
    assert re.search(r"data-instead=[^>]*></div>", launcher), "hidden is an empty root"


async def test_the_error_page_of_an_entry_point_offers_them_too(
    table: dict[str, Any], make_site: Callable[[], Site]
) -> None:
    table["entry_points"]["sales"]["instead"] = WAYS[:1]
    table["limits"] = {"tokens": "1/hour"}
    site = make_site()
    await site.get("/v1/chat/sales")
    refused = await site.get("/v1/chat/sales")
    assert refused.status_code == 429
    assert 'href="tel:+49301234567"' in refused.text
    unknown = await site.get("/v1/chat/nobody")
    assert "tel:" not in unknown.text


async def test_a_label_cannot_become_markup(table: dict[str, Any], make_site: Callable[[], Site]) -> None:
    label = """</script>'"<img src=x onerror=a()>&amp;"""
    table["entry_points"]["sales"] |= {
        "when_unavailable": "message",
        "instead": [{"kind": "phone", "value": "110", "label": label}],
    }
    site = make_site()
    site.ece.shut = {1001}
    assert (await site.get("/v1/status/sales")).json()["instead"][0]["label"] == label
    for path in ("/v1/launcher/sales", "/v1/chat/sales"):
        assert "<img" not in (await site.get(path)).text
