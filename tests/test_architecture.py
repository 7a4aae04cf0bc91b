"""Rules of the code that import contracts cannot express."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "widget"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
# One place each for what may change under us, so that one line is enough to move.
ONLY_IN = {
    "httpx": {"widget/ece/client.py", "widget/webhooks"},
    "aiosmtplib": {"widget/mail"},
    "httpcore": {"widget/ece/connection.py"},
    "aiohappyeyeballs": {"widget/ece/connection.py"},
    "lxml": {"widget/ece/wire.py"},
    "itsdangerous": {"widget/tokens.py"},
    "cryptography": {"widget/tokens.py"},
    "redis": {"widget/shared"},
    "babel": {"widget/texts.py", "widget/application/launch.py", "widget/web"},
}
VAGUE = {"utils.py", "util.py", "helpers.py", "manager.py", "base.py", "common.py", "misc.py"}
# Where anything at all may be caught and kept: nothing may stop that loop, or leave that visitor without an answer.
CATCH_ALL = {
    "widget/web/edge/errors.py",
    "widget/application/delivery",
    "widget/application/fleet.py",
    "widget/store/writer.py",
}
# Scripts by design, and statements that a library wants at the top.
STATEMENTS = {"widget/__main__.py", "widget/store/migrations/env.py", "widget/store/schema.py"}


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def imported(module: Path) -> Iterator[str]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def within(name: str, places: set[str]) -> bool:
    return any(name == place or name.startswith(f"{place}/") for place in places)


def functions(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def name_of(module: Path) -> str:
    return str(module.relative_to(ROOT))


def contracts() -> list[dict[str, Any]]:
    """The import contracts as import-linter reads them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return found


def under_contract() -> set[str]:
    """The names of modules and folders whose imports some contract restricts."""
    layers = {
        f"{each['containers'][0]}.{name.strip()}"
        for each in contracts()
        for layer in each.get("layers", ())
        for name in layer.split("|")
    }
    return layers.union(*(each.get("source_modules", ()) for each in contracts()))


def test_every_module_is_under_an_import_contract() -> None:
    names = [".".join(module.relative_to(ROOT).with_suffix("").parts) for module in MODULES]
    held = under_contract()
    free = [name for name in names if not any(f"{name}.".startswith(f"{each}.") for each in held)]
    assert free == ["widget.__init__"], "the version alone stands in no folder"


def test_every_name_in_an_import_contract_is_a_module_of_the_product() -> None:
    lists = ("forbidden_modules", "protected_modules", "allowed_importers")
    others = {
        name for each in contracts() for names in lists for name in each.get(names, ()) if name.startswith("widget.")
    }
    places = [ROOT / name.replace(".", "/") for name in sorted(under_contract() | others)]
    assert [str(each) for each in places if not (each.with_suffix(".py").exists() or each.is_dir())] == []


def test_the_domain_imports_no_third_party() -> None:
    found = {name for each in MODULES if within(name_of(each), {"widget/domain"}) for name in imported(each)}
    assert found - sys.stdlib_module_names == {"widget"}


def test_every_module_has_one_subject_and_says_which() -> None:
    assert [name_of(each) for each in MODULES if each.name in VAGUE] == []
    assert [name_of(each) for each in MODULES if not ast.get_docstring(tree(each))] == []
    lengths = {name_of(each): len(each.read_text(encoding="utf-8").splitlines()) for each in MODULES}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_too_long_to_read_at_once() -> None:
    long = [
        f"{name_of(module)}:{each.lineno} {each.name}"
        for module in MODULES
        for each in functions(module)
        if (each.end_lineno or 0) - each.lineno >= LONGEST_FUNCTION
        and not all(isinstance(line, ast.Expr | ast.Assign | ast.Return) for line in each.body)  # a table to give back
    ]
    assert long == []


def test_every_public_function_says_what_it_is_for() -> None:
    silent = [
        f"{name_of(module)}:{node.lineno} {node.name}"
        for module in MODULES
        for node in tree(module).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and (node.end_lineno or 0) - node.lineno > 4  # a shorter one says it itself
    ]
    assert silent == []


def test_docstrings_begin_with_a_whole_sentence_and_say_return_and_raise() -> None:
    unusual = re.compile(r"^(Say|Give)s? whether\b|^Whether\b|(^|[.;] )[Rr]aises [A-Z]|; give\b", re.MULTILINE)
    found = [
        f"{name_of(module)}:{node.lineno}"
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and unusual.search(ast.get_docstring(node) or "")
    ]
    broken = [
        f"{name_of(module)}: {text.splitlines()[0]}"
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and (text := ast.get_docstring(node) or "")
        and text.partition("\n\n")[0].count("\n")
    ]
    assert (found, broken) == ([], [])


@pytest.mark.parametrize(("library", "places"), ONLY_IN.items(), ids=ONLY_IN)
def test_a_library_that_may_change_is_imported_in_one_place(library: str, places: set[str]) -> None:
    found = {name_of(module) for module in MODULES if library in imported(module)}
    elsewhere = {name for name in found if not within(name, places) and not name.startswith("widget/simulator/")}
    assert elsewhere == set()


def test_nothing_catches_everything_but_the_outermost_loops() -> None:
    caught = [
        f"{name_of(module)}:{node.lineno}"
        for module in MODULES
        if not within(name_of(module), CATCH_ALL)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ExceptHandler)
        and not isinstance(node.body[-1], ast.Raise)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    ]
    assert caught == []


def test_importing_a_module_does_nothing() -> None:
    """Only definitions stand at the top: no call whose result nobody keeps."""
    calls = [
        f"{name_of(module)}:{node.lineno}"
        for module in MODULES
        if name_of(module) not in STATEMENTS
        for node in tree(module).body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ]
    assert calls == []


def test_nothing_is_left_for_later() -> None:
    unfinished = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    texts = [*MODULES, *(ROOT / "static").rglob("*.js"), *(ROOT / "templates").rglob("*.html")]
    assert [str(each) for each in texts if unfinished.search(each.read_text(encoding="utf-8"))] == []


def test_no_browser_test_waits_for_a_time() -> None:
    """It waits for what has to be true: a time is too short on a busy machine, and too long on any other."""
    waiting = [
        file.name for file in (ROOT / "tests" / "browser").glob("*.py") if "wait_for_timeout" in file.read_text()
    ]
    assert waiting == []


def test_the_folders_of_tests_are_those_of_the_product() -> None:
    """`tests/X` tests `widget/X`; whole pages and long proofs have no folder of the product."""
    tests = {file.parent.relative_to(ROOT / "tests") for file in (ROOT / "tests").rglob("test_*.py")}
    product = {module.parent.relative_to(PACKAGE) for module in MODULES}
    assert tests - product == {Path("browser"), Path("soak")}
