"""One contract for all frameworks: the examples as they stand, with the package as `npm install` takes it.

What npm installs is locked in tests/soak/frameworks. The lock names no registry, and nothing of it runs at the install.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.standin import ROOT, StubServers, lab
from tests.chromium import chromium

BUTTON = ".ece-chat-button"
FRAMEWORKS = ["react-18", "react-19", "vue", "svelte", "angular"]
SALES = {"entryPoint": "sales"}
CHANGES: list[dict[str, str | None]] = [
    {"locale": "de"},
    {"theme": "bold"},
    {"scheme": "dark"},
    {"open": "tab"},
    {"entryPoint": "support"},
    {"locale": None, "open": None},
]
# Not of Vue, which at the end takes its root out of the page, and not an element that has moved out of it.
TARGETS: list[dict[str, str | None]] = [{"target": "#slot"}, {"target": None}]
# Options as attributes: entryPoint → entry-point.
AS_ATTRIBUTES = """window.asAttributes = (options) => Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name.replace(/[A-Z]/g, "-$&").toLowerCase(), value]));"""


def npm(folder: Path, *arguments: str) -> str:
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    return _run(folder, "npm", *arguments, *quiet)


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the examples and the packed package installed."""
    folder = tmp_path_factory.mktemp("frameworks") / "project"
    shutil.copytree(ROOT / "tests" / "soak" / "frameworks", folder)
    shutil.copytree(ROOT / "examples", folder / "examples")
    npm(folder, "ci")
    packed = npm(folder, "pack", "--silent", "./examples/npm").strip()
    npm(folder, "install", "--no-save", "--no-package-lock", f"./{packed}")
    return folder


@pytest.fixture(scope="module")
def built(project: Path) -> Path:
    _run(project, "node", "build.mjs")
    return project / "built"


