"""Every fault has one of two shapes: problem+json with a stable code and a request id, or a page.

The JSON has exactly the members `type`, `title`, `status`, `detail`, `code`, `requestId`; `status` is the response's.
Checked on every route of the product, by walking its route list with methods and names that no route takes.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.web.conftest import Site
from widget.domain.errors import OutboxUnavailable, TicketTaken, TokenExpired, TokenInvalid
from widget.web.addresses import find
from widget.web.edge.errors import CatchAll, Errors, Problem, is_page, problem_of

pytestmark = pytest.mark.anyio

MEMBERS = {"type", "title", "status", "detail", "code", "requestId"}
PAGES = ("/v1/chat", "/survey", "/message", "/preview", "/console")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")


@pytest.fixture
def site(table: dict[str, Any], make_site: Callable[[], Site]) -> Site:
    """The product with everything that has addresses."""
    table["console"] = {"enabled": True}
    return make_site()


def check_shape(answer: httpx.Response, path: str) -> None:
    kind = answer.headers["content-type"]
    if path.startswith(PAGES) and not path.endswith(".js"):
        assert kind == "text/html; charset=utf-8", path
        return
    assert kind == "application/problem+json", path
    problem = json.loads(answer.content)
    assert set(problem) == MEMBERS
    assert problem["status"] == answer.status_code
    assert re.fullmatch(r"[a-z_]+", problem["code"])
    assert problem["requestId"]


def _routes(site: Site) -> list[Route]:
    app: Any = site.app
    while not isinstance(app, Starlette):
        app = app._app
    return [route for route in app.routes if isinstance(route, Route)]


def _some_path(route: Route, value: str) -> str:
    return re.sub(r"\{[^}]*\}", value, route.path)


async def test_every_route_answers_methods_it_does_not_take_in_the_one_shape(site: Site) -> None:
    for route in _routes(site):
        path = _some_path(route, "nothing-here")
        for method in METHODS:
            answer = await site.ask(method, path)
            assert answer.status_code != 500, (method, path)
            if method == "OPTIONS":
                assert answer.status_code == 204, path
                assert "OPTIONS" in answer.headers["allow"]
            elif answer.status_code == 405:
                assert set(route.methods or ()) <= set(answer.headers["allow"].split(", "))
            if answer.status_code >= 400 and method != "HEAD" and path != "/readyz":
                check_shape(answer, path)


@pytest.mark.parametrize(
    "value", ["nothing-here", "9" * 5000, "%00", "..%2f..%2fetc", "%ff%fe", "a%0d%0ab", "'\"<svg>"]
)
async def test_every_route_answers_odd_names_in_the_one_shape(site: Site, value: str) -> None:
    for route in _routes(site):
        if "{" not in route.path:
            continue
        path = _some_path(route, value)
        answer = await site.get(path)
        assert answer.status_code in (400, 401, 403, 404, 405), path
        check_shape(answer, path)
        assert "<svg>" not in answer.text


async def test_an_unknown_name_has_its_code_and_may_be_cached_a_minute(site: Site) -> None:
    answer = await site.get("/v1/status/nobody")
    assert answer.status_code == 404
    assert answer.json()["code"] == "unknown_entry_point"
    assert answer.headers["cache-control"] == "max-age=60"
    assert not site.ece.asked


@pytest.mark.parametrize(
    ("accept", "kind"),
    [("text/html,application/xhtml+xml", "text/html; charset=utf-8"), ("*/*", "application/problem+json")],
)
async def test_an_unknown_address_answers_by_accept(site: Site, accept: str, kind: str) -> None:
    answer = await site.get("/nowhere", headers={"accept": accept})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == kind


async def test_an_announced_body_that_is_too_large_is_a_413_in_the_one_shape(site: Site) -> None:
    answer = await site.ask("POST", "/v1/survey-links", content=b"x" * 100_000)
    assert answer.status_code == 413
    check_shape(answer, "/v1/survey-links")


async def test_the_request_id_of_a_trusted_proxy_is_kept_and_others_are_not(site: Site) -> None:
    sent = "0123456789abcdef0123456789abcdef"
    from_outside = await site.get("/v1/status/nobody", headers={"x-request-id": sent})
    assert from_outside.json()["requestId"] != sent
    transport = httpx.ASGITransport(site.app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="https://chat.example.com") as proxy:
        kept = await proxy.get("/v1/status/nobody", headers={"x-request-id": sent})
        odd = await proxy.get("/v1/status/nobody", headers={"x-request-id": "a\x1b[31m b"})
    assert kept.json()["requestId"] == sent
    assert re.fullmatch(r"[0-9a-f]{20}", odd.json()["requestId"])


def _broken_app(error: Exception, *, page: str = "<p>page</p>") -> ASGIApp:
    def error_page(
        *, status: int, code: str, request_id: str, entry_point: str, language: str | None, posted: bool
    ) -> str:
        if not page:
            raise RuntimeError("a broken template")
        return page

    async def fails(_: object) -> None:
        raise error

    errors = Errors(error_page)
    routes = [Route("/v1/x", fails), Route("/survey/x", fails)]
    return Starlette(
        routes=routes, middleware=[Middleware(CatchAll, errors=errors)], exception_handlers=errors.handlers()
    )


async def _ask(app: ASGIApp, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://chat.example.com") as client:
        return await client.get(path)


async def test_what_nobody_foresaw_is_a_500_that_tells_nothing(log_lines: io.StringIO) -> None:
    app = CatchAll(_failing_asgi, Errors(_plain_page))
    answer = await _ask(app, "/v1/x")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "canary" not in answer.text + log_lines.getvalue()
    assert answer.json()["requestId"] in log_lines.getvalue()


async def _failing_asgi(scope: Any, receive: Any, send: Any) -> None:
    raise KeyError("canary")


def _plain_page(
    *, status: int, code: str, request_id: str, entry_point: str, language: str | None, posted: bool
) -> str:
    return f"<p>{status} {code} {language}</p>"


async def test_a_broken_error_page_is_replaced_by_a_plain_one() -> None:
    answer = await _ask(_broken_app(Problem(404), page=""), "/survey/x")
    assert answer.status_code == 404
    assert "Please try again" in answer.text


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OutboxUnavailable(), 503, "storage_unavailable"),
        (TokenExpired(), 410, "token_expired"),
        (TokenInvalid(), 403, "token_invalid"),
        (TicketTaken(), 409, "ticket_taken"),
        (ValueError("canary"), 500, "internal_error"),
    ],
)
def test_domain_errors_have_their_status_and_code(error: Exception, status: int, code: str) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.code) == (status, code)
    assert "canary" not in problem.detail


async def test_storage_that_is_down_says_when_to_come_again() -> None:
    answer = await _ask(_broken_app(OutboxUnavailable()), "/v1/x")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


def test_pages_are_the_addresses_that_a_person_opens() -> None:
    assert is_page(find("/v1/chat/sales"), "")
    assert is_page(find("/survey/start"), "*/*")
    assert not is_page(find("/v1/status/sales"), "text/html")
    assert not is_page(find("/v1/chatter"), "text/html")
    assert not is_page(find("/surveys"), "*/*")
