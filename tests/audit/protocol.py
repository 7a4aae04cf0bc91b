"""HTTP as REDbot and httplint see it: each address as GET, HEAD, 304 and 404, in every encoding it offers."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import cast

from tests.audit.product import Answer, RunningProduct, running_product
from tests.audit.result import Excuse, Result, judged
from tests.audit.tools import python_probe

# A note's first word is its level; only these count.
LEVELS = ("BAD", "WARN")
EXCUSES = (
    Excuse(
        "Cache-Control: public is probably not necessary.",
        "true, but harmless: it tells the people who set a CDN up that the answers are meant for it",
    ),
)


def addresses(product: RunningProduct) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Return name, path and request headers of every public address, and of answers for those that are not there."""
    snippet = product.ask("/widget.js").header("etag").strip('"').partition("-")[0]
    yield "widget.js", "/widget.js", {}
    yield "widget.js, readable", "/widget.src.js", {}
    yield "widget.js, immutable", f"/widget.v1.{snippet}.js", {}
    yield "status", "/v1/status/sales", {}
    yield "status of a closed one", "/v1/status/closed", {}
    yield "status, unknown name", "/v1/status/nobody", {}
    yield "launcher", "/v1/launcher/sales", {}
    yield "launcher, German", "/v1/launcher/sales?locale=de", {}
    yield "launcher, unknown name", "/v1/launcher/nobody", {}
    yield "chat", "/v1/chat/sales", {}
    yield "chat, closed", "/v1/chat/closed", {}
    yield "chat, unknown name", "/v1/chat/nobody", {}
    yield "survey", product.survey_path, {}
    yield "survey, not a link of ours", "/survey/nonsense", {}
    yield "survey/start", "/survey/start", {}
    yield "openapi.json", "/openapi.json", {}
    yield "healthz", "/healthz", {}
    yield "readyz", "/readyz", {}
    yield "metrics, no token", "/metrics", {}
    yield "preview, no token", "/preview", {}
    yield "nothing there", "/nothing/there", {}
    yield "nothing there, for a browser", "/nothing/there", {"Accept": "text/html"}
    for number, link in enumerate(product.linked_files()):
        yield f"linked file {number + 1}", link, {}


def httplint(product: RunningProduct) -> Iterator[Result]:
    """Let httplint read each answer as it came."""
    for name, path, headers in addresses(product):
        answers = list(_answers(product, path, headers))
        given = [
            {
                "url": f"{product.origin}{path}",
                "method": each.method,
                "status": each.status,
                "headers": each.headers,
                "body": base64.b64encode(each.body).decode(),
            }
            for each in answers
        ]
        found = cast("list[list[str]]", python_probe("http_notes.py", {"with": "lint", "of": given}))
        seen = " ".join(str(each.status) for each in answers)
        yield judged("httplint", f"{name} ({seen})", _counting(answers, found), excuses=EXCUSES)


def redbot(product: RunningProduct) -> Iterator[Result]:
    """Let REDbot ask each address itself: plainly, conditionally, with ranges, and for compressed answers.

    It comes without TLS, so it is shown a server whose public address has none, and which sends no HSTS.
    """
    with running_product(product.folder) as plain:
        yield from _seen_by_redbot(plain)


def _seen_by_redbot(product: RunningProduct) -> Iterator[Result]:
    for name, path, headers in addresses(product):
        notes: list[str] = []
        for method in ("GET", "HEAD"):
            url = f"{product.origin}{path}"
            asked = {"url": url, "method": method, "headers": list(headers.items())}
            [found_here] = cast("list[list[str]]", python_probe("http_notes.py", {"with": "probe", "of": [asked]}))
            notes += [f"{method}: {note}" for note in found_here if note.startswith(LEVELS)]
        yield judged("REDbot", name, notes, excuses=EXCUSES)


def _answers(product: RunningProduct, path: str, headers: dict[str, str]) -> Iterator[Answer]:
    for encoding in ("identity", "gzip", "br"):
        answer = product.ask(path, headers={**headers, "Accept-Encoding": encoding})
        yield answer
        yield product.ask(path, method="HEAD", headers={**headers, "Accept-Encoding": encoding})
        if answer.header("etag"):
            known = {"If-None-Match": answer.header("etag"), "Accept-Encoding": encoding}
            yield product.ask(path, headers={**headers, **known})
        if answer.header("last-modified"):
            yield product.ask(path, headers={**headers, "If-Modified-Since": answer.header("last-modified")})
        if not answer.header("content-encoding") and encoding != "identity":
            return
    yield product.ask(path, method="OPTIONS")


def _counting(answers: list[Answer], notes: list[list[str]]) -> Iterator[str]:
    for answer, found in zip(answers, notes, strict=True):
        yield from (f"{answer.method} {answer.status}: {each}" for each in found if each.startswith(LEVELS))
