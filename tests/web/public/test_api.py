"""The visitor's addresses: what they say, to whom, and for how long."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.ece_stand_in import CLOSED
from tests.web.conftest import Site
from widget.domain.errors import EceRefused, EceStatus
from widget.domain.readings import Call, ChatAllowed, LiveSessionStatus, Reason

pytestmark = pytest.mark.anyio


async def test_the_status_is_the_decision_as_json(site: Site) -> None:
    answer = await site.get("/v1/status/sales")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "entryPoint": "sales",
        "show": True,
        "state": "available",
        "reason": None,
        "waitTime": 180,
        "queueDepth": 2,
        "position": 3,
        "capacity": None,
        "opensAt": None,
        "asOf": "2026-11-24T08:00:00Z",
        "nextCheck": 15,
        "response": "AVAILABLE",
        "instead": [],
    }


async def test_the_launcher_carries_the_same_decision(site: Site) -> None:
    fragment = (await site.get("/v1/launcher/sales?locale=de")).text
    assert 'data-state="available"' in fragment
    assert 'data-wait-time="180"' in fragment
    assert 'data-position="3"' in fragment
    assert 'lang="de"' in fragment
    assert "<button" in fragment
    assert not re.search(r"<style|style=|<img|url\(|onclick", fragment)


async def test_a_hidden_launcher_is_an_empty_root(site: Site) -> None:
    site.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    fragment = (await site.get("/v1/launcher/sales")).text
    assert 'data-show="false"' in fragment
    drawn = re.sub(r"<template.*?</template>", "", fragment, flags=re.DOTALL)  # what a template holds is not drawn
    assert re.fullmatch(r"<div [^>]*></div>", drawn)


async def test_a_message_is_shown_where_the_operator_wants_one(
    table: dict[str, Any], make_site: Callable[[], Site]
) -> None:
    table["entry_points"]["sales"]["when_unavailable"] = "message"
    site = make_site()
    site.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    status, fragment = (await site.get("/v1/status/sales")).json(), (await site.get("/v1/launcher/sales")).text
    assert (status["show"], status["reason"]) == (False, "agent_not_available")
    assert "ece-chat-message" in fragment
    assert 'class="ece-chat-button"' not in fragment


@pytest.mark.parametrize("path", ["/v1/status/{}", "/v1/launcher/{}", "/v1/chat/{}"])
@pytest.mark.parametrize("name", ["nobody", "1001", "٣", "9" * 5000, "%00", "..%2f..%2fetc", "sales%20", "SALES"])
async def test_a_name_that_is_not_configured_is_a_404_that_never_reaches_ece(site: Site, path: str, name: str) -> None:
    answer = await site.get(path.format(name))
    assert answer.status_code == 404
    if "chat" not in path and "%2f" not in name:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "unknown_entry_point"
        assert answer.json()["requestId"]
    assert site.ece.asked == []


ODD = [
    "../../etc/passwd",
    "de\x00",
    "<script>",
    "x" * 10_000,
    "de-" + "x" * 5000,
    "%F0%9F%92%A9",
    "",
    "*",
    "C:\\con",
    "٣٤",
]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("field", ["locale", "theme"])
async def test_an_odd_locale_or_theme_gets_the_default(site: Site, field: str, odd: str) -> None:
    usual = await site.get("/v1/launcher/sales")
    answer = await site.get("/v1/launcher/sales", params={field: odd})
    assert answer.status_code == 200
    assert answer.content == usual.content
    assert (await site.get("/v1/chat/sales", params={field: odd})).status_code == 303


async def test_an_unchanged_decision_is_a_304_though_ece_was_asked_anew(site: Site) -> None:
    for path in ("/v1/status/sales", "/v1/launcher/sales?locale=fr"):
        first = await site.get(path)
        site.time.passes(6)
        await site.get(path)
        await site.settle()
        asked = len(site.ece.asked)
        again = await site.get(path, headers={"if-none-match": first.headers["etag"]})
        assert asked >= 4
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["last-modified"] > first.headers["last-modified"]
        assert again.headers["etag"] == first.headers["etag"]


async def test_a_changed_decision_is_sent_whole(site: Site) -> None:
    first = await site.get("/v1/status/sales")
    site.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=240, queue_depth=3)
    site.time.passes(6)
    await site.get("/v1/status/sales")
    await site.settle()
    again = await site.get("/v1/status/sales", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 200
    assert again.json()["waitTime"] == 240


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("*", 304),
        ('"other", {weak}', 304),
        ('"other" , {strong}', 304),
        ('W/"other"', 200),
        ("garbage", 200),
        ("", 200),
        (",,,,", 200),
        ('"' + "x" * 8000 + '"', 200),
    ],
)
async def test_if_none_match_is_compared_weakly(site: Site, header: str, status: int) -> None:
    weak = (await site.get("/v1/status/sales")).headers["etag"]
    sent = header.format(weak=weak, strong=weak.removeprefix("W/"))
    assert (await site.get("/v1/status/sales", headers={"if-none-match": sent})).status_code == status


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Tue, 24 Nov 2026 08:00:00 GMT", 304),
        ("Tue, 24 Nov 2026 07:59:59 GMT", 200),
        ("Thursday", 200),
        ("0", 200),
        ("Tue, 99 Nov 99999999999 99:99:99 GMT", 200),
    ],
)
async def test_if_modified_since_counts_without_a_tag(site: Site, header: str, status: int) -> None:
    await site.get("/v1/status/sales")
    assert (await site.get("/v1/status/sales", headers={"if-modified-since": header})).status_code == status


async def test_no_cache_keeps_an_answer_longer_than_it_is_trusted(site: Site) -> None:
    await site.get("/v1/status/sales")
    for _ in range(70):
        site.time.passes(0.93)
        site.ece.fails(EceStatus(status=500))
        answer = await site.get("/v1/status/sales")
        await site.settle()
        max_age, revalidate, on_error = map(int, re.findall(r"=([0-9]+)", answer.headers["cache-control"]))
        if answer.json()["state"] == "available":
            left = 1060 - site.time.monotonic()
            assert left - 1 <= max_age + revalidate <= left
            assert max_age + on_error <= left
        else:
            assert site.time.monotonic() >= 1060


async def test_head_answers_as_get_without_the_body(site: Site) -> None:
    for path in ("/v1/status/sales", "/v1/launcher/sales"):
        for _ in range(2):
            got, head = await site.get(path), await site.ask("HEAD", path)
            assert head.status_code == 200
            assert head.content == b""
            assert head.headers["content-length"] == str(len(got.content)) or "content-encoding" in got.headers
            assert {**head.headers, "content-length": 0} == {**got.headers, "content-length": 0}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE", "PATCH", "BREW"])
async def test_other_methods_are_refused_and_the_right_ones_named(site: Site, method: str) -> None:
    await site.get("/v1/status/sales")
    answer = await site.ask(method, "/v1/status/sales")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


async def test_the_public_answers_belong_to_every_site_and_vary_on_nothing_but_encoding(site: Site) -> None:
    for _ in range(2):
        for path, vary in (("/v1/status/sales", None), ("/v1/launcher/sales", "accept-encoding")):
            answer = await site.get(path, headers={"origin": "https://anyone.example"})
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers.get("vary") == vary
            assert "set-cookie" not in answer.headers


async def test_the_launcher_is_packed_only_for_those_who_take_it(site: Site) -> None:
    for _ in range(2):
        plain = await site.get("/v1/launcher/sales", headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        for taken, coding in (("br, gzip", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip")):
            packed = await site.get("/v1/launcher/sales", headers={"accept-encoding": taken})
            assert packed.headers["content-encoding"] == coding
            assert packed.text == plain.text


async def test_a_click_goes_to_ece_with_id_locale_and_a_fresh_ticket(site: Site) -> None:
    answers = [await site.get("/v1/chat/sales?locale=de-AT") for _ in range(2)]
    assert {answer.status_code for answer in answers} == {303}
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    queries = [parse_qs(urlsplit(answer.headers["location"]).query) for answer in answers]
    assert queries[0]["entryPointId"] == ["1001"]
    assert queries[0]["locale"] == ["de-AT"]
    assert queries[0]["ticket"] != queries[1]["ticket"]
    ticket = site.services.tokens.verify_ticket(queries[0]["ticket"][0])
    assert ticket.entry_point == "sales"


async def test_the_operators_table_of_locales_decides(table: dict[str, Any], make_site: Callable[[], Site]) -> None:
    table["entry_points"]["sales"]["locales"] = {"de": "de-DE", "pt-PT": "pt-BR"}
    site = make_site()
    for asked, sent in (("de-AT", "de-DE"), ("pt-PT", "pt-BR"), ("fr", "fr-FR"), ("x' or 1=1", "en-US"), ("", "en-US")):
        answer = await site.get("/v1/chat/sales", params={"locale": asked})
        assert parse_qs(urlsplit(answer.headers["location"]).query)["locale"] == [sent]


async def test_a_click_decides_again_and_says_why_not(site: Site) -> None:
    await site.get("/v1/status/sales")
    site.time.passes(6)
    site.ece.answers[Call.CHAT_ALLOWED] = ChatAllowed(allowed=False, reason=Reason.QUEUE_DEPTH_REACHED)
    answer = await site.get("/v1/chat/sales?locale=de")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    assert "cross-origin-opener-policy" not in answer.headers, "it would cut the pop-up from its page"
    assert '<html lang="de"' in answer.text


@pytest.mark.parametrize(("when_unknown", "status"), [("hide", 503), ("message", 503), ("show", 303)])
async def test_a_click_while_ece_is_down_follows_when_unknown(
    table: dict[str, Any], make_site: Callable[[], Site], when_unknown: str, status: int
) -> None:
    table["entry_points"]["sales"]["when_unknown"] = when_unknown
    site = make_site()
    site.ece.fails(EceRefused())
    answer = await site.get("/v1/chat/sales")
    assert answer.status_code == status
    assert (await site.get("/v1/status/sales")).json()["show"] is (when_unknown == "show")
    if status == 503:
        assert int(answer.headers["retry-after"]) > 0


async def test_the_first_of_a_doubled_parameter_counts(site: Site) -> None:
    doubled = await site.get("/v1/launcher/sales?locale=de&theme=civic&locale=fr&theme=bold")
    assert doubled.content == (await site.get("/v1/launcher/sales?locale=de&theme=civic")).content
    assert doubled.content != (await site.get("/v1/launcher/sales?locale=fr&theme=bold")).content


async def test_unknown_parameters_do_not_make_another_answer(site: Site) -> None:
    plain = await site.get("/v1/status/sales")
    for query in ("?x=1", "?x=1&x=2", "?__proto__=1", "?" + "a=b&" * 400, "?%ff%fe"):
        assert (await site.get("/v1/status/sales" + query)).content == plain.content
        assert (await site.get("/v1/launcher/sales" + query)).status_code == 200


async def test_two_hundred_entry_points_are_asked_once_each(
    table: dict[str, Any], make_site: Callable[[], Site]
) -> None:
    entry_point = table["entry_points"].pop("sales")
    table["entry_points"] = {f"entry_point_{at}": {**entry_point, "id": 2000 + at} for at in range(200)}
    site = make_site()
    await asyncio.gather(*(site.get(f"/v1/status/entry_point_{at % 200}") for at in range(1000)))
    assert site.ece.count() == 200


async def test_no_answer_names_what_runs_here(site: Site) -> None:
    for path in ("/v1/status/sales", "/v1/chat/nobody", "/healthz", "/nothing"):
        answer = await site.get(path)
        text = json.dumps(dict(answer.headers)) + answer.text
        assert not re.search(r"uvicorn|starlette|python", text, re.IGNORECASE)


async def test_a_new_snapshot_is_in_every_answer(site: Site) -> None:
    paths = ["/v1/status/sales", *(f"/v1/launcher/sales?locale={language}&theme=" for language in ("pl", "de"))]
    seen: dict[str, set[str]] = {path: set() for path in paths}
    for waited in (180, 240, 300):
        site.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=waited, queue_depth=9)
        site.time.passes(6)
        await site.get(paths[0])
        await site.settle()
        for path in paths:
            answer = await site.get(path)
            assert str(waited) in answer.text
            assert (answer.text.count(site.time.wall.strftime("%H:%M:%SZ"))) == 1
            seen[path].add(answer.headers["etag"])
    assert {len(tags) for tags in seen.values()} == {3}


async def test_themes_languages_and_addresses_never_share_an_entity_tag(site: Site) -> None:
    queries = ["locale=de&theme=", "locale=fr&theme=", "locale=de&theme=bold", "locale=de&theme=civic"]
    paths = ["/v1/status/sales", *(f"/v1/launcher/sales?{query}" for query in queries)]
    assert len({(await site.get(path)).headers["etag"] for path in paths}) == len(paths)


@pytest.mark.parametrize("changed", ["a template", "a catalog", "the settings"])
async def test_what_a_launcher_is_made_of_is_in_its_entity_tag(
    table: dict[str, Any], make_site: Callable[[], Site], tmp_path: Path, changed: str
) -> None:
    path, tags = "/v1/launcher/sales?locale=de&theme=", []
    (tmp_path / "themes" / "default").mkdir(parents=True)
    (tmp_path / "themes" / "locales").mkdir()
    table["themes"] = {"directory": str(tmp_path / "themes")}
    for at in range(2):
        if at and changed == "a template":
            (tmp_path / "themes" / "default" / "launcher.css").write_text("button { color: red }")
        elif at and changed == "a catalog":
            words = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n'
            words += 'msgid "Chat with us"\nmsgstr "Frag uns"\n'
            (tmp_path / "themes" / "locales" / "de.po").write_text(words)
        elif at:
            table["entry_points"]["sales"]["open_in"] = "tab"
        answers = [await site.get(path) for site in (make_site(), make_site())]
        assert answers[0].headers["etag"] == answers[1].headers["etag"], "two machines with the same files"
        tags.append((answers[0].headers["etag"], answers[0].text))
    assert tags[0][1] != tags[1][1]
    assert tags[0][0] != tags[1][0]


async def test_last_modified_is_never_after_the_answer_itself(site: Site) -> None:
    """A clock that was set back, or that of another machine of the fleet, may be behind `asOf` (RFC 9110, 8.8.2.1)."""
    await site.get("/v1/status/sales")
    site.time.wall -= timedelta(seconds=30)
    site.time.passes(2)
    for path in ("/v1/status/sales", "/v1/launcher/sales"):
        modified = parsedate_to_datetime((await site.get(path)).headers["last-modified"])
        assert modified <= site.time.wall
