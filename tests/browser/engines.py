"""Firefox and WebKitGTK as Debian ships them, with the few verbs that one walk needs.

Firefox speaks WebDriver BiDi by itself (https://w3c.github.io/webdriver-bidi/), WebKitGTK has a driver for W3C
WebDriver (https://www.w3.org/TR/webdriver2/). A click is the pointer's own, so that it may open a window. A script is
the body of a function, and what it returns must be JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import httpx
from websockets.sync.client import ClientConnection, connect

from tests.ports import free_port

PATIENCE = 60.0  # seconds, for anything that an engine is asked for: a guard against hangs, no measure
# A new profile opens a page about privacy, which on a slow machine comes later than ours and hides it.
NO_WELCOME = """\
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("browser.aboutwelcome.enabled", false);
"""

# What the protocols call an element or a frame that went with its page; Firefox has no name for it while it goes.
GONE = {"no such node", "no such element", "stale element reference", "no such frame", "no such window"}
GOING = "AbortError: Actor 'MessageHandlerFrame' destroyed"

Seen = TypeVar("Seen")


class Gone(RuntimeError):
    """The element is not there, or not any more."""


class Engine(Protocol):
    """A browser with one page or frame in front."""

    def visit(self, url: str) -> None: ...
    def run(self, script: str) -> Any: ...
    def click(self, element: str) -> None:
        """Move the pointer to the middle of the element that an expression finds, press and let go.

        Raises Gone where it finds none, or one whose page has gone.
        """

    def pages(self) -> list[str]:
        """Return the name of each window and tab."""

    def turn_to(self, page: str) -> None: ...
    def enter(self, frame: str) -> None:
        """Bring the frame to the front that an expression finds."""


def until(look: Callable[[], Seen], what: str, *, seconds: float = PATIENCE) -> Seen:
    """Return what `look` finds, once it finds something."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(Gone):  # the page went while it was looked at
            if found := look():
                return found
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)


def press(engine: Engine, element: str) -> None:
    """Press the middle of the element that an expression finds, once it is there and in nobody's way."""
    until(lambda: pressed(engine, element), element)


def pressed(engine: Engine, element: str) -> bool:
    """Press it if it is there and in nobody's way, and say whether it was."""
    free = f"""const found = {element};
        if (!found) return false;
        found.scrollIntoView({{block: "center", behavior: "instant"}});
        const box = found.getBoundingClientRect();
        const top = found.getRootNode().elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        return Boolean(box.width && top && (found.contains(top) || top.contains(found)));"""
    if not engine.run(free):
        return False
    try:
        engine.click(element)
    except Gone:  # with a page that ended just then
        return False
    return True


