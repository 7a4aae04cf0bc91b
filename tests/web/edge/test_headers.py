"""The headers of every kind of address, CORS, the Host that is asked for, and whose address counts as the client's."""

from __future__ import annotations

import io
import json
from typing import Any

import httpx
import pytest

from tests.web.conftest import Site
from widget import settings
from widget.web.addresses import ADDRESSES, FramedBy, Kind, find
from widget.web.edge.context import TrustedProxies
from widget.web.edge.headers import EdgeHeaders

pytestmark = pytest.mark.anyio

PUBLIC = "/v1/status/sales"
SAMPLES = {
    PUBLIC: Kind.PUBLIC,
    "/v1/launcher/sales": Kind.PUBLIC,
    "/v1/status/nobody": Kind.PUBLIC,
    "/v1/chat/nobody": Kind.PAGE,
    "/survey/no-token": Kind.PAGE,
    "/preview": Kind.OPERATOR,
    "/v1/survey-links": Kind.OPERATOR,
    "/metrics": Kind.OPERATOR,
    "/openapi.json": Kind.OPERATOR,
    "/healthz": Kind.PRIVATE,
    "/readyz": Kind.PRIVATE,
    "/nowhere": Kind.PRIVATE,
}


def policy(answer: httpx.Response) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";"))
    return {name: value for name, _, value in parts}


async def test_every_answer_has_the_headers_that_all_have(site: Site) -> None:
    for path, kind in SAMPLES.items():
        answer = await site.get(path)
        assert find(path).kind is kind
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert policy(answer)["default-src"] == "'none'"
        assert "frame-ancestors" in policy(answer)
        assert "set-cookie" not in answer.headers
        assert "server" not in answer.headers
        assert len(answer.headers.get_list("cache-control")) == 1


async def test_cors_is_a_plain_star_on_public_answers_and_nothing_elsewhere(site: Site) -> None:
    for path, kind in SAMPLES.items():
        answer = await site.get(path, headers={"origin": "https://evil.example"})
        public = kind is Kind.PUBLIC
        assert answer.headers.get("access-control-allow-origin") == ("*" if public else None)
        assert answer.headers["cross-origin-resource-policy"] == ("cross-origin" if public else "same-origin")
        assert "access-control-allow-credentials" not in answer.headers
        assert "origin" not in answer.headers.get("vary", "").lower()


async def test_the_opener_policy_is_on_survey_preview_and_operator_addresses_only(site: Site) -> None:
    for path, kind in SAMPLES.items():
        answer = await site.get(path)
        alone = path.startswith("/survey/") or kind is Kind.OPERATOR
        expected = "same-origin" if alone else None
        assert answer.headers.get("cross-origin-opener-policy") == expected


@pytest.mark.parametrize(
    ("origins", "ancestors"),
    [
        (["https://www.example.com", "https://shop.example.com"], "https://www.example.com https://shop.example.com"),
        ([], "'none'"),
        (["*"], "*"),
        (["https://www.example.com", "*"], "*"),
    ],
)
async def test_allowed_origins_may_frame_chat_and_survey_pages_and_nothing_else(
    table: dict[str, Any], make_site: Any, origins: list[str], ancestors: str
) -> None:
    table["server"]["allowed_origins"] = origins
    site = make_site()
    for path, kind in SAMPLES.items():
        expected = ancestors if kind is Kind.PAGE else "'self'" if path == "/preview" else "'none'"
        assert (expected == "'self'") is (find(path).framed_by is FramedBy.ITSELF)
        assert policy(await site.get(path))["frame-ancestors"] == expected, path


async def test_a_page_with_script_has_a_nonce_of_its_own_each_time(site: Site) -> None:
    first, second = [policy(await site.get("/survey/no-token"))["script-src"] for _ in range(2)]
    assert first.startswith("'nonce-")
    assert first.endswith("' 'strict-dynamic'")
    assert first != second


async def test_the_chat_page_runs_no_script(site: Site) -> None:
    assert policy(await site.get("/v1/chat/nobody"))["script-src"] == "'none'"


async def test_pages_have_a_permissions_policy_and_are_never_stored(site: Site) -> None:
    answer = await site.get("/survey/no-token")
    assert "camera=()" in answer.headers["permissions-policy"]
    assert "no-store" in answer.headers["cache-control"]


async def test_no_strict_transport_where_the_public_url_is_plain_http(table: dict[str, Any], make_site: Any) -> None:
    table["server"]["public_url"] = "http://chat.example.com"
    answer = await make_site().get("/healthz")
    assert "strict-transport-security" not in answer.headers
    assert "upgrade-insecure-requests" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", [PUBLIC, "/v1/launcher/sales"])
