"""/openapi.json says what the product does: every route is described, every description is a route, answers fit."""

from __future__ import annotations

import re
from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.web.conftest import Site
from widget import __version__
from widget.domain.errors import EceRefused
from widget.web.addresses import ADDRESSES
from widget.web.ops.openapi import OPERATIONS

pytestmark = pytest.mark.anyio

TOKEN = {"authorization": "Bearer operator-token-for-tests"}


def fits(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    """Check a value against a schema of the description, formats and references too."""
    whole = {**schema, "components": document["components"]}
    jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(value)


async def described(site: Site) -> dict[str, Any]:
    answer = await site.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    document: dict[str, Any] = answer.json()
    return document


def check(answer: httpx.Response, path: str, method: str, document: dict[str, Any]) -> None:
    """Hold one answer against what the description says of its status, media type and content."""
    responses = document["paths"][path][method]["responses"]
    assert str(answer.status_code) in responses, f"{answer.status_code} of {method} {path} is not described"
    for name in responses[str(answer.status_code)].get("headers", ()):
        assert name in answer.headers, f"{answer.status_code} of {method} {path} has no {name}"
    content = responses[str(answer.status_code)].get("content")
    if content is None:
        return
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in content, f"{kind} of {method} {path}"
    if kind.endswith("json") and "schema" in content[kind]:
        fits(answer.json(), content[kind]["schema"], document)


async def test_every_address_is_described_and_every_description_is_an_address(site: Site) -> None:
    document = await described(site)
    operations = {(method.upper(), path) for path, of_path in document["paths"].items() for method in of_path}
    assert operations == OPERATIONS.keys() == {(each.method, each.pattern) for each in ADDRESSES if each.described}


async def test_the_document_is_openapi_3_1_for_this_server(site: Site) -> None:
    document = await described(site)
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "https://chat.example.com"}]
    assert document["info"]["version"] == __version__
    text = str(document)
    for name in re.findall(r"#/components/schemas/(\w+)", text):
        assert name in document["components"]["schemas"]
    for schema in document["components"]["schemas"].values():
        for example in schema.get("examples", ()):
            fits(example, schema, document)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))


async def test_what_is_answered_fits_what_is_described(site: Site) -> None:
    document = await described(site)
    order = {"sid": "1000-84310B2A", "entryPoint": "nobody"}
    asked: list[tuple[str, str, str, dict[str, Any]]] = [
        ("/v1/status/{entry_point}", "get", "/v1/status/sales", {}),
        ("/v1/status/{entry_point}", "get", "/v1/status/nobody", {}),
        ("/v1/launcher/{entry_point}", "get", "/v1/launcher/sales?locale=de&theme=x", {}),
        ("/v1/launcher/{entry_point}", "get", "/v1/launcher/nobody", {}),
        ("/v1/chat/{entry_point}", "get", "/v1/chat/sales", {}),
        ("/v1/chat/{entry_point}", "get", "/v1/chat/nobody", {}),
        ("/survey/{token}", "get", "/survey/no-token", {}),
        ("/survey/{token}", "post", "/survey/no-token", {"data": {"a": "b"}}),
        ("/survey/start", "post", "/survey/start", {"data": {"ticket": "x", "sid": "y"}}),
        ("/survey/start", "post", "/survey/start", {"json": {}}),
        ("/survey/start", "post", "/survey/start", {"content": b"x" * 70_000}),
        ("/v1/survey-links", "post", "/v1/survey-links", {"json": order}),
        ("/v1/survey-links", "post", "/v1/survey-links", {"json": order, "headers": TOKEN}),
        ("/v1/survey-links", "post", "/v1/survey-links", {"content": b"{", "headers": TOKEN}),
        ("/healthz", "get", "/healthz", {}),
        ("/readyz", "get", "/readyz", {}),
        ("/metrics", "get", "/metrics", {}),
        ("/metrics", "get", "/metrics", {"headers": TOKEN}),
        ("/openapi.json", "get", "/openapi.json", {}),
    ]
    for path, method, address, more in asked:
        check(await site.ask(method.upper(), address, **more), path, method, document)


async def test_the_decision_has_every_field_in_every_state(site: Site) -> None:
    document = await described(site)
    for failing in (False, True):
        if failing:
            site.ece.fails(EceRefused())
            site.time.passes(120)
        answer = await site.get("/v1/status/sales")
        check(answer, "/v1/status/{entry_point}", "get", document)
        await site.settle()
