"""Every fault has one of two shapes: `application/problem+json` (RFC 9457) with a stable code, or a page.

The table of addresses (`web/addresses.py`) says which; unknown addresses answer by Accept. All of it is decided here,
so that a fault never looks different because of where it was noticed.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any, Protocol

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from widget import telemetry
from widget.domain.errors import (
    OutboxUnavailable,
    SurveyError,
    TicketTaken,
    TokenError,
    TokenExpired,
    WidgetError,
)
from widget.web import addresses
from widget.web.addresses import Address, Faults
from widget.web.edge.language import wanted_language

PROBLEM_JSON = "application/problem+json"
LAST_RESORT = (
    '<!doctype html><html lang="en"><title>Error</title><p>Something went wrong here. Please try again in a minute.</p>'
)
RETRY_STORAGE_AFTER = 5  # seconds: about what a database restart takes

_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    409: "conflict",
    410: "gone",
    413: "payload_too_large",
    415: "unsupported_media_type",
    421: "misdirected_request",
    422: "invalid_fields",
    429: "rate_limited",
    500: "internal_error",
    503: "unavailable",
}
_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    410: "What was at this address has been withdrawn.",
    413: "The body is larger than this address takes.",
    500: "Something went wrong here. The request id finds it in the log.",
}
# What the tree of domain errors means outside: (class, status, detail). The first that fits counts.
_DOMAIN: tuple[tuple[type[WidgetError], int, str], ...] = (
    (TokenExpired, 410, "This link has expired."),
    (TokenError, 403, "This link is not valid."),
    (TicketTaken, 409, "This ticket belongs to another chat."),
    (SurveyError, 404, "There is no such survey."),
    (OutboxUnavailable, 503, "The answer cannot be stored now. Nothing was lost; please try again."),
)


class ErrorPage(Protocol):
    """Return the HTML of a fault.

    `entry_point` is the name in the address, as it was sent, or the empty text. `language` is the visitor's tag as
    sent, to be negotiated; None when none was. `posted` says that a form was sent.
    """

    def __call__(
        self, *, status: int, code: str, request_id: str, entry_point: str, language: str | None, posted: bool
    ) -> str: ...


class Problem(Exception):
    """A request that is answered with a fault. `detail` is shown as it is: never put a visitor's input into it."""

    def __init__(
        self,
        status: int,
        code: str | None = None,
        detail: str | None = None,
        *,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.status = status
        self.code = code or _CODES.get(status, "error")
        self.detail = detail or _DETAILS.get(status, HTTPStatus(status).phrase + ".")
        self.headers = tuple(headers)
        super().__init__(f"{status} {self.code}")

    def document(self, request_id: str) -> dict[str, Any]:
        """Return the members of RFC 9457, then `code` and `requestId`."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "requestId": request_id,
        }


def unknown_entry_point() -> Problem:
    """Return the fault of a name that is not configured; may be cached a minute, since names change with settings."""
    return Problem(
        404, "unknown_entry_point", "No entry point has this name.", headers=[("Cache-Control", "max-age=60")]
    )


def request_id(scope: Scope) -> str:
    """Return the id of this request, as `web/edge/context.py` put it there."""
    return str(scope.get("state", {}).get("request_id", ""))


def is_page(address: Address, accept: str) -> bool:
    """Return whether a fault at this address is a page."""
    return address.faults is Faults.PAGE or (address.faults is Faults.BY_ACCEPT and "text/html" in accept)


class Errors:
    """Turn any fault into its answer: as exception handlers inside Starlette, and as `respond` for middleware."""

    def __init__(self, error_page: ErrorPage) -> None:
        self._error_page = error_page

    def handlers(self) -> dict[Any, Callable[[Request, Exception], Awaitable[Response]]]:
        """Return what `Starlette(exception_handlers=…)` takes."""
        return dict.fromkeys((HTTPException, Problem, WidgetError, ClientDisconnect), self._handle)

    async def respond(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with `problem` from a middleware."""
        await self.response(problem, scope)(scope, receive, send)

    def response(self, problem: Problem, scope: Scope) -> Response:
        """Return the answer to `problem`: a page where a person is looking, JSON elsewhere."""
        scope.setdefault("state", {})["fault"] = problem.code
        headers = {name: value for name, value in problem.headers if name != "WWW-Authenticate"}
        response: Response
        if is_page(addresses.of(scope), Request(scope).headers.get("accept", "")):
            response = Response(self._page(problem, scope), problem.status, headers, "text/html; charset=utf-8")
        else:
            document = json.dumps(problem.document(request_id(scope)), ensure_ascii=False)
            response = Response(document, problem.status, headers, PROBLEM_JSON)
        for name, value in problem.headers:
            if name == "WWW-Authenticate":  # two schemes are two header lines
                response.headers.append(name, value)
        return response

    def _page(self, problem: Problem, scope: Scope) -> str:
        try:
            return self._error_page(
                status=problem.status,
                code=problem.code,
                request_id=request_id(scope),
                entry_point=_entry_point(scope),
                language=wanted_language(Request(scope)),
                posted=scope["method"] == "POST",
            )
        except Exception as error:  # noqa: BLE001 - an operator's own error.html may be what is broken
            telemetry.logger().error("error_page_failed", request_id=request_id(scope), exc_info=error)
            return LAST_RESORT

    async def _handle(self, request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        if problem.status == 405:
            allowed = addresses.methods_of(addresses.of(request.scope))
            if request.method == "OPTIONS":
                return Response(status_code=204, headers={"Allow": allowed})
            problem.headers = (("Allow", allowed),)
        if problem.status >= 500:
            telemetry.logger().error(
                "request_failed", code=problem.code, request_id=request_id(request.scope), exc_info=error
            )
        return self.response(problem, request.scope)


def problem_of(error: BaseException) -> Problem:
    """Return what `error` means outside; anything that is not known is a 500 that tells nothing."""
    match error:
        case Problem():
            return error
        case HTTPException():
            return Problem(error.status_code, headers=tuple((error.headers or {}).items()))
        case ClientDisconnect():
            return Problem(400, "client_gone", "The connection broke before the body was whole.")
        case WidgetError():
            for kind, status, detail in _DOMAIN:
                if isinstance(error, kind):
                    retry = [("Retry-After", str(RETRY_STORAGE_AFTER))] if status == 503 else []
                    return Problem(status, error.code, detail, headers=retry)
    return Problem(500)


class CatchAll:
    """Answer what nobody foresaw with the 500 shape, inside the headers' middleware, so that a browser may read it.

    Once an answer has begun there is no correct way to finish it: the exception goes on and the server cuts the
    connection, which the client sees as a broken answer.
    """

    def __init__(self, app: ASGIApp, errors: Errors) -> None:
        self.app = app
        self.errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as error:
            problem = problem_of(error)
            if problem.status >= 500:
                telemetry.logger().error("unexpected", request_id=request_id(scope), exc_info=error)
            if started:
                raise
            await self.errors.respond(problem, scope, receive, send)


def _entry_point(scope: Scope) -> str:
    named = addresses.of(scope).pattern.endswith("/{entry_point}")
    return str(scope["path"]).rpartition("/")[2] if named else ""