class Firefox:
    """Firefox, by WebDriver BiDi."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._asked = 0
        self._ask("session.new", capabilities={})
        self.turn_to(self.pages()[0])

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._asked += 1
        self._socket.send(json.dumps({"id": self._asked, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=PATIENCE))
            if answer.get("id") == self._asked:
                if answer["type"] == "error":
                    is_gone = answer["error"] in GONE or answer["message"].startswith(GOING)
                    fault = Gone if is_gone else RuntimeError
                    raise fault(f"{method}: {answer['message']}")
                return cast(dict[str, Any], answer["result"])

    def _evaluate(self, expression: str) -> dict[str, Any]:
        target = {"context": self._front}
        answer = self._ask("script.evaluate", expression=expression, target=target, awaitPromise=False)
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return cast(dict[str, Any], answer["result"])

    def visit(self, url: str) -> None:
        self._ask("browsingContext.navigate", context=self._front, url=url, wait="complete")

    def run(self, script: str) -> Any:
        answer = self._evaluate(f"JSON.stringify((() => {{ {script} }})() ?? null)")
        return json.loads(answer["value"])

    def click(self, element: str) -> None:
        found = self._evaluate(element)
        if "sharedId" not in found:
            raise Gone(element)
        origin = {"type": "element", "element": {"sharedId": found["sharedId"]}}
        steps = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        pointer = {"type": "pointer", "id": "mouse", "actions": steps}
        self._ask("input.performActions", context=self._front, actions=[pointer])

    def pages(self) -> list[str]:
        return [each["context"] for each in self._ask("browsingContext.getTree", maxDepth=0)["contexts"]]

    def turn_to(self, page: str) -> None:
        self._front = page
        self._ask("browsingContext.activate", context=page)

    def enter(self, frame: str) -> None:
        self._front = self._evaluate(f"({frame}).contentWindow")["value"]["context"]

    def quit(self) -> None:
        self._ask("browser.close")


class WebKit:
    """WebKitGTK's small browser, by W3C WebDriver."""

    def __init__(self, driver: httpx.Client) -> None:
        self._driver = driver
        self._session = ""
        self._session = "/session/" + self._ask("/session", {"capabilities": {}})["sessionId"]

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask for something; with a body it is a command."""
        answer = self._driver.request("GET" if body is None else "POST", self._session + path, json=body)
        value = answer.json()["value"]
        if answer.is_error:
            fault = Gone if value["error"] in GONE else RuntimeError
            raise fault(f"{path}: {value['error']}: {value['message']}")
        return value

    def visit(self, url: str) -> None:
        self._ask("/url", {"url": url})

    def run(self, script: str) -> Any:
        return self._ask("/execute/sync", {"script": script, "args": []})

    def click(self, element: str) -> None:
        found = self.run(f"return {element}")
        if found is None:
            raise Gone(element)
        (name,) = found.values()
        self._ask(f"/element/{name}/click", {})

    def pages(self) -> list[str]:
        return cast(list[str], self._ask("/window/handles"))

    def turn_to(self, page: str) -> None:
        self._ask("/window", {"handle": page})

    def enter(self, frame: str) -> None:
        self._ask("/frame", {"id": self.run(f"return {frame}")})

    def quit(self) -> None:
        self._driver.delete(self._session)


@contextmanager
def firefox(folder: Path) -> Iterator[Engine]:
    """Start Firefox without a screen; its profile is kept in `folder`."""
    (folder / "user.js").write_text(NO_WELCOME)
    command = [_program("firefox-esr", "firefox"), "--headless", "--no-remote", "--profile", str(folder), "about:blank"]
    told = folder / "WebDriverBiDiServer.json"  # where it listens
    with _running([*command, "--remote-debugging-port=0"], {"HOME": str(folder)}):
        address = until(lambda: told.read_text() if told.exists() else "", "Firefox listens")
        where = json.loads(address)
        with connect(f"ws://{where['ws_host']}:{where['ws_port']}/session", max_size=None, proxy=None) as socket:
            engine = Firefox(socket)
            try:
                yield engine
            finally:
                engine.quit()


@contextmanager
def webkit(folder: Path) -> Iterator[Engine]:
    """Start WebKitGTK on a screen of its own; what it keeps goes into `folder`."""
    screen = folder / "screen"
    port = free_port()
    with ExitStack() as stack:
        number = stack.enter_context(screen.open("w"))
        command = [_program("Xvfb"), "-displayfd", str(number.fileno()), "-screen", "0", "1280x900x24"]
        stack.enter_context(_running([*command, "-nolisten", "tcp"], {}, keeps=number.fileno()))
        display = ":" + until(lambda: screen.read_text().strip(), "Xvfb has a screen")
        # Its sandbox wants name spaces of the kernel's that a container mostly refuses; only our own pages are opened.
        variables = {"DISPLAY": display, "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1", "HOME": str(folder)}
        stack.enter_context(_running([_program("WebKitWebDriver"), f"--port={port}"], variables))
        driver = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE))
        until(lambda: _answers(driver), "WebKit's driver listens")
        engine = WebKit(driver)
        try:
            yield engine
        finally:
            engine.quit()


def _answers(driver: httpx.Client) -> bool:
    try:
        return driver.get("/status").is_success
    except httpx.ConnectError:
        return False


def _program(*names: str) -> str:
    found = next((path for name in names if (path := shutil.which(name))), None)
    assert found, f"{names[0]} is not there: make tools installs it, or says what to install"
    return found


@contextmanager
def _running(command: list[str], variables: dict[str, str], *, keeps: int | None = None) -> Iterator[None]:
    """Run a program with these variables more, and with one file left open to it; end it after the block."""
    environment = {**os.environ, **variables}
    kept = () if keeps is None else (keeps,)
    with subprocess.Popen(
        command, env=environment, pass_fds=kept, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE)
