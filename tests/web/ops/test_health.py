"""/healthz, /readyz and /metrics, and how operators prove themselves."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.requests import Request

from tests.ece_stand_in import CLOSED
from tests.survey_app import EVERY_KIND
from tests.web.conftest import Site
from widget.domain.errors import EceRefused, OutboxUnavailable
from widget.domain.readings import Call
from widget.telemetry import DEFINITIONS, Metrics
from widget.web.edge.access import Operators
from widget.web.edge.errors import Problem
from widget.web.ops import health as ops

pytestmark = pytest.mark.anyio

TOKEN = {"authorization": "Bearer operator-token-for-tests"}


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


async def test_healthz_is_small_and_never_stored(site: Site) -> None:
    answer = await site.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert answer.headers["cache-control"] == "no-store"


async def test_equal_settings_have_one_hash_and_texts_in_several_languages_do_not_hinder_it(
    table: dict[str, Any], make_site: Callable[[], Site]
) -> None:
    table["surveys"] = {"after_chat": EVERY_KIND}
    table["entry_points"]["sales"]["survey"] = "after_chat"

    async def settings_hash() -> str:
        metrics = (await make_site().get("/metrics", headers=TOKEN)).text
        (found,) = re.findall(r'^ece_widget_settings_info\{hash="([0-9a-f]+)"\} 1\.0$', metrics, re.MULTILINE)
        return str(found)

    first = await settings_hash()
    assert await settings_hash() == first
    table["surveys"]["after_chat"] = EVERY_KIND | {"title": {"en": "Another"}}
    assert await settings_hash() != first


async def test_ece_down_is_degraded_but_ready(site: Site) -> None:
    site.ece.fails(EceRefused())
    for _ in range(6):
        await site.get("/v1/status/sales")
        await site.settle()
        site.time.passes(5)
    _, document = await ops.Readiness([ops.Check("ece", _says("down"), vital=False)]).look()
    assert document == {"status": "degraded", "checks": [{"name": "ece", "ok": False, "reason": "down"}]}
    answer = await site.get("/readyz")
    assert answer.json()["checks"][-1]["name"] == "ece"


@pytest.mark.parametrize(
    ("reasons", "status", "word"),
    [((None, None), 200, "ready"), ((None, "slow"), 200, "degraded"), (("locked", None), 503, "not_ready")],
)
async def test_readiness_follows_its_vital_checks(reasons: tuple[str | None, ...], status: int, word: str) -> None:
    vital, other = reasons
    readiness = ops.Readiness([ops.Check("storage", _says(vital)), ops.Check("ece", _says(other), vital=False)])
    code, document = await readiness.look()
    assert (code, document["status"]) == (status, word)


async def test_a_check_that_raises_or_hangs_is_a_reason() -> None:
    async def raises() -> str | None:
        raise OutboxUnavailable

    async def hangs() -> str | None:
        await asyncio.Event().wait()
        return None

    readiness = ops.Readiness([ops.Check("storage", raises), ops.Check("ece", hangs)], check_limit=0.01)
    code, document = await readiness.look()
    assert code == 503
    assert [each["reason"] for each in document["checks"]] == ["storage_unavailable", "no answer in time"]


async def test_any_number_of_askers_is_one_look_a_second() -> None:
    asked = 0
    now = 0.0

    async def probe() -> str | None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return None

    readiness = ops.Readiness([ops.Check("storage", probe)], monotonic=lambda: now)
    await asyncio.gather(*(readiness.look() for _ in range(50)))
    assert asked == 1
    now = 1.5
    await readiness.look()
    assert asked == 2


async def test_metrics_are_for_operators(site: Site) -> None:
    refused = await site.get("/metrics")
    assert refused.status_code == 401
    assert refused.headers.get_list("www-authenticate") == [
        'Bearer realm="ece-widget"',
        'Basic realm="ece-widget", charset="UTF-8"',
    ]
    assert (await site.get("/metrics", headers=TOKEN)).status_code == 200
    assert (
        await site.get("/metrics", headers={"authorization": basic("anyone:operator-token-for-tests")})
    ).status_code == 200


async def test_metrics_tell_what_was_answered(site: Site) -> None:
    for _ in range(3):
        await site.get("/v1/status/sales")
    await site.get("/v1/chat/nobody")
    await site.settle()
    text = (await site.get("/metrics", headers=TOKEN)).text
    assert 'ece_widget_decisions_total{entry_point="sales",reason="",state="available"} 3.0' in text
    assert 'ece_widget_ece_calls_total{call="chatAllowed",outcome="ok"} 1.0' in text
    assert 'ece_widget_requests_total{method="GET",route="/v1/chat/{entry_point}",status="404"} 1.0' in text
    assert 'ece_widget_problems_total{code="unknown_entry_point",route="/v1/chat/{entry_point}"} 1.0' in text
    assert 'ece_widget_breaker_state{call="",entry_point=""} 0.0' in text
    assert "process_resident_memory_bytes" in text


async def test_each_answer_counts_once_for_the_decision_that_it_gave(site: Site) -> None:
    async def counts() -> dict[str, float]:
        lines = (await site.get("/metrics", headers=TOKEN)).text.splitlines()
        samples = (line.split(" ") for line in lines if line.startswith("ece_widget_decisions_total{"))
        return {labels.partition('state="')[2].rstrip('"}'): float(count) for labels, count in samples}

    first = await site.get("/v1/status/sales")
    assert (await site.get("/v1/status/sales", headers={"if-none-match": first.headers["etag"]})).status_code == 304
    await site.ask("HEAD", "/v1/launcher/sales")
    assert await counts() == {"available": 3}
    site.time.passes(1.5)
    await site.get("/v1/status/sales")
    assert await counts() == {"available": 4}
    site.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    site.time.passes(10)
    await site.get("/v1/status/sales")
    await site.settle()
    await site.get("/v1/status/sales")
    assert await counts() == await counts() == {"available": 5, "unavailable": 1}


async def test_no_label_holds_what_a_visitor_chose(site: Site) -> None:
    for path in ("/v1/status/canary", "/canary", "/v1/chat/canary?locale=canary", "/survey/canary"):
        await site.ask("GET", path, headers={"user-agent": "canary", "accept-language": "canary"})
        await site.ask("CANARY", path)
    assert "canary" not in (await site.get("/metrics", headers=TOKEN)).text.lower()


async def test_every_definition_is_exposed_and_has_words() -> None:
    metrics = Metrics(version="1")
    text = (await metrics.render()).decode()
    for each in DEFINITIONS:
        assert f"# HELP {each.name}" in text
        assert each.help.endswith(".")


async def test_sources_are_added_up() -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.add_source(lambda: [("ece_widget_decisions_total", ("sales", "available", ""), 2)])
    assert 'reason="",state="available"} 4.0' in (await metrics.render()).decode()


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        ("Bearer operator-token-for-tests", True),
        ("bearer operator-token-for-tests", True),
        ("Bearer older-token", True),
        (basic("me:operator-token-for-tests"), True),
        (basic(":operator-token-for-tests"), True),
        (basic("operator-token-for-tests"), False),
        ("Bearer operator-toke", False),
        ("Bearer operator-token-for-tests2", False),
        ("Bearer ", False),
        ("Bearer", False),
        ("", False),
        ("operator-token-for-tests", False),
        ("Digest operator-token-for-tests", False),
        ("Basic !!!", False),
        ("Basic " + "A" * 5000, False),
        ("Bearer öperator", False),
    ],
)
def test_an_operator_is_known_by_a_whole_token(sent: str, known: bool) -> None:
    assert Operators(["operator-token-for-tests", "older-token"]).knows(sent) is known


def test_without_tokens_nobody_is_an_operator() -> None:
    assert not Operators([]).knows("Bearer ")
    assert not Operators([]).knows("Basic Og==")


@pytest.mark.parametrize(
    ("method", "site_header", "allowed"), [("POST", "cross-site", False), ("GET", "cross-site", True)]
)
def test_a_browser_that_another_site_made_send_changes_nothing(method: str, site_header: str, allowed: bool) -> None:
    request = Request(
        {
            "type": "http",
            "method": method,
            "headers": [
                (b"authorization", b"Bearer operator-token-for-tests"),
                (b"sec-fetch-site", site_header.encode()),
            ],
        }
    )
    operators = Operators(["operator-token-for-tests"])
    if allowed:
        operators.require(request)
    else:
        with pytest.raises(Problem, match="403"):
            operators.require(request)


def _says(reason: str | None) -> Callable[[], Awaitable[str | None]]:
    async def probe() -> str | None:
        return reason

    return probe
