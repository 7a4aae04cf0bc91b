"""The trial of a theme renders all that a visitor may meet, and knows what a launcher needs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from widget import settings
from widget.texts import Texts
from widget.themes import Themes
from widget.web.designers.findings import findings
from widget.web.designers.theme_trial import try_theme
from widget.web.pages.pages import Pages

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def pages_of(configured: settings.Settings, folder: Path | None = None) -> Pages:
    return Pages(configured, Themes.load(folder), Texts.load(), clock=lambda: NOW)


@pytest.mark.parametrize("theme", Themes.load().names)
def test_nothing_is_wrong_with_a_theme_as_it_is_shipped(configured: settings.Settings, theme: str) -> None:
    pages = pages_of(configured)
    assert list(try_theme(pages, theme, now=NOW)) == []
    assert list(pages.faults()) == []


@pytest.mark.parametrize("changed", ["default", "bold", "acme"])
def test_a_start_tries_each_theme_that_has_a_file_of_the_operators(
    configured: settings.Settings, tmp_path: Path, changed: str
) -> None:
    (tmp_path / changed).mkdir()
    (tmp_path / changed / "closed.html").write_text("{{ broken }}")
    pages = pages_of(configured, tmp_path)
    findings(pages, now=NOW)
    themes = pages.themes.names if changed == "default" else (changed,)
    assert {each.theme for each in pages.faults()} <= set(themes)
    assert {each.name for each in pages.faults()} == {f"{changed}/closed.html"}


def test_a_form_without_the_field_that_nobody_sees_is_named(configured: settings.Settings, tmp_path: Path) -> None:
    (tmp_path / "default" / "message").mkdir(parents=True)
    (tmp_path / "default" / "message" / "form.html").write_text(
        '<form method="post"><input name="email"><textarea name="text"></textarea></form>'
    )
    named = [each.words for each in findings(pages_of(configured, tmp_path), now=NOW) if "website" in each.words]
    assert len(named) == 1
    assert "message/form.html" in named[0]
    assert "_trap.html" in named[0]
