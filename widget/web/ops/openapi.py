"""GET /openapi.json: the public and the operator addresses, described once and served as bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from widget.web.ops.schemas import DECISION, LINK, LINK_ORDER, NAME, PROBLEM, READINESS, SID, Json

# Served, but no interface of its own: what our pages load.
_NOT_DESCRIBED = ("/static", "/assets", "/preview/", "/widget.v", "/widget.src", "/frozen", "/survey.")

_ENTRY_POINT: Json = {
    "name": "entry_point",
    "in": "path",
    "required": True,
    "description": "The configured name of an entry point.",
    "schema": {"type": "string", "pattern": NAME},
    "example": "sales",
}
_LOCALE: Json = {
    "name": "locale",
    "in": "query",
    "description": "The page's language; one that is unknown or odd is answered in English.",
    "schema": {"type": "string"},
    "example": "de-AT",
}
_THEME: Json = {
    "name": "theme",
    "in": "query",
    "description": "A theme's name; one that is unknown or odd is answered in the entry point's own.",
    "schema": {"type": "string"},
    "example": "civic",
}
_TOKEN: Json = {
    "name": "token",
    "in": "path",
    "required": True,
    "description": "The signed text of a survey link: one purpose, expiring.",
    "schema": {"type": "string"},
}


def _header(name: str, description: str, **schema: str) -> Json:
    return {name: {"required": True, "description": description, "schema": {"type": "string", **schema}}}


_ETAG = _header("ETag", "For If-None-Match.")
_LOCATION = _header("Location", "Where to go.")
_RETRY_AFTER = _header("Retry-After", "Seconds to wait.", pattern="^[0-9]+$")
_HEADERS_OF = {
    401: _header("WWW-Authenticate", "The schemes that are taken: Bearer and Basic."),
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}


def document(*, public_url: str, version: str) -> Json:
    """Give the whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ECE Widget",
            "version": version,
            "description": "A chat button, the wait before it and the survey after it, for Cisco ECE.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url}],
        "paths": _paths(),
        "components": {
            "schemas": {
                "Decision": DECISION,
                "Problem": PROBLEM,
                "SurveyLinkOrder": LINK_ORDER,
                "SurveyLink": LINK,
                "Readiness": READINESS,
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "Any name; the token as the password."},
            },
        },
    }


def route(*, public_url: str, version: str) -> Route:
    """Give the route that serves the description."""
    served = json.dumps(document(public_url=public_url, version=version), separators=(",", ":")).encode()

    async def openapi(_: Request) -> Response:
        return Response(served, headers={"Cache-Control": "max-age=300"}, media_type="application/json")

    return Route("/openapi.json", openapi, name="openapi")


def served_operations(routes: Iterable[BaseRoute]) -> set[tuple[str, str]]:
    """Give (path, method) of every route that has to be described; what our own pages load has not."""
    return {
        (each.path.replace(":path}", "}"), method.lower())
        for each in routes
        if isinstance(each, Route) and not each.path.startswith(_NOT_DESCRIBED)
        for method in (each.methods or ())
        if method != "HEAD"
    }


def described_operations() -> set[tuple[str, str]]:
    """Give (path, method) of everything that is described."""
    return {(path, method) for path, operations in _paths().items() for method in operations}


def _paths() -> Json:
    not_modified = {"description": "What the visitor has is still true.", "headers": _ETAG}
    return {
        "/widget.js": {
            "get": _get(
                "The drop-in script", {"200": _text("text/javascript", _ETAG), "304": not_modified, **_problems(421)}
            )
        },
        "/v1/status/{entry_point}": {
            "get": _get(
                "The decision as JSON",
                {"200": _json("Decision", _ETAG), "304": not_modified, **_problems(404, 429)},
                [_ENTRY_POINT],
            )
        },
        "/v1/launcher/{entry_point}": {
            "get": _get(
                "The launcher as an HTML fragment",
                {"200": _text("text/html", _ETAG), "304": not_modified, **_problems(404, 429)},
                [_ENTRY_POINT, _LOCALE, _THEME],
            )
        },
        "/v1/chat/{entry_point}": {
            "get": _get(
                "The click: off to ECE, or a page that says why not",
                {
                    "303": {"description": "To ECE's chat, with a fresh launch ticket.", "headers": _LOCATION},
                    **_pages(200, 404, 421, 429, 503),
                },
                [_ENTRY_POINT, _LOCALE, _THEME],
            )
        },
        "/survey/start": {
            "post": _post(
                "From the end of the chat to its survey",
                {"303": {"description": "To the survey page.", "headers": _LOCATION}, **_pages(*_FORM_FAULTS)},
                _form({"ticket": {"type": "string"}, "sid": SID}, required=["ticket", "sid"]),
            )
        },
        "/survey/{token}": {
            "get": _get("The form", _pages(200, 403, 404, 410, 421, 429), [_TOKEN, _LOCALE]),
            "post": _post(
                "The answers: thanks, or the form again with the faults",
                _pages(200, *_FORM_FAULTS),
                _form({}, required=[], more=True),
                [_TOKEN, _LOCALE],
            ),
        },
        "/v1/survey-links": {
            "post": _operator(
                _post(
                    "A signed survey address",
                    {
                        "201": _json("SurveyLink", _LOCATION),
                        **_problems(400, 401, 403, 404, 408, 413, 415, 421, 422, 429),
                    },
                    {"application/json": {"schema": {"$ref": "#/components/schemas/SurveyLinkOrder"}}},
                )
            )
        },
        "/preview": {
            "get": _operator(_get("Every state, theme and language, for designers", _pages(200, 401, 421, 429)))
        },
        "/healthz": {"get": _get("The process is up", {"200": _text("text/plain")})},
        "/readyz": {
            "get": _get("Ready for traffic, with reasons", {"200": _json("Readiness"), "503": _json("Readiness")})
        },
        "/metrics": {
            "get": _operator(_get("Prometheus text", {"200": _text("text/plain"), **_problems(401, 429)})),
        },
        "/openapi.json": {
            "get": _get(
                "This description",
                {"200": {"description": "OK", "content": {"application/json": {}}}, **_problems(421)},
            )
        },
    }


_FORM_FAULTS = (400, 403, 404, 408, 409, 410, 413, 415, 421, 422, 429, 503)


def _get(summary: str, responses: Json, parameters: list[Json] | None = None) -> Json:
    return {"summary": summary, "parameters": parameters or [], "responses": responses}


def _post(summary: str, responses: Json, content: Json, parameters: list[Json] | None = None) -> Json:
    return _get(summary, responses, parameters) | {"requestBody": {"required": True, "content": content}}


def _operator(operation: Json) -> Json:
    return operation | {"security": [{"bearer": []}, {"basic": []}]}


def _form(properties: Json, *, required: list[str], more: bool = False) -> Json:
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": more}
    return {"application/x-www-form-urlencoded": {"schema": schema}}


def _json(schema: str, headers: Json | None = None) -> Json:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": schema, "content": content, "headers": headers or {}}


def _text(media_type: str, headers: Json | None = None) -> Json:
    content = {media_type: {"schema": {"type": "string"}}}
    return {"description": "OK", "content": content, "headers": headers or {}}


def _problems(*statuses: int) -> Json:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return _answers("Problem", content, statuses)


def _pages(*statuses: int) -> Json:
    return _answers("Page", {"text/html": {"schema": {"type": "string"}}}, statuses)


def _answers(description: str, content: Json, statuses: Iterable[int]) -> Json:
    return {
        str(status): {"description": description, "content": content, "headers": _HEADERS_OF.get(status, {})}
        for status in statuses
    }
