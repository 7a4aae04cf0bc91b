"""The npm package says what the script does, weighs little, and can be imported where there is no page."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import widget
from tests.install_tools import ROOT, TYPESCRIPT
from tests.release.npm_types import PACKAGE, TYPES, description, option, types

HERE = Path(__file__).parent / "data" / "npm"
SCRIPT = (ROOT / "static" / "widget.js").read_text(encoding="utf-8")


def run(*command: str, folder: Path = PACKAGE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def listed(pattern: str) -> list[str]:
    """Return the names in a list of the script's."""
    found = re.search(pattern, SCRIPT, re.DOTALL)
    assert found, pattern
    return re.findall(r"[\w-]+", found[1])


def test_the_types_are_made_from_the_description() -> None:
    assert TYPES.read_text(encoding="utf-8") == types()


def test_the_description_has_the_attributes_of_the_script() -> None:
    assert list(description()["attributes"]) == listed(r'const ATTRIBUTES = "(.*?)"')


def test_the_description_has_the_events_of_the_script() -> None:
    fired = {"ece-chat-" + name for name in re.findall(r'\bfire\("(\w+)"', SCRIPT)}
    assert set(description()["events"]) == fired


def test_the_description_has_the_methods_of_the_script() -> None:
    (table,) = re.findall(r"self\.eceChat = \{(.*?)\};", SCRIPT, re.DOTALL)
    assert set(description()["methods"]) == set(re.findall(r"^\s*(\w+): guarded", table, re.MULTILINE))


def test_the_description_has_the_fields_of_the_scripts_decision() -> None:
    assigned = set(re.findall(r"\bdecision\.(\w+) =", SCRIPT))
    (fields,) = re.findall(r'const FIELDS = "(.*?)"', SCRIPT)
    wanted = {"entryPoint", "show", "state", *fields.split(), *assigned}
    assert set(description()["decision"]) == wanted


def test_the_react_component_passes_on_every_option_and_event() -> None:
    text = (PACKAGE / "react.js").read_text(encoding="utf-8")
    (options,) = re.findall(r"options: \{(.*?)\}", text)
    assert set(options.replace(" ", "").split(",")) == {option(name) for name in description()["attributes"]}
    (events,) = re.findall(r"const EVENTS = \[(.*?)\]", text)
    assert {f"ece-chat-{name.lower()}" for name in re.findall(r"\w+", events)} == set(description()["events"])
    assert len(text.splitlines()) < 60


def test_what_would_be_published_is_what_the_package_names_and_needs_nothing() -> None:
    packed = json.loads(run(_npm(), "pack", "--dry-run", "--json", "--offline").stdout)[0]
    about: dict[str, Any] = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))
    assert {each["path"] for each in packed["files"]} == {"package.json", "README.md", *about["files"]}
    assert about["version"] == widget.__version__
    assert "dependencies" not in about
    code = b"".join((PACKAGE / name).read_bytes() for name in about["files"] if name.endswith(".js"))
    assert len(gzip.compress(code)) <= 1_050, "what a site's visitors get"
    assert packed["size"] <= 3_700, "what a developer gets, with types and words"


def test_a_server_may_import_it_and_is_told_that_there_is_no_page() -> None:
    code = """import("./index.js").then(({ loadEceChat }) => loadEceChat("https://chat.example.com"))
        .catch((fault) => console.log(fault.message));"""
    assert run(_node(), "--eval", code).stdout.strip() == "ece-widget: there is no page to load it into"


def check_types(file: str, folder: Path) -> list[int]:
    """Return the lines at which the compiler finds a fault."""
    shutil.copy(HERE / file, folder)
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "ece-widget").symlink_to(PACKAGE)
    assert TYPESCRIPT.exists(), "make tools installs TypeScript, or says what to install"
    options = ["--strict", "--noEmit", "--target", "esnext", "--module", "nodenext", "--moduleDetection", "force"]
    (folder / "package.json").write_text('{"type": "module"}')
    done = run(_node(), str(TYPESCRIPT), *options, "--lib", "esnext,dom", file, folder=folder)
    found = re.findall(rf"^{file}\((\d+),\d+\): error", done.stdout, re.MULTILINE)
    assert len(found) == done.stdout.count("error"), done.stdout
    return sorted({int(line) for line in found})


def test_right_code_passes_the_strict_compiler(tmp_path: Path) -> None:
    assert check_types("right.ts", tmp_path) == []


def test_each_wrong_option_is_a_fault_of_the_compiler(tmp_path: Path) -> None:
    lines = (HERE / "wrong.ts").read_text(encoding="utf-8").splitlines()
    wrong = [number for number, line in enumerate(lines, 1) if line.endswith("// wrong")]
    assert check_types("wrong.ts", tmp_path) == wrong


def _node() -> str:
    return _program("node")


def _npm() -> str:
    return _program("npm")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not there: make tools installs it, or says what to install")
    return found
