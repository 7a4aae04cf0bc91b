"""Nobody gets into the console who has no token, and nothing is taken that another site's page sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.web.conftest import Site
from tests.web.console.conftest import TOKEN, Browser, opened
from widget.domain.grants import Session
from widget.tokens import Tokens

pytestmark = pytest.mark.anyio

PAGES = (
    "/console/now",
    "/console/history",
    "/console/close/sales",
    "/console/reopen/sales",
    "/console/day/sales",
    "/console/outbox",
    "/console/outbox/retry",
)
COOKIE = "__Host-ece-console"


def forged(browser: Browser, value: str) -> Browser:
    other = Browser(browser.site)
    other.cookies.set(COOKIE, value, domain="chat.example.com", path="/")
    return other


async def test_without_the_setting_there_is_no_console(site: Site) -> None:
    for method, path in (("GET", "/console"), ("POST", "/console"), ("GET", "/console/now")):
        assert (await site.ask(method, path)).status_code == 404


async def test_a_stranger_sees_the_sign_in_form_and_nothing_else(browser: Browser) -> None:
    for path in PAGES:
        answer = await browser.get(path)
        assert answer.status_code == 401
        assert 'name="token"' in answer.text
        assert "sales" not in answer.text


async def test_an_operator_token_opens_a_session(browser: Browser) -> None:
    answer = await browser.sign_in(name="Anna")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/now")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {each.strip().lower() for each in cookie.split(";")[1:]} == {
        "httponly",
        "max-age=43200",
        "path=/",
        "samesite=strict",
        "secure",
    }
    page = await browser.get("/console/now")
    assert page.status_code == 200
    assert "sales" in page.text
    assert "Anna (token 1)" in page.text
    assert TOKEN not in page.text
    assert (await browser.get("/console")).headers["location"] == "/console/now"


@pytest.mark.parametrize(
    "asked", ["/console/outbox?state=dead", "/console/close/sales", "/console/history?day=2026-11-17"]
)
async def test_a_person_who_signs_in_goes_on_to_the_page_that_was_asked_for(browser: Browser, asked: str) -> None:
    form = await browser.get(asked)  # the browser names the page where it stands
    assert form.headers["referrer-policy"] == "same-origin"
    there = {"referer": f"https://chat.example.com{asked}"}
    answer = await browser.post("/console", {"token": TOKEN}, headers=there)
    assert (answer.status_code, answer.headers["location"]) == (303, asked)


@pytest.mark.parametrize(
    "referer",
    [
        "",
        "https://chat.example.com/console",
        "https://chat.example.com/console/sign-out",
        "https://chat.example.com/console/results.csv?survey=a",
        "https://chat.example.com/v1/chat/sales",
        "https://chat.example.com//evil.example/console/",
        "javascript:alert(1)//console/",
        "http://[",
    ],
)
async def test_nothing_else_leads_on_from_a_sign_in(browser: Browser, referer: str) -> None:
    answer = await browser.post("/console", {"token": TOKEN}, headers={"referer": referer})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/now")


async def test_over_plain_http_the_cookie_is_sent_too(table: dict[str, Any], make_site: Callable[[], Site]) -> None:
    table["console"] = {"enabled": True}
    table["server"]["public_url"] = "http://chat.example.com"
    answer = await Browser(make_site()).ask("POST", "/console", data={"token": TOKEN})
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("ece-console=")
    assert "secure" not in cookie
    assert "samesite=strict" in cookie


async def test_a_wrong_token_opens_nothing_and_is_answered_late(browser: Browser) -> None:
    wrong = ("", " ", "operator-token-for-test", TOKEN.upper(), "x" * 5000, "\0", "ü" * 20)
    for token in wrong:
        answer = await browser.sign_in(token)
        assert answer.status_code == 401, token
        assert "set-cookie" not in answer.headers
    assert browser.site.time.slept == [1.0] * len(wrong)


async def test_one_who_guesses_is_stopped_and_others_are_not(
    table: dict[str, Any], make_site: Callable[[], Site]
) -> None:
    table |= {"console": {"enabled": True}, "limits": {"tokens": "5/minute"}}
    site = make_site()
    guesser, other = Browser(site, "203.0.113.9"), Browser(site, "198.51.100.7")
    statuses = [(await guesser.sign_in(f"guess-{number}")).status_code for number in range(8)]
    assert statuses == [401] * 5 + [429] * 3
    assert (await guesser.sign_in()).status_code == 429
    assert (await other.sign_in()).status_code == 303
    assert len(site.time.slept) == 5


async def test_two_sessions_are_never_alike(browser: Browser) -> None:
    await browser.sign_in()
    first = browser.cookies[COOKIE]
    await browser.sign_in()
    verify = browser.site.services.tokens.verify_session
    ids = {verify(value).id for value in (first, browser.cookies[COOKIE])}
    assert len(ids) == 2
    assert all(len(each) >= 22 for each in ids)  # 128 bits in base64


async def test_every_page_has_a_way_out(browser: Browser) -> None:
    await browser.sign_in()
    for path in PAGES:
        assert 'action="/console/sign-out"' in (await browser.get(path)).text


async def test_a_session_ends_after_twelve_hours(browser: Browser) -> None:
    await browser.sign_in()
    browser.site.time.passes(hours=11, minutes=59)
    assert (await browser.get("/console/now")).status_code == 200
    browser.site.time.passes(minutes=2)
    assert (await browser.get("/console/now")).status_code == 401


async def test_a_session_ends_with_its_token(
    browser: Browser, table: dict[str, Any], make_site: Callable[[], Site]
) -> None:
    await browser.sign_in()
    kept = browser.cookies[COOKIE]
    table["security"]["operator_tokens"] = ["another-operator-token", TOKEN]
    assert (await forged(Browser(make_site()), kept).get("/console/now")).status_code == 200
    table["security"]["operator_tokens"] = ["another-operator-token"]
    assert (await forged(Browser(make_site()), kept).get("/console/now")).status_code == 401


async def test_a_cookie_kept_from_before_the_sign_out_is_worth_nothing_in_any_process(
    browser: Browser, make_site: Callable[[], Site]
) -> None:
    await browser.sign_in()
    kept = browser.cookies[COOKIE]
    answer = await browser.post("/console/sign-out", {"form_token": await browser.form_token()})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert COOKIE not in browser.cookies
    assert (await forged(browser, kept).get("/console/now")).status_code == 401
    other_process = make_site()
    async with opened(other_process):
        assert (await forged(Browser(other_process), kept).get("/console/now")).status_code == 401


async def test_a_session_that_we_did_not_sign_is_none(browser: Browser) -> None:
    await browser.sign_in()
    mine = browser.cookies[COOKIE]
    expires = browser.site.time.now() + timedelta(hours=1)
    strangers = Tokens(["the-secret-of-somebody-else-0123456789"], browser.site.time.now)
    ours = browser.site.services.tokens
    for value in (
        mine[:-4] + "AAAA",
        mine.rpartition(".")[2],
        strangers.sign_session(Session("i", "root", "p", expires)),
        ours.sign_session(Session("i", "root", "proof of no token", expires)),
        ours.sign_ticket("sales", expires=expires),
        ours.sign_form("session i", expires=expires),
        "",
        "." * 3000,
    ):
        assert (await forged(browser, value).get("/console/now")).status_code == 401, value
    odd = {"cookie": f"{COOKIE}=\xff".encode("latin-1")}
    assert (await Browser(browser.site).ask("GET", "/console/now", headers=odd)).status_code == 401


FROM_ELSEWHERE = (
    {"sec-fetch-site": "cross-site", "origin": "https://evil.example.com"},
    {"sec-fetch-site": "same-site", "origin": "https://shop.example.com"},
    {"sec-fetch-site": "cross-site", "origin": "null"},
    {"sec-fetch-site": "none"},
    {"origin": "https://evil.example.com"},
    {"origin": "null"},
    {"origin": "http://chat.example.com.evil.example"},
)


async def test_nothing_is_taken_that_another_sites_page_sent(browser: Browser) -> None:
    await browser.sign_in()
    fields = {"form_token": await browser.form_token()}
    for headers in FROM_ELSEWHERE:
        stranger = Browser(browser.site)
        assert (await stranger.ask("POST", "/console", data={"token": TOKEN}, headers=headers)).status_code == 403
        answer = await browser.ask("POST", "/console/sign-out", data=fields, headers=headers)
        assert answer.status_code == 403, headers
    assert (await browser.get("/console/now")).status_code == 200


async def test_a_form_without_the_value_of_this_session_changes_nothing(browser: Browser) -> None:
    other = Browser(browser.site)
    await other.sign_in()
    await browser.sign_in()
    for value in ("", "x", await other.form_token()):
        assert (await browser.post("/console/sign-out", {"form_token": value})).status_code == 403
    assert (await browser.post("/console/sign-out", {"other": "x"})).status_code == 403
    assert (await browser.get("/console/now")).status_code == 200


async def test_a_form_from_before_a_new_sign_in_says_so_and_leads_to_a_fresh_one(browser: Browser) -> None:
    await browser.sign_in()
    stale = await browser.form_token("/console/close/sales")
    await browser.sign_in()
    answer = await browser.post("/console/close/sales", {"form_token": stale, "end": "reopened"})
    assert answer.status_code == 403
    assert "You signed in again after this page was opened." in answer.text
    assert 'href="/console/close/sales"' in answer.text
    assert 'aria-current="page"' in answer.text  # a page of the console, not one for visitors
    fresh = await browser.form_token("/console/close/sales")
    again = await browser.post("/console/close/sales", {"form_token": fresh, "end": "reopened"})
    assert again.status_code == 303


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/console/outbox/999999", "There is no such row in the outbox."),
        ("/console/outbox/999999/retry", "There is no such row in the outbox."),
        ("/console/close/renamed", "The settings have no entry point of this name."),
        ("/console/day/renamed", "The settings have no entry point of this name."),
    ],
)
async def test_what_is_gone_is_said_on_a_page_of_the_console(browser: Browser, path: str, said: str) -> None:
    await browser.sign_in()
    answer = await browser.get(path)
    assert answer.status_code == 404
    assert said in answer.text
    assert 'href="/console/now"' in answer.text


async def test_a_person_at_another_address_of_this_server_learns_the_right_one(browser: Browser) -> None:
    other = {"origin": "https://internal.example.com", "sec-fetch-site": "same-origin"}
    answer = await browser.ask("POST", "/console", data={"token": TOKEN}, headers=other)
    assert answer.status_code == 403
    assert "knows them as https://chat.example.com" in answer.text
    await browser.sign_in()
    sent = {"form_token": await browser.form_token(), "end": "reopened"}
    answer = await browser.ask("POST", "/console/close/sales", data=sent, headers=other)
    assert answer.status_code == 403
    assert "knows them as https://chat.example.com" in answer.text


async def test_over_plain_http_a_session_that_no_browser_would_keep_is_not_begun(browser: Browser) -> None:
    plain = {"host": "chat.example.com", "origin": "http://chat.example.com"}
    base = {"headers": plain, "data": {"token": TOKEN}}
    answer = await browser.ask("POST", "http://chat.example.com/console", **base)
    assert answer.status_code == 403
    assert "Open the console at https://chat.example.com/console" in answer.text
    assert "set-cookie" not in answer.headers
    odd = await browser.ask(
        "POST", "http://chat.example.com/console", data={"token": TOKEN}, headers={"origin": "http://["}
    )
    assert odd.status_code == 403


async def test_a_reload_does_not_sign_out(browser: Browser) -> None:
    await browser.sign_in()
    assert (await browser.get("/console/sign-out")).status_code == 405


async def test_a_proxy_of_ours_names_who_is_signed_in_and_nobody_else_can(
    table: dict[str, Any], make_site: Callable[[], Site]
) -> None:
    table["console"] = {"enabled": True, "user_header": "X-Remote-User"}
    table["security"]["operator_tokens"] = []
    table["server"]["trusted_proxies"] = ["10.0.0.0/8"]
    site = make_site()
    named = {"x-remote-user": "anna@example.com"}
    by_proxy = Browser(site, "10.1.2.3", named)
    page = await by_proxy.get("/console/now")
    assert page.status_code == 200
    assert "anna@example.com" in page.text
    assert "Sign out" not in page.text
    assert (await Browser(site, "198.51.100.7", named).get("/console/now")).status_code == 401
    behind = {**named, "x-forwarded-for": "10.1.2.3"}
    assert (await Browser(site, "198.51.100.7", behind).get("/console/now")).status_code == 401
    for name in ("", " ", "x" * 300, "a\tb"):
        assert (await Browser(site, "10.1.2.3", {"x-remote-user": name}).get("/console/now")).status_code == 401
    front = await Browser(site, "198.51.100.7").get("/console")
    assert 'name="token"' not in front.text
    assert (await Browser(site, "10.1.2.3").sign_in()).status_code == 401


async def test_who_calls_themselves_markup_stays_text(browser: Browser) -> None:
    await browser.sign_in(name='<script>alert(1)</script>"\n')
    page = (await browser.get("/console/now")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


async def test_no_page_of_the_console_runs_frames_or_keeps_anything(browser: Browser) -> None:
    await browser.sign_in()
    for path in ("/console", *PAGES):
        answer = await browser.get(path)
        headers = answer.headers
        assert headers["cache-control"] == "no-store"
        if answer.status_code == 200:
            policy = headers["content-security-policy"]
            assert "noindex" in headers["x-robots-tag"]
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert "style=" not in answer.text
            assert "onclick" not in answer.text
