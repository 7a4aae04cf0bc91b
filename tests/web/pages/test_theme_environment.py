"""Compiled templates are shared by all environments of the process: never code of another text, name or theme."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import TemplateSyntaxError

from widget.texts import Texts
from widget.themes import Themes
from widget.web.pages.templating import TemplateFault, Templates
from widget.web.pages.theme_environment import ThemeEnvironment


def environment(folder: Path) -> ThemeEnvironment:
    return ThemeEnvironment(Themes.load(folder), shipped_only=False)


def write(folder: Path, theme: str, text: str) -> None:
    (folder / theme).mkdir(parents=True, exist_ok=True)
    (folder / theme / "badge.html").write_text(text)


def test_an_environment_that_finds_the_same_text_does_not_compile_it_again(tmp_path: Path) -> None:
    write(tmp_path, "acme", "first")
    first, second = (environment(tmp_path).named("acme", "badge.html") for _ in range(2))
    assert first.render() == second.render() == "first"
    assert first.root_render_func.__code__ is second.root_render_func.__code__


def test_an_edited_template_is_compiled_anew_and_so_is_its_older_text(tmp_path: Path) -> None:
    rendered = []
    for text in ("first", "second", "first"):
        write(tmp_path, "acme", text)
        rendered.append(environment(tmp_path).named("acme", "badge.html").render())
    assert rendered == ["first", "second", "first"]


def test_an_edited_template_with_a_syntax_error_is_not_answered_by_its_older_self(tmp_path: Path) -> None:
    write(tmp_path, "acme", "first")
    environment(tmp_path).named("acme", "badge.html")
    write(tmp_path, "acme", "{% if %}")
    with pytest.raises(TemplateSyntaxError):
        environment(tmp_path).named("acme", "badge.html")


def test_files_of_the_same_name_stay_those_of_their_folder_and_theme(tmp_path: Path) -> None:
    for place, theme in (("one", "acme"), ("one", "other"), ("two", "acme")):
        write(tmp_path / place, theme, f"{place} {theme}")
    one, two = environment(tmp_path / "one"), environment(tmp_path / "two")
    assert [one.named("acme", "badge.html").render(), one.named("other", "badge.html").render()] == [
        "one acme",
        "one other",
    ]
    assert two.named("acme", "badge.html").render() == "two acme"


def test_a_start_waits_for_changed_themes_alone_and_the_rest_is_compiled_behind_it(tmp_path: Path) -> None:
    (tmp_path / "bold").mkdir()
    (tmp_path / "bold" / "launcher.html").write_text("{% if %}")
    reported: list[TemplateFault] = []
    templates = Templates(Themes.load(tmp_path), Texts.load(tmp_path), on_failure=reported.append)
    assert [each.theme for each in reported] == ["bold"]
    assert {name.partition(":")[0] for name in compiled(templates)} == {"bold"}
    templates.warm_up()
    assert {name.partition(":")[0] for name in compiled(templates)} == set(Themes.load(tmp_path).names)
    assert len(reported) == 1


def compiled(templates: Templates) -> list[str]:
    cache = templates._full.cache
    assert cache is not None
    return [name for _, name in cache]
