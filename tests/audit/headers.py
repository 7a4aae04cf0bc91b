"""The headers of pages: MDN's HTTP Observatory behind a TLS proxy, and Google's CSP Evaluator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from tests.audit.product import RunningProduct, behind_tls
from tests.audit.result import Result, judged
from tests.audit.tools import node_package, node_probe

PRODUCT_HOST, SITE_HOST = "localhost", "127.0.0.1"
MEDIUM_MAYBE = 50  # csp_evaluator's scale runs from 10, high, to 60, info


def observatory(product: RunningProduct) -> Iterator[Result]:
    """Scan the survey page, further pages of the product, and the sample site; A+ is wanted of each."""
    node_package("@mdn/mdn-http-observatory")
    pages = {
        "survey page": f"{PRODUCT_HOST}{product.survey_path}",
        "closed page": f"{PRODUCT_HOST}/v1/chat/closed",
        "sample site": f"{SITE_HOST}/",
        "sample site, strict page": f"{SITE_HOST}/strict",
    }
    with behind_tls(product, product_host=PRODUCT_HOST, site_host=SITE_HOST) as authority:
        trusted = {"NODE_EXTRA_CA_CERTS": str(authority)}
        results = cast("list[dict[str, Any]]", node_probe("observatory.mjs", list(pages.values()), env=trusted))
    for name, result in zip(pages, results, strict=True):
        findings = list(result["failed"])
        if result["grade"] != "A+":
            findings.append(f"grade {result['grade']}, score {result['score']}")
        yield judged("Observatory", name, findings, said=f"{result['grade']} {result['score']}")


def policies(product: RunningProduct) -> Iterator[Result]:
    """Judge the policy of every kind of answer."""
    node_package("csp_evaluator")
    answers = {
        "survey page": product.ask(product.survey_path),
        "closed page": product.ask("/v1/chat/closed"),
        "redirect to the chat": product.ask("/v1/chat/sales"),
        "error page": product.ask("/nothing", headers={"Accept": "text/html"}),
        "preview": product.as_operator("/preview"),
        "preview, one frame": product.as_operator("/preview/frame"),
        "status": product.ask("/v1/status/sales"),
        "launcher": product.ask("/v1/launcher/sales"),
        "problem+json": product.ask("/v1/status/nobody"),
        "openapi.json": product.ask("/openapi.json"),
        "healthz": product.ask("/healthz"),
        "widget.js": product.ask("/widget.js"),
    }
    policies = [answer.header("content-security-policy") for answer in answers.values()]
    results = cast("list[list[dict[str, Any]]]", node_probe("policies.cjs", policies))
    for name, policy, result in zip(answers, policies, results, strict=True):
        findings = [] if policy else ["no policy at all"]
        findings += [
            f"{each['directive']} {each['value'] or ''}: {each['description']} ({each['severity']})"
            for each in result
            if each["severity"] <= MEDIUM_MAYBE
        ]
        yield judged("csp_evaluator", name, findings, said=f"{len(findings)} of medium or worse, {len(result)} in all")