async def test_a_preflight_of_a_public_answer_is_allowed_for_reading(site: Site, path: str) -> None:
    asked = {"origin": "https://www.example.com", "access-control-request-method": "GET"}
    answer = await site.ask("OPTIONS", path, headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_a_preflight_of_anything_else_allows_nothing(site: Site) -> None:
    asked = {"origin": "https://www.example.com", "access-control-request-method": "POST"}
    for path in ("/survey/start", "/survey/x", "/v1/survey-links", "/preview", "/metrics", "/v1/chat/sales"):
        answer = await site.ask("OPTIONS", path, headers=asked)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_the_ready_answer_has_the_headers_of_the_first_one(site: Site) -> None:
    first, ready = [await site.get(PUBLIC) for _ in range(2)]
    assert dict(first.headers) == dict(ready.headers)
    assert site.services.edge.public_answer_headers()


HOSTS = {
    "chat.example.com": 404,
    "CHAT.example.com": 404,
    "chat.example.com:443": 404,
    "chat.example.com:80": 421,
    "chat.example.com.": 421,
    "evil.example": 421,
    "localhost": 421,
    "": 421,
}


async def test_only_the_host_of_public_url_is_answered(site: Site) -> None:
    for host, status in HOSTS.items():
        answer = await site.get("/nowhere", headers={"host": host})
        assert answer.status_code == status, host


async def test_a_misdirected_request_is_told_both_hosts_and_so_is_the_log(site: Site, log_lines: io.StringIO) -> None:
    answer = await site.get("/openapi.json", headers={"host": "internal-7.example:8000"})
    assert answer.status_code == 421
    line = next(line for line in log_lines.getvalue().splitlines() if "misdirected_request" in line)
    for text in (answer.json()["detail"], line):
        assert "internal-7.example:8000" in text
        assert "chat.example.com" in text
    assert "server.public_url" in answer.json()["detail"]
    odd = await site.get("/openapi.json", headers={"host": "<svg>/x"})
    assert "svg" not in odd.text


@pytest.mark.parametrize(
    ("peer", "forwarded", "setting"),
    [
        ("198.51.100.7", {"x-forwarded-host": "chat.example.com"}, "server.trusted_proxies"),
        ("198.51.100.7", {"x-forwarded-host": "CHAT.example.com:443, inner.example"}, "server.trusted_proxies"),
        ("198.51.100.7", {"x-forwarded-host": "other.example"}, "server.public_url"),
        ("198.51.100.7", {}, "server.public_url"),
        ("127.0.0.1", {"x-forwarded-host": "other.example"}, "server.public_url"),
    ],
)
async def test_a_misdirected_request_names_the_setting_that_decides_it(
    site: Site, log_lines: io.StringIO, peer: str, forwarded: dict[str, str], setting: str
) -> None:
    transport = httpx.ASGITransport(site.app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="https://upstream-1") as proxy:
        answer = await proxy.get("/openapi.json", headers=forwarded)
    line = next(line for line in log_lines.getvalue().splitlines() if "misdirected_request" in line)
    assert json.loads(line)["setting"] == setting
    assert setting in answer.json()["detail"]
    assert ("server.trusted_proxies" in answer.json()["detail"]) == (setting == "server.trusted_proxies")


@pytest.mark.parametrize("path", [each.pattern for each in ADDRESSES if each.kind is Kind.PUBLIC])
async def test_a_public_answer_is_the_same_whatever_host_a_proxy_asks_for(site: Site, path: str) -> None:
    path = path.format(entry_point="sales", fingerprint="0")
    usual = await site.get(path)
    rewritten = await site.get(path, headers={"host": "10.1.2.3:8000"})
    assert (rewritten.status_code, dict(rewritten.headers)) == (usual.status_code, dict(usual.headers))
    assert (await site.get("/v1/chat/sales", headers={"host": "10.1.2.3:8000"})).status_code == 303


@pytest.mark.parametrize(
    ("peer", "sent", "status"),
    [
        ("127.0.0.1", ["chat.example.com"], 200),
        ("127.0.0.1", ["chat.example.com, inner.example"], 200),
        ("127.0.0.1", ["chat.example.com", "inner.example"], 200),
        ("127.0.0.1", ["evil.example", "chat.example.com"], 421),
        ("127.0.0.1", ["evil.example"], 421),
        ("198.51.100.7", ["chat.example.com"], 421),
    ],
)
async def test_a_proxy_of_ours_may_say_which_host_was_asked_for(
    site: Site, peer: str, sent: list[str], status: int
) -> None:
    transport = httpx.ASGITransport(site.app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="https://upstream-1") as proxy:
        answer = await proxy.get("/openapi.json", headers=[("x-forwarded-host", each) for each in sent])
    assert answer.status_code == status


async def test_orchestrators_and_scrapers_may_ask_by_address(site: Site) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await site.get(path, headers={"host": "10.1.2.3:8000"})).status_code != 421


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
async def test_on_loopback_itself_a_loopback_name_will_do(site: Site, peer: str) -> None:
    transport = httpx.ASGITransport(site.app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as local:
        assert (await local.get("/nowhere")).status_code == 404


async def test_no_address_is_built_from_what_was_sent(site: Site) -> None:
    sent = {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "gopher"}
    for path in (*SAMPLES, "/v1/chat/sales?next=//evil.example", "//evil.example/%2e%2e", "/survey/"):
        answer = await site.get(path, headers=sent)
        assert "//evil.example" not in answer.text
        assert "evil.example" not in str(answer.headers)


def test_the_spellings_of_the_host_follow_the_public_url(table: dict[str, Any]) -> None:
    table["server"]["public_url"] = "http://[::1]:8000"
    assert EdgeHeaders(settings.parse(table).server).hosts == {b"[::1]:8000"}
    table["server"]["public_url"] = "http://chat.example.com:80"
    assert EdgeHeaders(settings.parse(table).server).hosts == {b"chat.example.com", b"chat.example.com:80"}


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.2.3.4, 203.0.113.9, 10.0.0.5", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", "unknown, 10.0.0.5", "10.0.0.5"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "'; drop", "127.0.0.1"),
    ],
)
def test_the_client_is_the_rightmost_hop_that_is_no_proxy_of_ours(peer: str, forwarded: str, client: str) -> None:
    proxies = TrustedProxies(["127.0.0.1/32", "10.0.0.0/8"])
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    assert proxies.client({"client": (peer, 1), "headers": headers}) == client


def test_a_chain_of_ten_thousand_hops_is_read_from_its_end_only() -> None:
    headers = [(b"x-forwarded-for", b"10.0.0.1, " * 10_000 + b"10.0.0.2")]
    assert TrustedProxies(["127.0.0.1/32", "10.0.0.0/8"]).client({"client": ("127.0.0.1", 1), "headers": headers})
