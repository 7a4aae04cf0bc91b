"""The survey's addresses from outside: forms, faults, thanks, and everything a visitor should not send."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from lxml import etree

from tests.hazards import HAZARDS, of_every_category
from tests.survey_app import EVERY_KIND, NOW, SID, SurveyStage
from widget import settings
from widget.domain.text import clean
from widget.ece.wire import survey_xml

pytestmark = pytest.mark.anyio
_GOOD = {"helpful": "5", "solved": "yes"}
_TEXTS = HAZARDS | dict(of_every_category())


@pytest.fixture
def stage(table: dict[str, Any]) -> SurveyStage:
    paged = [
        {"id": "first", "kind": "yes_no", "text": "First?", "required": True},
        {"id": "why", "kind": "text", "text": "Why?", "page": 2, "show_if": {"first": ["no"]}},
        {"id": "last", "kind": "text", "text": "Anything else?", "page": 3},
    ]
    table["surveys"] = {
        "after_chat": EVERY_KIND,
        "paged": {"title": "Paged", "questions": paged},
        "words": {"title": "W", "questions": [{"id": "t", "kind": "text", "text": "?", "max_length": 10_000}]},
    }
    table["entry_points"]["sales"]["survey"] = "after_chat"
    return SurveyStage(settings.parse(table))


@pytest.fixture
async def client(stage: SurveyStage) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(stage.app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="https://chat.example.com") as client:
        yield client


class Form(HTMLParser):
    """Reads a page as a browser without script would post it back."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self._area: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and (given["type"] in ("hidden", "text") or "checked" in given):
            self.fields.append((given["name"] or "", given.get("value") or ""))
        elif tag == "textarea":
            self._area = given["name"]
            self.fields.append((given["name"] or "", ""))

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            name, text = self.fields.pop()
            self.fields.append((name, text + data))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            name, text = self.fields.pop()
            self.fields.append((name, text.removeprefix("\n")))
            self._area = None

    @property
    def filled(self) -> dict[str, str]:
        return {name: value for name, value in self.fields if value}


