"""GET /openapi.json: the public and the operator addresses, described once and served as bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable

from starlette.routing import Route

from widget.web.addresses import ADDRESSES, Address, Faults, Limit
from widget.web.edge.fixed_answers import fixed_route
from widget.web.ops.schemas import DECISION, LINK, LINK_ORDER, PROBLEM, READINESS, SID, WHOLE_NAME, Json

_ENTRY_POINT: Json = {
    "name": "entry_point",
    "in": "path",
    "required": True,
    "description": "The configured name of an entry point.",
    "schema": {"type": "string", "pattern": WHOLE_NAME},
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


def _operation(
    summary: str,
    *responses: Json,
    faults: tuple[int, ...] = (),
    parameters: tuple[Json, ...] = (),
    body: Json | None = None,
) -> Json:
    """Return an operation; `faults` are those that the table of addresses does not imply."""
    described: Json = {"summary": summary, "parameters": list(parameters), "faults": faults, "responses": {}}
    for each in responses:
        described["responses"] |= each
    return described | ({} if body is None else {"requestBody": {"required": True, "content": body}})


def _form(properties: Json, *, required: list[str], more: bool = False) -> Json:
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": more}
    return {"application/x-www-form-urlencoded": {"schema": schema}}


def _answer(status: int, description: str, content: Json | None = None, headers: Json | None = None) -> Json:
    answer = {"description": description, "headers": headers or {}}
    return {str(status): answer if content is None else answer | {"content": content}}


def _json(status: int, schema: str, headers: Json | None = None) -> Json:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return _answer(status, schema, content, headers)


def _text(media_type: str, headers: Json | None = None) -> Json:
    return _answer(200, "OK", {media_type: {"schema": {"type": "string"}}}, headers)


def _each(description: str, content: Json, statuses: Iterable[int]) -> Json:
    return {
        name: each
        for status in statuses
        for name, each in _answer(status, description, content, _HEADERS_OF.get(status)).items()
    }


def _page(*statuses: int) -> Json:
    return _each("Page", {"text/html": {"schema": {"type": "string"}}}, statuses)


def _problem(*statuses: int) -> Json:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return _each("Problem", content, statuses)


_NOT_MODIFIED = _answer(304, "What the visitor has is still true.", headers=_ETAG)
_FORM_FAULTS = (400, 403, 404, 408, 409, 410, 413, 415, 422, 503)
OPERATIONS: dict[tuple[str, str], Json] = {
    ("GET", "/widget.js"): _operation("The drop-in script", _text("text/javascript", _ETAG), _NOT_MODIFIED),
    ("GET", "/v1/status/{entry_point}"): _operation(
        "The decision as JSON",
        _json(200, "Decision", _ETAG),
        _NOT_MODIFIED,
        faults=(404,),
        parameters=(_ENTRY_POINT,),
    ),
    ("GET", "/v1/launcher/{entry_point}"): _operation(
        "The launcher as an HTML fragment",
        _text("text/html", _ETAG),
        _NOT_MODIFIED,
        faults=(404,),
        parameters=(_ENTRY_POINT, _LOCALE, _THEME),
    ),
    ("GET", "/v1/chat/{entry_point}"): _operation(
        "The click: off to ECE, or a page that says why not",
        _answer(303, "To ECE's chat, with a fresh launch ticket.", headers=_LOCATION),
        _page(200),
        faults=(404, 503),
        parameters=(_ENTRY_POINT, _LOCALE, _THEME),
    ),
    ("POST", "/survey/start"): _operation(
        "From the end of the chat to its survey",
        _answer(303, "To the survey page.", headers=_LOCATION),
        faults=_FORM_FAULTS,
        body=_form({"ticket": {"type": "string"}, "sid": SID}, required=["ticket", "sid"]),
    ),
    ("GET", "/survey/{token}"): _operation(
        "The form", _page(200), faults=(403, 404, 410), parameters=(_TOKEN, _LOCALE)
    ),
    ("POST", "/survey/{token}"): _operation(
        "The answers: thanks, or the form again with the faults",
        _page(200),
        faults=_FORM_FAULTS,
        parameters=(_TOKEN, _LOCALE),
        body=_form({}, required=[], more=True),
    ),
    ("GET", "/message/{entry_point}"): _operation(
        "The form that leaves a message, where the settings have one",
        _page(200),
        faults=(404,),
        parameters=(_ENTRY_POINT, _LOCALE, _THEME),
    ),
    ("POST", "/message/{entry_point}"): _operation(
        "The message: thanks, or the form again with the faults",
        _page(200),
        faults=(400, 403, 404, 408, 413, 415, 422, 503),
        parameters=(_ENTRY_POINT, _LOCALE, _THEME),
        body=_form({}, required=[], more=True),
    ),
    ("POST", "/v1/survey-links"): _operation(
        "A signed survey address",
        _json(201, "SurveyLink", _LOCATION),
        faults=(400, 403, 404, 408, 413, 415, 422),
        body={"application/json": {"schema": {"$ref": "#/components/schemas/SurveyLinkOrder"}}},
    ),
    ("GET", "/preview"): _operation("Every state, theme and language, for designers", _page(200)),
    ("GET", "/healthz"): _operation("The process is up", _text("text/plain")),
    ("GET", "/readyz"): _operation("Ready for traffic, with reasons", _json(200, "Readiness"), _json(503, "Readiness")),
    ("GET", "/metrics"): _operation("Prometheus text", _text("text/plain")),
    ("GET", "/facts.json"): _operation(
        "Cookies, storage, hosts, stored fields", _answer(200, "OK", {"application/json": {}})
    ),
    ("GET", "/openapi.json"): _operation("This description", _answer(200, "OK", {"application/json": {}})),
}


def document(*, public_url: str, version: str) -> Json:
    """Return the whole description."""
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
    """Return the route that serves the description."""
    body = json.dumps(document(public_url=public_url, version=version), separators=(",", ":")).encode()
    return fixed_route("/openapi.json", body, "application/json", {"Cache-Control": "max-age=300"})


def _paths() -> Json:
    paths: Json = {}
    for address in ADDRESSES:
        if address.described:
            operation = OPERATIONS[address.method, address.pattern]
            paths.setdefault(address.pattern, {})[address.method.lower()] = _with_faults(operation, address)
    return paths


def _with_faults(operation: Json, address: Address) -> Json:
    """Return an operation with the faults that its row in the table of addresses implies, in that row's shape."""
    guarded = address.limit is Limit.OPERATORS
    implied = {401: guarded, 429: address.limit is not None, 421: not address.any_host}
    faults = {*operation["faults"], *(status for status, holds in implied.items() if holds)}
    shape = _page if address.faults is Faults.PAGE else _problem
    described = {name: each for name, each in operation.items() if name != "faults"}
    described["responses"] = {**operation["responses"], **shape(*sorted(faults))}
    return described | ({"security": [{"bearer": []}, {"basic": []}]} if guarded else {})
