"""axe in a page: which rules of accessibility it breaks, in light and in dark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Page

from tests.install_tools import AXE_FILE

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
RUN = "axe.run(document, { resultTypes: ['violations'] }).then((all) => all.violations)"


@contextmanager
def context_with_axe(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """Return a context past its pages' own policies, since axe is a script that no site allows.

    The browser compiles the script once for all pages; put into each of them it takes longer than axe itself.
    """
    assert AXE_FILE.exists(), f"{AXE_FILE} is missing; `make tools` fetches it"
    context = browser.new_context(bypass_csp=True, reduced_motion="reduce", **options)
    context.add_init_script(f"if (self === top) {{ {AXE_FILE.read_text(encoding='utf-8')} }}")
    yield context
    context.close()


def findings(page: Page) -> list[str]:
    """Look in light and in dark at the same page: the style sheets alone know the difference."""
    found = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {each['id']}: {each['nodes'][0]['html'][:200]}" for each in page.evaluate(RUN)]
    return found