async def test_the_form_has_every_question_under_its_id(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    answer = await client.get(stage.path())
    assert answer.status_code == 200
    for name in ("helpful", "comment", "recommend", "topic", "topic.other", "liked", "solved"):
        assert f'name="{name}"' in answer.text


async def test_each_page_of_thanks_has_the_nonce_of_its_own_policy(
    client: httpx.AsyncClient, stage: SurveyStage
) -> None:
    nonces = set()
    for answer in [await client.post(stage.path(), data=_GOOD) for _ in range(2)]:
        (nonce,) = re.findall(r'<script src="[^"]+" nonce="([^"]+)" defer>', answer.text)
        assert f"script-src 'nonce-{nonce}'" in answer.headers["content-security-policy"]
        nonces.add(nonce)
    assert len(nonces) == 2


async def test_survey_pages_are_private_and_their_policy_has_no_unsafe_word(
    client: httpx.AsyncClient, stage: SurveyStage
) -> None:
    for answer in (await client.get(stage.path()), await client.post(stage.path(), data=_GOOD)):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors https://www.example.com" in policy
        assert "unsafe" not in policy
        (nonce,) = re.findall(r'<script src="[^"]+" nonce="([^"]+)" defer>', answer.text)
        assert f"'nonce-{nonce}'" in policy
        assert SID not in answer.text
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", answer.text)


async def test_the_script_has_a_name_that_never_changes_its_meaning(
    client: httpx.AsyncClient, stage: SurveyStage
) -> None:
    answer = await client.get(stage.addresses.script_url)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("added", [".", ")", ").", ">", ",", '"', "\u201d", "=", "...", ")>"])
async def test_what_a_mail_program_takes_into_the_link_behind_its_end_is_dropped(
    client: httpx.AsyncClient, stage: SurveyStage, added: str
) -> None:
    path = stage.path() + quote(added)
    assert (await client.get(path)).status_code == 200
    assert (await client.post(path, data=_GOOD)).status_code == 200
    assert stage.answers["helpful"] == "5"


async def test_good_answers_are_stored_and_thanked_for(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    answer = await client.post(stage.path(), data={**_GOOD, "liked": ["The tone", "other"], "liked.other": "you"})
    assert answer.status_code == 200
    assert "Thank you" in answer.text
    assert stage.answers == {"helpful": "5", "liked": "The tone; you", "solved": "yes"}


async def test_what_a_form_without_script_posts_back_is_good(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    fields = Form((await client.get(stage.path())).text).fields
    body = httpx.QueryParams([*fields, *_GOOD.items()])
    answer = await client.post(
        stage.path(), content=str(body), headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert "Thank you" in answer.text
    assert stage.answers == _GOOD


async def test_a_second_submit_is_thanked_and_changes_nothing(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    await client.post(stage.path(), data=_GOOD)
    stage.now += timedelta(minutes=5)  # a link signed anew for the same chat
    answer = await client.post(stage.path(), data={**_GOOD, "helpful": "1", "comment": "changed"})
    assert (answer.status_code, "Thank you" in answer.text) == (200, True)
    assert stage.answers == _GOOD


async def test_faults_stand_beside_their_fields_and_nothing_typed_is_lost(
    client: httpx.AsyncClient, stage: SurveyStage
) -> None:
    typed = '</textarea><b>"quoted" & \nsecond line'
    fields = {"comment": typed, "topic": "other", "topic.other": "<i>mine</i>", "helpful": "2", "recommend": "10"}
    answer = await client.post(stage.path(), data=fields)
    assert answer.status_code == 422
    assert Form(answer.text).filled == fields
    assert '<a href="#q-solved-0">' in answer.text
    assert 'aria-describedby="q-solved-fault"' in answer.text
    assert re.search(r'id="q-solved-0"[^>]* autofocus', answer.text)
    assert answer.text.count("autofocus") == 1
    assert stage.outbox.messages == {}


async def test_a_line_end_typed_first_is_kept(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    answer = await client.post(stage.path(survey="words"), data={"t": "\n\nx", "odd": "1"})
    assert Form(answer.text).filled == {"t": "\n\nx"}


async def test_an_answer_that_no_longer_applies_can_be_taken_back(
    client: httpx.AsyncClient, stage: SurveyStage
) -> None:
    answer = await client.post(stage.path(), data={**_GOOD, "comment": "but why"})
    assert answer.status_code == 422
    assert Form(answer.text).filled["comment"] == "but why"
    assert "does not apply" in answer.text


async def test_without_storage_the_form_comes_back_filled(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    stage.outbox.down = True
    answer = await client.post(stage.path(), data={**_GOOD, "topic": "bill"})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert Form(answer.text).filled == {**_GOOD, "topic": "bill"}
    stage.outbox.down = False
    assert "Thank you" in (await client.post(stage.path(), data=Form(answer.text).filled)).text


async def test_pages_are_walked_without_script(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    path = stage.path(survey="paged")
    first = Form((await client.get(path)).text)
    assert first.filled == {"_page": "1"}
    assert (await client.post(path, data=first.filled)).status_code == 422
    second = Form((await client.post(path, data={**first.filled, "first": "no"})).text)
    assert second.filled == {"_page": "2", "first": "no"}
    third = Form((await client.post(path, data={**second.filled, "why": "slow"})).text)
    assert third.filled == {"_page": "3", "first": "no", "why": "slow"}
    back = Form((await client.post(path, data={**third.filled, "last": "bye", "_go": "back"})).text)
    assert back.filled == {"_page": "2", "first": "no", "why": "slow", "last": "bye"}
    assert "Thank you" in (await client.post(path, data={**third.filled, "last": "bye"})).text
    assert stage.answers == {"first": "no", "why": "slow", "last": "bye"}


async def test_a_page_with_nothing_to_ask_is_passed_over_and_what_was_left_behind_there_is_dropped(
    client: httpx.AsyncClient, stage: SurveyStage
) -> None:
    path = stage.path(survey="paged")
    third = Form((await client.post(path, data={"_page": "1", "first": "yes", "why": "left behind"})).text)
    assert third.filled == {"_page": "3", "first": "yes"}
    assert "Thank you" in (await client.post(path, data=third.filled)).text
    assert stage.answers == {"first": "yes"}


async def test_a_program_may_post_all_pages_at_once(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    answer = await client.post(stage.path(survey="paged"), data={"first": "yes", "last": "x"})
    assert "Thank you" in answer.text


@pytest.mark.parametrize(
    ("locale", "words"), [("de", "Wie waren wir?"), ("de-AT", "Wie waren wir?"), ("xx", "How did")]
)
async def test_the_page_speaks_the_language_asked_for(
    client: httpx.AsyncClient, stage: SurveyStage, locale: str, words: str
) -> None:
    assert words in (await client.get(f"{stage.path()}?locale={locale}")).text
    assert words in (await client.get(stage.path(), headers={"accept-language": f"{locale},en;q=0.5"})).text


async def test_a_text_in_another_language_than_the_page_says_so(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    page = (await client.get(f"{stage.path()}?locale=ar")).text
    assert '<html lang="ar" dir="rtl">' in page
    assert '<span class="asked" lang="en" dir="auto">What was it about?</span>' in page


@pytest.mark.parametrize("theme", ["../../etc/passwd", "x" * 10_000, "%00", "default", "bold"])
async def test_an_odd_theme_never_breaks_the_page(client: httpx.AsyncClient, stage: SurveyStage, theme: str) -> None:
    assert (await client.get(stage.path(), params={"theme": theme, "locale": theme})).status_code == 200


async def test_an_old_link_leads_to_a_page_that_says_so(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    path = stage.path()
    stage.now = NOW + timedelta(days=7)
    for answer in (await client.get(path), await client.post(path, data=_GOOD)):
        assert answer.status_code == 410
        assert "This survey is over" in answer.text
    assert stage.outbox.messages == {}


@pytest.mark.parametrize("token", ["x", "a.b", "%00", "x" * 60_000, "%FF.%FE", "eyJzIjoiMSJ9.AAAA"])
async def test_a_link_that_is_not_ours_gets_a_page_without_detail(
    client: httpx.AsyncClient, stage: SurveyStage, token: str
) -> None:
    for answer in (await client.get(f"/survey/{token}"), await client.post(f"/survey/{token}", data=_GOOD)):
        assert answer.status_code == 403
        assert "text/html" in answer.headers["content-type"]


async def test_a_link_signed_with_a_retired_key_ends(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    path = stage.path()
    stage.keys[:] = ["a-new-key-that-is-long-enough", *stage.keys]
    assert (await client.get(path)).status_code == 200
    stage.keys.pop()
    assert (await client.get(path)).status_code == 403


async def test_a_ticket_is_no_survey_link(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    assert (await client.get(f"/survey/{stage.ticket()}")).status_code == 403


_FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "text/plain",
        "application/json",
        "multipart/form-data; boundary=x",
        f"{_FORM}; charset=utf-16",
        f"{_FORM}; charset=iso-8859-1",
        f"{_FORM}x",
    ],
)
async def test_another_media_type_or_charset_is_refused_unread(
    client: httpx.AsyncClient, stage: SurveyStage, media_type: str
) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield b"helpful=5"

    headers = {"content-type": media_type} if media_type else {}
    request = client.build_request("POST", stage.path(), headers=headers, content=body())
    answer = await client.send(request)
    assert (answer.status_code, read) == (415, 0)


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", '; charset="UTF-8"', "; Charset=utf8"])
async def test_utf_8_is_taken_however_it_is_named(client: httpx.AsyncClient, stage: SurveyStage, charset: str) -> None:
    answer = await client.post(stage.path(), content="helpful=5&solved=yes", headers={"content-type": _FORM + charset})
    assert "Thank you" in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"&&&===", 422),
        (b"helpful=5&solved=yes&__proto__=x", 422),
        (b"helpful=5&helpful=4&solved=yes", 422),
        (b"helpful=\0&solved=yes", 422),
        (b"helpful=%00&solved=yes", 422),
        (b"helpful=%ff%fe&solved=%ed%a0%80", 422),
        (b"\xff\xfe\x00h", 422),
        ("helpful=5&solved=yes&recommend=٣".encode(), 422),
        (b"&".join(b"f%d=x" % n for n in range(10_000)), 413),
        (b"a" * (10 * 1024 * 1024), 413),
        (b"recommend=" + b"9" * 100_000, 413),
        (b"recommend=" + b"9" * 50_000, 422),
    ],
)
async def test_hostile_forms_are_refused(
    client: httpx.AsyncClient, stage: SurveyStage, body: bytes, status: int
) -> None:
    answer = await client.post(stage.path(), content=body, headers={"content-type": _FORM})
    assert answer.status_code == status
    assert stage.outbox.messages == {}


async def test_a_body_that_does_not_say_its_length_is_cut_off_at_the_limit(
    client: httpx.AsyncClient, stage: SurveyStage
) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 10_000
            yield b"x" * 10_000

    answer = await client.post(stage.path(), content=body(), headers={"content-type": _FORM})
    assert answer.status_code == 413
    assert sent < 1_000_000


async def test_the_longest_answer_in_the_widest_characters_fits(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    text = "\N{GRINNING FACE}" * 10_000
    assert "Thank you" in (await client.post(stage.path(survey="words"), data={"t": text})).text
    assert stage.answers == {"t": text}


async def test_one_character_too_many_comes_back_with_the_text(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    text = "\N{GRINNING FACE}" * 10_001
    answer = await client.post(stage.path(survey="words"), data={"t": text})
    assert answer.status_code == 422
    assert Form(answer.text).filled == {"t": text}


@pytest.mark.parametrize("text", _TEXTS.values(), ids=_TEXTS)
async def test_hazardous_texts_reach_ece_as_they_were_typed(
    client: httpx.AsyncClient, stage: SurveyStage, text: str
) -> None:
    path = stage.path(survey="words")
    answer = await client.post(path, data={"t": text})
    assert "Thank you" in answer.text
    (message,) = stage.outbox.messages.values()
    received = etree.fromstring(survey_xml(message, namespace=False)).findtext("survey/answer")
    assert received == clean(text)
    shown_again = await client.post(path, data={"t": text, "odd": "1"})
    assert Form(shown_again.text).filled == {"t": clean(text)}


@pytest.mark.parametrize("text", ["", " ", "\t\n\r", "\u3000\xa0\u2028"])
async def test_white_space_alone_is_no_answer(client: httpx.AsyncClient, stage: SurveyStage, text: str) -> None:
    assert (await client.post(stage.path(survey="words"), data={"t": text})).status_code == 422


async def test_a_post_that_another_site_made_is_refused(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    for foreign in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        answer = await client.post(stage.path(), data=_GOOD, headers=foreign)
        assert answer.status_code == 403
    for own in ({"origin": "null"}, {"origin": "https://chat.example.com"}):
        answer = await client.post(stage.path(), data=_GOOD, headers=own)
        assert answer.status_code == 200


async def test_the_end_of_a_chat_leads_to_its_survey(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    form = {"ticket": stage.ticket(locale="de-DE"), "sid": SID}
    answer = await client.post("/survey/start", data=form, headers={"origin": "https://ece.example.com"})
    assert answer.status_code == 303
    assert answer.headers["cache-control"] == "no-store"
    assert SID not in answer.headers["location"]
    survey = await client.get(answer.headers["location"])
    assert "Wie waren wir?" in survey.text
    assert "Vielen Dank" in (await client.post(answer.headers["location"], data=_GOOD)).text
    assert [message.sid for message in stage.outbox.messages.values()] == [SID]


async def test_the_same_chat_again_gets_the_same_survey_and_another_none(
    client: httpx.AsyncClient, stage: SurveyStage
) -> None:
    ticket = stage.ticket()
    statuses = [
        (await client.post("/survey/start", data={"ticket": ticket, "sid": sid})).status_code
        for sid in (SID, SID, SID + "x", SID)
    ]
    assert statuses == [303, 303, 409, 303]


async def test_a_chat_page_without_referrer_may_start_its_survey(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    form = {"ticket": stage.ticket(), "sid": SID}
    assert (await client.post("/survey/start", data=form, headers={"origin": "null"})).status_code == 303


@pytest.mark.parametrize(
    "origin", ["https://www.example.com", "http://ece.example.com", "https://ece.example.com.evil.example"]
)
async def test_a_survey_is_started_by_the_chats_own_page_alone(
    client: httpx.AsyncClient, stage: SurveyStage, origin: str
) -> None:
    form = {"ticket": stage.ticket(), "sid": SID}
    assert (await client.post("/survey/start", data=form, headers={"origin": origin})).status_code == 403
    assert stage.outbox.tickets == {}


@pytest.mark.parametrize("sid", ["", "x" * 257, "a\nb", "\0", " "])
async def test_an_odd_session_id_starts_no_survey(client: httpx.AsyncClient, stage: SurveyStage, sid: str) -> None:
    answer = await client.post("/survey/start", data={"ticket": stage.ticket(), "sid": sid})
    assert answer.status_code == 422


async def test_a_bad_ticket_starts_no_survey(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    survey_token = stage.path().rpartition("/")[2]
    for ticket in ("", "x", stage.ticket()[:-3], survey_token, "x" * 7000):
        assert (await client.post("/survey/start", data={"ticket": ticket, "sid": SID})).status_code == 403
    old = stage.ticket(lifetime=timedelta(hours=1))
    stage.now += timedelta(hours=2)
    assert (await client.post("/survey/start", data={"ticket": old, "sid": SID})).status_code == 410


async def test_starting_takes_a_post(client: httpx.AsyncClient) -> None:
    answer = await client.get("/survey/start")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "OPTIONS, POST"
    assert (await client.options("/survey/start")).headers["allow"] == "OPTIONS, POST"
    assert (await client.options("/survey/some-token")).headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_a_ticket_cannot_be_bound_without_storage(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    stage.outbox.down = True
    answer = await client.post("/survey/start", data={"ticket": stage.ticket(), "sid": SID})
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


async def test_after_a_failed_post_no_link_leads_to_an_address_that_takes_none(
    client: httpx.AsyncClient, stage: SurveyStage
) -> None:
    stage.outbox.down = True
    answer = await client.post("/survey/start", data={"ticket": stage.ticket(), "sid": SID})
    assert "<a " not in answer.text
    assert "Please try again in a few minutes. Reload this page to send it again." in answer.text


_OPERATOR = {"authorization": "Bearer operator-token-for-tests"}


async def test_an_operator_gets_a_link(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    answer = await client.post("/v1/survey-links", json={"sid": SID, "entryPoint": "sales"}, headers=_OPERATOR)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    link = answer.json()
    assert set(link) == {"url", "expiresAt"}
    assert link["expiresAt"] == "2026-12-01T08:00:00Z"
    assert link["url"].startswith("https://chat.example.com/survey/")
    assert (await client.get(link["url"])).status_code == 200


async def test_nobody_else_gets_one(client: httpx.AsyncClient) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "operator-token-for-tests"}):
        answer = await client.post("/v1/survey-links", json={"sid": SID, "entryPoint": "sales"}, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"null", 400),
        (b"[]", 400),
        (b"{", 400),
        (b"[" * 4000, 400),
        (b'{"sid": NaN}', 400),
        (b'{"sid": "1", "sid": "2", "entryPoint": "sales"}', 400),
        ('{"sid": "1"}'.encode("utf-16"), 400),
        (b'\xef\xbb\xbf{"sid": "1", "entryPoint": "sales"}', 400),
        (b'{"sid": ' + b"9" * 4000 + b"}", 422),
        (b'{"sid": "x", "entryPoint": "sales"' + b" " * 5000 + b"}", 413),
        (b"{}", 422),
        (b'{"sid": 1, "entryPoint": "sales"}', 422),
        (b'{"sid": "\\ud800", "entryPoint": "sales"}', 422),
        (b'{"sid": "1", "entryPoint": "sales", "more": 1}', 422),
        (b'{"sid": "1", "entryPoint": "nowhere"}', 404),
        (b'{"sid": "1", "entryPoint": "sales", "survey": "nothing"}', 404),
        (b'{"sid": "1", "entryPoint": "sales", "survey": ""}', 404),
        (b'{"sid": "1", "entryPoint": "sales", "survey": 5}', 422),
    ],
)
async def test_a_wrong_request_for_a_link_is_a_problem(client: httpx.AsyncClient, body: bytes, status: int) -> None:
    headers = {**_OPERATOR, "content-type": "application/json"}
    answer = await client.post("/v1/survey-links", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert answer.json()["code"]


async def test_what_became_of_tickets_and_posts_is_counted(client: httpx.AsyncClient, stage: SurveyStage) -> None:
    ticket = stage.ticket()
    for sid in (SID, SID + "x", ""):
        await client.post("/survey/start", data={"ticket": ticket, "sid": sid})
    for fields in (_GOOD, _GOOD, {"helpful": "9"}):
        await client.post(stage.path(), data=fields)
    stage.outbox.down = True
    await client.post(stage.path(), data=_GOOD)
    assert stage.counted == [
        *("taken_up", "ticket_taken", "invalid_sid"),
        *("accepted", "repeated", "faulty", "refused"),
    ]
