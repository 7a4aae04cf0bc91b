"""The form that leaves a message: what is taken, what is refused, and that nothing typed is lost on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.hazards import HAZARDS
from tests.web.conftest import Site
from tests.web.surveys.test_routes import Form
from widget.domain.outbox import Claim, ClaimedMessage, RowKind

pytestmark = pytest.mark.anyio
HERE = "/message/sales"
GOOD = {"name": "Ada", "email": "ada@example.com", "phone": "", "text": "Hello\nworld", "consent": "yes"}


@pytest.fixture
async def site(make_site: Callable[[], Site], table: dict[str, Any]) -> AsyncIterator[Site]:
    table["messages"] = {
        "fields": ["name", "email", "phone", "text"],
        "consent": {"en": "I agree to the privacy notice", "de": "Ich stimme zu"},
        "consent_link": "https://www.example.com/privacy",
    }
    table["smtp"] = {"url": "smtp://127.0.0.1:9", "from": "chat@example.com", "to": ["office@example.com"]}
    table.setdefault("limits", {"submits": "off"})
    site = make_site()
    await site.services.outbox.open()
    yield site
    await site.services.outbox.close()


async def opened(site: Site, path: str = HERE) -> dict[str, str]:
    """Open the form as a person would; return what it posts by itself."""
    page = await site.get(path)
    assert page.status_code == 200
    site.time.passed += 5
    site.time.wall += timedelta(seconds=5)
    return Form(page.text).filled


async def post(site: Site, fields: dict[str, str], path: str = HERE, **headers: str) -> Any:
    return await site.ask("POST", path, data=fields, headers={"Origin": "https://chat.example.com", **headers})


async def rows(site: Site) -> list[ClaimedMessage]:
    taken = await site.services.outbox.claim(
        Claim(limit=100, owner="t", now=site.time.now(), lease=timedelta(minutes=1), destination="smtp")
    )
    assert not taken.set_aside
    return taken.messages


async def test_a_message_is_thanked_for_once_it_is_a_row(site: Site) -> None:
    answer = await post(site, await opened(site) | GOOD, HERE + "?locale=de")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert "Ihre Nachricht ist bei uns angekommen" in answer.text
    (row,) = await rows(site)
    message = row.message
    assert (message.kind, message.entry_point, message.survey) == (RowKind.MESSAGE, "sales", "")
    assert message.sid == "ada@example.com"
    assert {each.question_id: each.answer for each in message.answers} == {
        "name": "Ada",
        "email": "ada@example.com",
        "text": "Hello\nworld",
        "consent": "yes",
        "language": "de",
    }
    assert next(each.question for each in message.answers if each.question_id == "consent") == "Ich stimme zu"


async def test_the_page_needs_no_script_and_may_stand_in_frames_of_allowed_sites(site: Site) -> None:
    page = await site.get(HERE)
    assert "<script" not in page.text
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors https://www.example.com" in policy
    assert "set-cookie" not in page.headers


WRONG: list[tuple[dict[str, str], str]] = [
    ({"text": " \n "}, "Please fill in this field."),
    ({"name": ""}, "Please fill in this field."),
    ({"email": "ada"}, "Please write a whole e-mail address"),
    ({"email": "ada@example.com, eve@example.com"}, "Please write a whole e-mail address"),
    ({"phone": "call me"}, "Please write a phone number"),
    ({"name": "Cheap pills https://pills.example"}, "without a web address"),
    ({"name": "www.pills.example"}, "without a web address"),
    ({"name": "Win at casino.com today"}, "without a web address"),
    ({"name": "Ada\r\nBcc: eve@example.com"}, "in one line"),
    ({"email": "ada@example.com\r\nBcc: eve@example.com"}, "in one line"),
    ({"text": "x" * 5001}, "It has 5,001 characters; there is room for 5,000."),
    ({"consent": ""}, "Please agree to this"),
]


async def test_a_fault_stands_beside_its_field_and_all_that_was_typed_is_kept(site: Site) -> None:
    for wrong, words in WRONG:
        sent = await opened(site) | GOOD | wrong
        answer = await post(site, sent)
        assert answer.status_code == 422, wrong
        assert answer.text.count(words) == 2, "in the list and beside the field"
        kept = Form(answer.text.replace('type="email"', 'type="text"').replace('type="tel"', 'type="text"')).filled
        expected = {name: " ".join(value.split()) for name, value in sent.items() if value.strip()}
        assert {name: " ".join(value.split()) for name, value in kept.items() if value.strip()} == expected
    assert await rows(site) == []


async def test_names_that_people_have_are_no_links(site: Site) -> None:
    for name in ("J.R. Smith", "Dr.Smith", "José María", "O'Neil", "渡辺 謙", "St. John", "A.B.C.", "Ada, Lady"):
        assert (await post(site, await opened(site) | GOOD | {"name": name})).status_code == 200, name


async def test_the_same_post_twice_is_one_message(site: Site, table: dict[str, Any]) -> None:
    sent = await opened(site) | GOOD
    answers = [await post(site, sent) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    changed = await post(site, sent | {"text": "Something else"})
    assert changed.status_code == 200
    assert len(await rows(site)) == 2


async def test_a_form_sent_sooner_than_a_person_types_comes_back_and_is_taken_later(site: Site) -> None:
    sent = Form((await site.get(HERE)).text).filled | GOOD
    early = await post(site, sent)
    assert early.status_code == 422
    assert "Hello\nworld" in early.text
    site.time.wall += timedelta(seconds=3)
    assert (await post(site, sent)).status_code == 200


async def test_a_clock_that_was_set_back_refuses_nobody(site: Site) -> None:
    sent = await opened(site) | GOOD
    site.time.wall -= timedelta(hours=2)
    assert (await post(site, sent)).status_code == 200


async def test_a_form_that_is_none_of_ours_comes_back_with_one_that_is(site: Site) -> None:
    expires = site.time.now() + timedelta(days=1)
    for token in ("", "forged", "eyJpIjoi.x", site.services.tokens.sign_form("other", expires=expires)):
        answer = await post(site, await opened(site) | GOOD | {"form": token})
        assert answer.status_code == 422
        site.time.wall += timedelta(seconds=3)
        assert (await post(site, Form(answer.text).filled | GOOD)).status_code == 200


async def test_a_form_that_is_a_day_old_comes_back_with_what_was_typed(site: Site) -> None:
    sent = await opened(site) | GOOD
    site.time.wall += timedelta(days=2)
    answer = await post(site, sent)
    assert answer.status_code == 422
    assert "Hello\nworld" in answer.text


async def test_a_filled_trap_is_refused_and_never_thanked(site: Site) -> None:
    answer = await post(site, await opened(site) | GOOD | {"website": "http://pills.example"})
    assert answer.status_code == 422
    assert "pills.example" not in answer.text
    assert await rows(site) == []


async def test_a_template_without_the_trap_still_works(make_site: Callable[[], Site], table: dict[str, Any]) -> None:
    folder = Path(table["themes"]["directory"]) / "default" / "message"
    folder.mkdir(parents=True)
    (folder / "form.html").write_text(
        '<form method="post"><input type="text" name="email"><textarea name="text"></textarea></form>'
    )
    table["messages"] = {"fields": ["text"], "required": []}
    table["smtp"] = {"url": "smtp://127.0.0.1:9", "from": "chat@example.com", "to": ["office@example.com"]}
    site = make_site()
    await site.services.outbox.open()
    answer = await post(site, await opened(site) | {"email": "ada@example.com", "text": "Hello"})
    assert answer.status_code == 200
    assert len(await rows(site)) == 1
    await site.services.outbox.close()


async def test_a_network_leaves_one_message_a_minute_and_keeps_what_it_typed(
    make_site: Callable[[], Site], table: dict[str, Any]
) -> None:
    table["messages"], table["limits"] = {}, {"submits": "30/minute"}
    table["smtp"] = {"url": "smtp://127.0.0.1:9", "from": "chat@example.com", "to": ["office@example.com"]}
    site = make_site()
    await site.services.outbox.open()
    first = await opened(site) | GOOD
    assert (await post(site, first)).status_code == 200
    assert (await post(site, first)).status_code == 200, "the same one again is no second message"
    second = await post(site, await opened(site) | GOOD | {"text": "A second thought"})
    assert second.status_code == 429
    assert 0 < int(second.headers["retry-after"]) <= 60
    assert "A second thought" in second.text
    assert len(await rows(site)) == 1
    assert site.services.tally.messages == {
        ("sales", "accepted"): 1,
        ("sales", "repeated"): 1,
        ("sales", "limited"): 1,
    }
    await site.services.outbox.close()


async def test_without_storage_nobody_is_thanked_and_nothing_typed_is_lost(site: Site) -> None:
    sent = await opened(site) | GOOD
    await site.services.outbox.close()
    answer = await post(site, sent)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Hello\nworld" in answer.text
    assert 'value="ada@example.com"' in answer.text


async def test_another_site_can_send_no_message(site: Site) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert (await post(site, await opened(site) | GOOD, **headers)).status_code == 403


async def test_entry_points_that_are_not_there_have_no_form(site: Site) -> None:
    assert (await site.get("/message/nobody")).status_code == 404


async def test_without_the_section_there_is_no_form(make_site: Callable[[], Site]) -> None:
    assert (await make_site().get(HERE)).status_code == 404


async def test_the_answer_does_not_tell_whether_an_address_exists(site: Site) -> None:
    pages = set()
    for address in ("office@example.com", "nobody-at-all@no-such-host.invalid"):
        answer = await post(site, await opened(site) | GOOD | {"email": address})
        pages.add((answer.status_code, answer.text))
    assert len(pages) == 1


async def test_whatever_is_typed_is_taken_or_refused_in_words(site: Site) -> None:
    sent = await opened(site) | GOOD
    for hazard, text in HAZARDS.items():
        for field in ("name", "email", "phone", "text", "consent", "form", "website", "other"):
            answer = await post(site, sent | {field: text.encode("utf-8", "replace").decode()})
            assert answer.status_code in (200, 422), (field, hazard)
    assert await rows(site), "and each row can be read"


async def test_a_failing_outbox_gives_the_turn_back(make_site: Callable[[], Site], table: dict[str, Any]) -> None:
    table["messages"], table["limits"] = {}, {"submits": "30/minute"}
    table["smtp"] = {"url": "smtp://127.0.0.1:9", "from": "chat@example.com", "to": ["office@example.com"]}
    site = make_site()
    sent = await opened(site) | GOOD
    assert (await post(site, sent)).status_code == 503
    await site.services.outbox.open()
    assert (await post(site, sent)).status_code == 200
    await site.services.outbox.close()
