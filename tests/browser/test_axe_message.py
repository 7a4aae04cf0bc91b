"""axe finds nothing in the message form in three engines: 320 pixels wide in another site's frame, in every theme.

The form has no script at all, so that what is looked at is what comes without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Frame, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.browser.engines import Engine, Gone, firefox, press, until, webkit
from tests.install_tools import AXE_FILE
from tests.ports import free_port
from tests.serving import serving
from widget import settings
from widget.app import create_app
from widget.application.clock import Clock
from widget.application.messages import SHORTEST_TIME
from widget.services.serving import build

SHOWN = (("default", "en"), ("default", "ar"), ("bold", "ar"), ("civic", "en"), ("text", "ar"))
FORM, FAULTS, THANKS = "document.forms[0]", "document.querySelector('[role=alert]')", "document.querySelector('.tick')"
SEND = "document.querySelector('.actions button')"
FIT = "return document.documentElement.scrollWidth <= 320"
TYPED = {"name": "Ada", "email": "ada@example.com", "text": "Hello"}


class ChromiumEngine:
    """The verbs of the other engines, by Playwright; its policies are off, since axe is a script that none allows."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._front: Frame = page.main_frame

    def visit(self, url: str) -> None:
        self._page.goto(url)
        self._front = self._page.main_frame

    def run(self, script: str) -> Any:
        try:
            return self._front.evaluate(f"() => {{ {script} }}")
        except Error:  # the frame goes to its next page: there is nothing yet
            return None

    def click(self, element: str) -> None:
        handle = self._front.evaluate_handle(element).as_element()
        if handle is None:
            raise Gone(element)
        handle.click()

    def pages(self) -> list[str]:
        return [""]

    def turn_to(self, page: str) -> None:
        self._front = self._page.main_frame

    def enter(self, frame: str) -> None:
        handle = self._front.evaluate_handle(frame).as_element()
        inner = handle.content_frame() if handle is not None else None
        assert inner is not None
        self._front = inner


@contextmanager
def in_a_page_of(browser: Browser) -> Iterator[Engine]:
    context = browser.new_context(bypass_csp=True, reduced_motion="reduce")
    yield ChromiumEngine(context.new_page())
    context.close()


@pytest.fixture(scope="module", params=["chromium", "firefox", "webkit"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    starts: dict[str, Callable[[], AbstractContextManager[Engine]]] = {
        "chromium": lambda: in_a_page_of(request.getfixturevalue("chromium")),
        "firefox": lambda: firefox(tmp_path_factory.mktemp("engine")),
        "webkit": lambda: webkit(tmp_path_factory.mktemp("engine")),
    }
    with starts[request.param]() as running:
        yield running


@dataclass
class Site:
    """A customer's page with the form in a narrow frame; the form's server has a clock that is `ahead`."""

    origin: str
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    port = free_port()

    async def embedding(request: Request) -> HTMLResponse:
        frame = f'<iframe title="Message" width="320" height="600" src="http://127.0.0.1:{port}/message/sales?{request.url.query}">'
        return HTMLResponse(f"<!doctype html><html lang=en><title>Shop</title>{frame}</iframe></html>")

    with serving(Starlette(routes=[Route("/", embedding)])) as origin:
        site = Site(origin)
        configured = settings.parse(
            {
                "server": {"public_url": f"http://127.0.0.1:{port}", "allowed_origins": [origin]},
                "security": {"secret_keys": ["a secret of this test's own that is long"]},
                "ece": {"base_url": "http://127.0.0.1:9/system"},
                "entry_points": {"sales": {"id": 1001, "chat_url": "http://127.0.0.1:9/chat"}},
                "messages": {
                    "consent": {"en": "I agree to the privacy notice"},
                    "consent_link": "https://www.example.com/privacy",
                },
                "smtp": {"url": "smtp://127.0.0.1:9", "from": "chat@example.com", "to": ["office@example.com"]},
                "limits": {"submits": "off"},
                "storage": {"url": f"sqlite:///{tmp_path_factory.mktemp('outbox')}/outbox.db"},
            }
        )
        services = build(configured, clock=Clock(now=site.now))
        with serving(create_app(configured, services=services), port=port):
            yield site


def findings(engine: Engine) -> list[str]:
    """Look at the page in front; it has to fit, and to come without a script."""
    assert engine.run("return document.scripts.length") == 0
    assert engine.run(FIT), "a narrow page is scrolled to its side"
    engine.run(AXE_FILE.read_text(encoding="utf-8"))
    engine.run(
        "window.found = null; axe.run(document, {resultTypes: ['violations']}).then((all) => { window.found ="
        " all.violations.map((each) => each.id + ' ' + each.nodes[0].html.slice(0, 200)) })"
    )
    return list(until(lambda: engine.run("return window.found && [window.found]"), "axe's findings")[0])


@pytest.mark.parametrize(("theme", "language"), SHOWN)
def test_form_faults_and_thanks_have_no_finding(engine: Engine, site: Site, theme: str, language: str) -> None:
    found = {}
    engine.turn_to(engine.pages()[0])
    engine.visit(f"{site.origin}/?theme={theme}&locale={language}")
    engine.enter("document.querySelector('iframe')")
    until(lambda: engine.run(f"return !!{FORM}"), "the form")
    assert engine.run("return document.dir") == ("rtl" if language == "ar" else "ltr")
    found["form"] = findings(engine)
    press(engine, SEND)
    until(lambda: engine.run(f"return !!{FAULTS}"), "the faults")
    found["faults"] = findings(engine)
    for name, typed in TYPED.items():
        engine.run(f"{FORM}.elements['{name}'].value = '{typed}'")
    engine.run(f"{FORM}.elements.consent.checked = true")
    site.ahead += SHORTEST_TIME  # nobody types sooner
    press(engine, SEND)
    until(lambda: engine.run(f"return !!{THANKS}"), "the thanks")
    found["thanks"] = findings(engine)
    assert found == {"form": [], "faults": [], "thanks": []}
