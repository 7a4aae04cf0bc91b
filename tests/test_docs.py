"""What is written for operators agrees with the code: the commented settings, the README's tables and its links."""

from __future__ import annotations

import re
import tomllib
import types
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import widget
from tests.release.settings_page import PAGE, page
from widget import settings
from widget.cli import COMMANDS
from widget.settings.meanings import MEANINGS
from widget.settings.model import HoursSettings
from widget.settings.reference import all_settings
from widget.settings.surveys import QuestionSettings
from widget.settings.values import PLACEHOLDER

ROOT = Path(__file__).parent.parent
EXAMPLE = (ROOT / "examples" / "widget.toml").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    *sorted(
        page for folder in (".github", "examples", "static", "templates") for page in (ROOT / folder).rglob("*.md")
    ),
]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FILLED_IN = EXAMPLE.replace(PLACEHOLDER, "a-secret-for-tests-that-is-long-enough")
FILES = ("ca_file", "client_cert", "client_key")  # named in the example, not there
# Shown with a sample, since "nothing" shows nobody how to write it.
SAMPLES = re.compile(r"entry_points\.NAME\.((hours|instead|greeting)\..*|locales)|(surveys|messages)\..*")


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The settings class inside `X`, `X | None`, `dict[str, X]` or `tuple[X, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    parts = get_args(annotation) if isinstance(annotation, types.UnionType) or get_args(annotation) else ()
    return next((found for part in parts if (found := model_of(part))), None)


def fields(model: type[BaseModel] = settings.Settings, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting with its place, as `entry_points.NAME.hours.monday`."""
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        inner = model_of(field.annotation)
        if inner is None:
            yield prefix + name, field
        else:
            named = "NAME." if "dict[" in str(field.annotation) else ""
            yield from fields(inner, f"{prefix}{name}.{named}")


def optional(key: str, field: FieldInfo) -> bool:
    """Whether there is no default to show: the setting is required, off unless written, or shown with a sample."""
    return field.is_required() or field.default is None or SAMPLES.fullmatch(key) is not None


def switched_on(text: str) -> str:
    """The text with every setting that is commented out taken in."""
    return re.sub(r"^#(?=[a-z_]+ = |\[)", "", text, flags=re.MULTILINE)


@cache
def everything() -> dict[str, Any]:
    return tomllib.loads(switched_on(EXAMPLE))


def written(key: str, table: Any) -> list[Any]:
    """The values that stand at this place, one for each question where there are several."""
    found = [table]
    for part in key.split("."):
        found = [each for value in found for each in (value if isinstance(value, list) else [value])]
        found = [
            each
            for value in found
            for each in (value.values() if part == "NAME" else [value[part]] if part in value else [])
        ]
    return found


def test_the_commented_settings_have_every_key_of_the_model() -> None:
    assert [key for key, _ in fields() if not written(key, everything())] == []


def test_the_commented_settings_are_good_settings_as_they_stand_and_with_everything_on(tmp_path: Path) -> None:
    settings.parse(tomllib.loads(FILLED_IN), directory=tmp_path)
    table = tomllib.loads(switched_on(FILLED_IN))
    for section in (table["ece"], table["smtp"], table["webhooks"]["crm"]):
        for key in FILES:
            section.pop(key, None)
    settings.parse(table, directory=tmp_path)


def test_the_secret_that_the_commented_settings_show_is_refused(tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsFaults) as refused:
        settings.parse(tomllib.loads(EXAMPLE), directory=tmp_path)
    (fault,) = refused.value.faults
    assert fault.key == "security.secret_keys.0"
    assert "placeholder" in fault.allowed
    assert "ece-widget init" in fault.allowed
    assert PLACEHOLDER not in str(fault)


@pytest.mark.parametrize(("key", "field"), [each for each in fields() if not optional(*each)])
def test_what_is_commented_out_is_the_default(key: str, field: FieldInfo, tmp_path: Path) -> None:
    (raw,) = written(key, everything())
    table = tomllib.loads(FILLED_IN)
    assert not written(key, table), f"{key} is written out although it is the default"
    if key in ("storage.url", "themes.directory"):
        default = field.default.get_secret_value() if key == "storage.url" else str(field.default)
        assert raw == default
        return
    as_shipped = settings.parse(table, directory=tmp_path)
    node: dict[str, Any] = table
    *path, last = ("sales" if part == "NAME" else part for part in key.split("."))
    for part in path:
        node = node.setdefault(part, {})
    node[last] = raw
    assert settings.parse(table, directory=tmp_path) == as_shipped


def test_every_setting_in_the_example_has_a_comment_above_it() -> None:
    lines = EXAMPLE.splitlines()
    days = tuple(HoursSettings.model_fields)[2:]  # Tuesday to Sunday stand under Monday's comment
    followers = {
        "client_key",
        "max_queue_depth",
        "min_capacity",
        "show_position",
        "special",
        "kind",
        "text",
        "value",
        *days,
    }
    first = re.compile(r"#?([a-z_]+) = ")
    bare = [
        match[1]
        for above, line in pairwise(lines)
        if (match := first.match(line))
        and not above.startswith(("# ", "#[[", "#[surveys"))
        and match[1] not in followers
    ]
    assert [key for key in bare if key not in QuestionSettings.model_fields] == []


# The README


def table_under(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading of the README."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[2:]]


def test_the_page_of_settings_is_made_from_the_model() -> None:
    """Where this fails: python -m tests.release.settings_page."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_setting_has_a_meaning_and_every_meaning_a_setting() -> None:
    assert [each.key for each in all_settings()] == [key for key, _ in fields()]
    assert set(MEANINGS) == {each.key for each in all_settings()}
    assert [key for key, meaning in MEANINGS.items() if not meaning] == []


def test_the_commands_table_has_every_command() -> None:
    rows = {row[0].strip("`").split()[0] for row in table_under("Commands")}
    assert rows == set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = {page.parent / target for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text)}
    targets |= {ROOT / name for name in re.findall(r"`((?:widget|tests|examples|templates|static)/[\w./-]+)`", text)}
    assert [target for target in sorted(targets) if not target.exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_heading_that_a_page_points_to_is_there(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text(encoding="utf-8"))
    assert [
        (file, anchor) for file, anchor in links if anchor not in anchors(page.parent / file if file else page)
    ] == []


def anchors(page: Path) -> set[str]:
    """Return the names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_index_of_the_examples_names_each_of_them() -> None:
    index = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    named = {target.split("/")[0] for target in re.findall(r"\]\(([^)#]+)\)", index)}
    assert {each.name for each in (ROOT / "examples").iterdir()} - named <= {"README.md", "pictures"}


@pytest.mark.parametrize("page", sorted((ROOT / "examples").glob("*/index.html")), ids=lambda page: page.parent.name)
def test_the_page_of_an_example_is_one_click_from_its_guide(page: Path) -> None:
    assert "](index.html)" in (page.parent / "README.md").read_text(encoding="utf-8")


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len(README.splitlines()) < 200


def test_the_module_map_has_every_folder_and_module_and_no_other() -> None:
    cells = " ".join(row[0] for row in table_under("Reading the code"))
    named = re.findall(r"`([a-z_/.]+)`", cells)
    package = ROOT / "widget"
    there = {
        f"{each.relative_to(package)}{'/' if each.is_dir() else ''}"
        for each in [*package.iterdir(), *(package / "web").iterdir()]
        if (each.is_dir() and each.name != "__pycache__") or (each.suffix == ".py" and each.name != "__init__.py")
    }
    assert there - {"web/"} == set(named)
    assert len(named) == len(set(named))


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = re.search(r"^## ([0-9.]+)", changelog, re.MULTILINE)
    assert heading is not None
    assert heading[1] == widget.__version__
