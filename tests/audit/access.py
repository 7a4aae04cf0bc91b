"""Every page as axe sees it: in each theme, in light and dark, left-to-right and right-to-left."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page, sync_playwright

from tests.audit.markup import OPERATOR, choices
from tests.audit.product import RunningProduct
from tests.audit.result import Result, judged
from tests.audit.tools import chromium, node_package

STATES = ("available", "queue_depth_reached", "outside_hours")
RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.map(({id, nodes: [first]}) => `${id}: ${first.target} ${first.failureSummary}`);
}"""


def axe(product: RunningProduct) -> Iterator[Result]:
    """Let axe look at every page that visitors reach and every kind that the preview can draw."""
    script = (node_package("axe-core") / "axe.min.js").read_text(encoding="utf-8")
    found: dict[str, set[str]] = defaultdict(set)
    count: dict[str, int] = defaultdict(int)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        # The pages' own policy would keep axe's script out.
        context = browser.new_context(
            bypass_csp=True, extra_http_headers=OPERATOR, viewport={"width": 800, "height": 900}
        )
        page = context.new_page()
        for group, path in _paths(product):
            page.goto(f"http://127.0.0.1:{product.port}{path}")
            found[group] |= set(_looked_at(page, script))
            count[group] += 1
        browser.close()
    for group, findings in found.items():
        yield judged("axe", f"{group} ({count[group]})", sorted(findings))


def _looked_at(page: Page, script: str) -> list[str]:
    page.evaluate(script)
    findings: Any = page.evaluate(RUN)
    return [str(each) for each in findings]


def _paths(product: RunningProduct) -> Iterator[tuple[str, str]]:
    for path in ("/v1/chat/closed", "/v1/chat/nobody", "/survey/nonsense", "/preview"):
        yield "pages as visitors get them", path
    for locale in ("en", "ar"):
        yield "survey with its script", f"{product.survey_path}?locale={locale}"
    options = choices(product)
    for show, theme, scheme, locale in itertools.product(
        options["show"], options["theme"], ("light", "dark"), ("en", "ar")
    ):
        for state in STATES if show in ("launcher", "closed") else STATES[:1]:
            picked = {"show": show, "state": state, "theme": theme, "locale": locale, "scheme": scheme}
            yield f"preview {show}", "/preview/frame?" + urlencode({**picked, "button": "message"})
