"""One walk in each of the other engines: the button, the pop-up, the survey, the dock, the strictest policy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.engines import Engine, firefox, press, pressed, until, webkit
from tests.browser.real_servers import RealServers
from tests.browser.standin import StubServers
from tests.browser.test_on_a_host_page import HOSTILE

# Expressions.
BUTTON = "[...document.querySelectorAll('ece-chat')].pop()?.shadowRoot.querySelector('.ece-chat-button')"
SUPPORT = "document.querySelector('ece-chat[entry-point=support]')?.shadowRoot.querySelector('.ece-chat-button')"
PANEL = "document.querySelector('ece-chat-panel')?.shadowRoot"
SURVEY = "document.querySelector('[data-survey].scripted')"
# Within the survey: the page of thanks, which may come at any moment, has a button that closes the dock.
ONWARD = "[...document.querySelectorAll('[data-survey] .actions button')].filter(each => each.offsetWidth).pop()"
THANKS = "document.querySelector('[data-survey-done]')"
CHATS = "return document.querySelector('#status')?.textContent.includes('joined')"


@pytest.fixture(scope="module", params=[firefox, webkit])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with request.param(tmp_path_factory.mktemp("engine")) as running:
        yield running


@pytest.fixture(autouse=True)
def _reset(real: RealServers, engine: Engine) -> None:
    real.tell("/control/reset", {})
    engine.turn_to(engine.pages()[0])  # from the frame in which a test may have ended


def in_panel(selector: str) -> str:
    return f"{PANEL}?.querySelector('{selector}')"


def is_seen(engine: Engine, element: str) -> bool:
    return bool(engine.run(f"return {element}?.getClientRects().length > 0"))


def chat_until_the_survey(engine: Engine, real: RealServers) -> None:
    """Wait for the agent and end the chat."""

    def joined() -> bool:
        real.tell("/control/advance", {"seconds": 2})
        return bool(engine.run(CHATS))

    until(joined, "an agent")
    press(engine, "document.querySelector('#end')")
    until(lambda: is_seen(engine, SURVEY), "the survey")


def answer(engine: Engine) -> None:
    """Choose a first answer for every question that asks for one, until the thanks."""

    def onward() -> bool:
        if is_seen(engine, THANKS):
            return True
        if not is_seen(engine, SURVEY):
            return False
        for field in ("[name=helpful][value='2']", "[name=solved][value=yes]"):
            tile = f'document.querySelector("{field}")?.parentElement'
            if is_seen(engine, tile):
                pressed(engine, tile)
        pressed(engine, ONWARD)
        return False

    until(onward, "the thanks")


def test_a_visitor_chats_in_a_window_under_the_strictest_policy(engine: Engine, real: RealServers) -> None:
    engine.visit(real.site + "/strict")
    page, *_ = before = engine.pages()
    press(engine, BUTTON)
    (chat,) = until(lambda: set(engine.pages()) - set(before), "the chat's window")
    engine.turn_to(chat)
    chat_until_the_survey(engine, real)
    answer(engine)
    received = until(real.surveys, "the survey at ECE")[0]
    assert received["faults"] == []
    assert received["pairs"][0]["answer"] == "2"
    press(engine, "document.querySelector('[data-close-actions] button')")
    until(lambda: engine.pages() == before, "the window is closed")
    engine.turn_to(page)


def test_a_frame_that_the_policy_refuses_is_offered_as_a_link(engine: Engine, real: RealServers) -> None:
    engine.visit(real.site + "/strict")
    until(lambda: is_seen(engine, BUTTON), "the button")
    engine.run("eceChat.create({ entryPoint: 'support' })")
    press(engine, SUPPORT)
    until(lambda: is_seen(engine, in_panel("[data-when=refused] a")), "the link")
    press(engine, in_panel("[data-act=close]"))
    until(lambda: is_seen(engine, SUPPORT), "the button again")


def test_a_visitor_chats_in_the_dock_and_answers_there(engine: Engine, real: RealServers) -> None:
    engine.visit(real.site + "/elements")
    page = engine.pages()[0]
    press(engine, SUPPORT)
    until(lambda: is_seen(engine, in_panel("dialog")), "the dock")
    until(lambda: not is_seen(engine, in_panel("[data-when=loading]")), "the chat")
    press(engine, in_panel("[data-act=fold]"))
    press(engine, in_panel("[data-act=unfold]"))
    press(engine, in_panel("[data-act=close]"))
    press(engine, in_panel("[data-act=stay]"))
    engine.enter(in_panel("iframe"))
    chat_until_the_survey(engine, real)
    answer(engine)
    press(engine, "document.querySelector('[data-close-actions] button')")
    engine.turn_to(page)
    until(lambda: not is_seen(engine, in_panel("dialog")), "the end of the dock")
    until(lambda: is_seen(engine, SUPPORT), "the button again")


NEVER_LOADED = "<script>addEventListener('load', (event) => event.stopImmediatePropagation(), true);</script>"
MOVED = "<style>body { transform: translateY(50px); filter: blur(0); contain: layout }</style>"
CATCH = "<script>window.thrown = []; addEventListener('error', (event) => thrown.push(event.message));</script>"
POLICY = "default-src 'none'; script-src {origin} 'unsafe-inline'; connect-src {origin}"  # no style


@pytest.mark.parametrize(
    "extra",
    [*HOSTILE.values(), NEVER_LOADED, MOVED],
    ids=[*HOSTILE, "a load that the page keeps to itself", "a body that moves what is fixed in it"],
)
def test_hostile_pages_get_their_button_and_no_fault(at: StubServers, engine: Engine, extra: str) -> None:
    policy = {"Content-Security-Policy": POLICY.format(origin=at.origin)} if "<style>" not in extra else None
    engine.visit(at.page(CATCH + extra + at.tag(), headers=policy))
    until(lambda: is_seen(engine, BUTTON), "the button")
    assert engine.run("return window.thrown") == []
    if "CSSStyleSheet" not in extra and "unset" not in extra:
        assert engine.run(f"return innerHeight - {BUTTON}.getBoundingClientRect().bottom") == 16
    at.chat.open_in = "dock"
    at.chat.position = "2"
    engine.run("eceChat.refresh()")
    until(lambda: engine.run(f"return {BUTTON}?.textContent.includes('number 2')"), "the dock's launcher")
    if "CSSStyleSheet" in extra:
        return
    for _ in range(2):
        press(engine, BUTTON)
        until(lambda: is_seen(engine, in_panel("dialog")), "the dock")
        engine.run("eceChat.close('sales')")
        until(lambda: not is_seen(engine, in_panel("dialog")), "the end of the dock")
    assert engine.run("return window.thrown") == []