@pytest.fixture(scope="module")
def at() -> Iterator[StubServers]:
    with lab() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page on which nothing is thrown and nothing is complained about."""
    page = browser.new_page()
    said: list[str] = []
    page.on("pageerror", lambda fault: said.append(str(fault)))
    page.on("console", lambda line: said.extend([line.text] if line.type in ("error", "warning") else []))
    yield page
    page.close()
    assert said == []


def open_page(at: StubServers, page: Page, script: str, body: str = "") -> None:
    at.site.page("/script.js", script, {"Content-Type": "text/javascript; charset=utf-8"})
    page.goto(at.page(f'{body}<div id="slot"></div><script>{AS_ATTRIBUTES}</script><script src="/script.js"></script>'))


def tell(page: Page, verb: str, at: StubServers, where: str, chat: dict[str, Any]) -> None:
    """Mount into a new place, hydrate one, or change what is mounted."""
    given = {"server": at.origin, "page": where, "chat": chat}
    page.evaluate(
        """async ([verb, given]) => {
            const main = document.querySelector("main");
            const place = verb == "change" ? null : main.appendChild(document.createElement("div"));
            await app[verb](given, place);
        }""",
        [verb, given],
    )


def launchers(page: Page) -> list[dict[str, str]]:
    """Return the attributes of each launcher, without those that the script sets for itself."""
    found: list[dict[str, str]] = page.evaluate(
        """[...document.querySelectorAll("ece-chat")].map((each) => Object.fromEntries(each.getAttributeNames()
            .filter((name) => !/^(data-|hidden)/.test(name)).map((name) => [name, each.getAttribute(name)])))"""
    )
    return found


def hold(at: StubServers, page: Page, framework: str, verb: str) -> None:
    """Mount by this verb, change every option, walk through the routes, and unmount."""
    chat: dict[str, Any] = dict(SALES)
    tell(page, verb, at, "help", chat)
    expect(page.locator(BUTTON)).to_be_visible()
    for change in CHANGES if framework == "vue" else CHANGES + TARGETS:
        chat |= change
        tell(page, "change", at, "help", chat)
        kept = {name: value for name, value in chat.items() if value is not None}
        wanted = page.evaluate("asAttributes", kept)
        expect(page.locator("ece-chat")).to_have_count(1)
        assert launchers(page) == [wanted]
        expect(page.locator(BUTTON)).to_be_visible()
    for where, count in (("home", 0), ("help", 1), ("home", 0), ("help", 1)):
        tell(page, "change", at, where, chat)
        expect(page.locator(BUTTON)).to_have_count(count)
    page.evaluate("app.unmount()")
    expect(page.locator("ece-chat")).to_have_count(0)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_mounted_example_has_its_launcher_and_an_unmounted_one_has_none(
    at: StubServers, page: Page, built: Path, framework: str
) -> None:
    open_page(at, page, (built / f"{framework}.js").read_text(encoding="utf-8"))
    for _ in range(2):
        hold(at, page, framework, "mount")
    page.wait_for_timeout(500)  # nothing of an earlier life comes back
    expect(page.locator("ece-chat")).to_have_count(0)


@pytest.mark.parametrize("framework", ["react-18", "react-19", "vue"])
def test_what_a_server_has_rendered_is_taken_over_without_a_warning(
    at: StubServers, page: Page, built: Path, framework: str
) -> None:
    open_page(at, page, (built / f"{framework}.js").read_text(encoding="utf-8"))
    hold(at, page, framework, "hydrate")


def test_the_examples_pass_the_strict_compilers(project: Path) -> None:
    strict = ["--strict", "--noEmit", "--skipLibCheck", "--target", "esnext", "--module", "esnext"]
    strict += ["--moduleResolution", "bundler", "--lib", "esnext,dom,dom.iterable", "--jsx", "react-jsx"]
    code = ["examples/react/App.tsx", "examples/angular/app.ts"]
    _run(project, "npx", "tsc", *strict, "--experimentalDecorators", *code)
    shutil.copy(project / "strict.json", project / "tsconfig.json")
    _run(project, "npx", "vue-tsc", "--noEmit")
    _run(
        project,
        "npx",
        "svelte-check",
        "--fail-on-warnings",
        "--workspace",
        "examples/svelte",
        "--tsconfig",
        "../../tsconfig.json",
    )


def visit(page: Page, path: str, how: str) -> None:
    page.evaluate(how, path)
    page.wait_for_function("(path) => document.querySelector('h1').textContent == path", arg=path)


SWUP = """(path) => {
  window.router ||= new Swup({ animationSelector: false, plugins: [new SwupScriptsPlugin({ head: false })] });
  router.navigate(path);
}"""


@pytest.mark.parametrize(
    ("files", "how"),
    [
        (["@hotwired/turbo/dist/turbo.es2017-umd.js"], "(path) => Turbo.visit(path)"),
        (["htmx.org/dist/htmx.js"], "(path) => htmx.ajax('GET', path, { target: 'body', swap: 'innerHTML' })"),
        (["swup/dist/Swup.umd.js", "@swup/scripts-plugin/dist/index.umd.js"], SWUP),
    ],
    ids=["turbo", "htmx", "swup"],
)
def test_each_visit_has_the_launchers_of_its_page(
    at: StubServers, page: Page, project: Path, files: list[str], how: str
) -> None:
    script = "\n".join((project / "node_modules" / file).read_text(encoding="utf-8") for file in files)
    at.site.page("/router.js", script, {"Content-Type": "text/javascript; charset=utf-8"})
    element = '<ece-chat entry-point="support"></ece-chat>'
    pages = {"/sales": at.tag(), "/support": at.tag('data-entry-point="support"'), "/both": at.tag() + element}
    for path, body in pages.items():
        document = (
            f'<!doctype html><html lang="en"><head><title>{path}</title><script src="/router.js"></script></head>'
        )
        at.site.page(path, f'{document}<body><div id="swup"><main><h1>{path}</h1></main>{body}</div></body></html>')
    page.goto(at.site.origin + "/sales")
    expect(page.locator(BUTTON)).to_have_count(1)
    for path, wanted in [("/support", ["support"]), ("/both", ["sales", "support"]), ("/sales", ["sales"])] * 2:
        visit(page, path, how)
        expect(page.locator(BUTTON)).to_have_count(len(wanted))
        page.wait_for_timeout(300)
        assert sorted(each["entry-point"] for each in launchers(page)) == wanted
