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

from tests.browser.standin import ROOT, StubServers

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


def judged(project: Path, folder: str) -> dict[str, str]:
    """Return what the strict compilers say of the examples in a folder; nothing of those that pass."""
    shutil.copy(project / "strict.json", project / folder / "tsconfig.json")
    strict = ["--strict", "--noEmit", "--skipLibCheck", "--target", "esnext", "--module", "esnext"]
    strict += ["--moduleResolution", "bundler", "--lib", "esnext,dom,dom.iterable", "--jsx", "react-jsx"]
    checks = {
        "react": ["tsc", *strict, f"{folder}/react/App.tsx"],
        "angular": ["tsc", *strict, "--experimentalDecorators", f"{folder}/angular/app.ts"],
        "vue": ["vue-tsc", "--noEmit", "--project", folder],
        "svelte": [
            "svelte-check",
            "--fail-on-warnings",
            "--workspace",
            f"{folder}/svelte",
            "--tsconfig",
            "../tsconfig.json",
        ],
    }
    said = {}
    for name, command in checks.items():
        done = subprocess.run(["npx", *command], cwd=project, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            said[name] = done.stdout + done.stderr
    return said


def test_the_examples_pass_the_strict_compilers(project: Path) -> None:
    assert judged(project, "examples") == {}


def test_a_wrong_value_of_an_option_is_a_fault_of_each_compiler(project: Path) -> None:
    shutil.copytree(project / "examples", project / "wrong")
    wrong = {
        "react/App.tsx": ("{...chat}", '{...chat} open="window"'),
        "vue/App.vue": ('v-bind="chat"', 'v-bind="chat" open="window"'),
        "svelte/App.svelte": ("{...chat}", '{...chat} open="window"'),
        "angular/app.ts": ("chat: Attributes = {}", 'chat: Attributes = { open: "window" }'),
    }
    for file, (right, instead) in wrong.items():
        text = (project / "wrong" / file).read_text(encoding="utf-8")
        assert right in text
        (project / "wrong" / file).write_text(text.replace(right, instead), encoding="utf-8")
    said = judged(project, "wrong")
    assert {name: '"window"' in each for name, each in said.items()} == {
        "react": True,
        "vue": True,
        "svelte": True,
        "angular": True,
    }


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


@pytest.mark.parametrize(
    ("name", "file"), [("turbo", "@hotwired/turbo/dist/turbo.es2017-umd.js"), ("htmx", "htmx.org/dist/htmx.js")]
)
def test_the_pages_that_a_router_swaps_have_their_launchers_as_they_stand(
    at: StubServers, page: Page, project: Path, name: str, file: str
) -> None:
    script = (project / "node_modules" / file).read_text(encoding="utf-8")
    at.site.page(f"/assets/{name}.js", script, {"Content-Type": "text/javascript; charset=utf-8"})
    for each in (project / "examples" / name).glob("*.html"):
        at.site.page(f"/{each.name}", each.read_text(encoding="utf-8").replace("https://chat.example.com", at.origin))
    page.goto(f"{at.site.origin}/index.html")
    page.evaluate("window.loadedOnce = true")
    for link, wanted in [("Help", ["sales"]), ("Home", ["sales", "support"])] * 2 + [("", ["sales"])]:
        expect(page.locator(BUTTON)).to_have_count(len(wanted))
        page.wait_for_timeout(300)
        assert sorted(each["entry-point"] for each in launchers(page)) == wanted
        if link:
            page.get_by_role("link", name=link).click()
    assert page.evaluate("window.loadedOnce"), "nothing was loaded anew"
