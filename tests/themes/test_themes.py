"""Themes: which file is found, what theme.toml may say, icons, versions, contrast, and markup that would be blocked."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget.assets import asset_folder
from widget.themes import Themes
from widget.themes.design import Colours, contrast
from widget.themes.icons import ICONS, IconRefused, clean_icon
from widget.themes.markup import IN_A_LAUNCHER
from widget.themes.versions import version_of

SHIPPED = Themes.load()
NAMES = ("default", "bold", "civic", "text")


def write(directory: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    return directory


def said(themes: Themes) -> str:
    return "\n".join(map(str, [*themes.faults, *themes.warnings()]))


def test_there_are_four_themes_and_nothing_is_wrong_with_them() -> None:
    assert SHIPPED.names == NAMES
    assert said(SHIPPED) == ""


@pytest.mark.parametrize("theme", NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_shipped_theme_can_be_read_in_light_and_dark(theme: str, scheme: str) -> None:
    colours: Colours = getattr(SHIPPED.designs[theme], scheme)
    assert list(colours.too_close()) == []


def test_contrast_is_reckoned_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#0b5cad", "#0b5cad") == 1


def test_the_themes_differ_on_purpose() -> None:
    designs = [SHIPPED.designs[name] for name in NAMES]
    for trait in ("light", "dark", "radius", "font"):
        assert len({getattr(each, trait) for each in designs}) == len(NAMES), trait


def test_the_operators_theme_comes_first_then_ours_then_the_operators_default(tmp_path: Path) -> None:
    write(tmp_path, {"civic/closed.html": "a", "default/closed.html": "b", "default/error.html": "c"})
    themes = Themes.load(tmp_path)
    assert [(each.owner, each.theme) for each in themes.chains["civic"]] == [
        ("operator", "civic"),
        ("shipped", "civic"),
        ("operator", "default"),
        ("shipped", "default"),
    ]
    assert themes.names == NAMES
    replaced = themes.replaced("civic", "page.css")
    assert replaced is not None
    assert replaced.theme == "civic"


@pytest.mark.parametrize(
    ("asked", "given_"),
    [
        ("bold", "bold"),
        (None, "civic"),
        ("unheard-of", "civic"),
        ("../../etc", "civic"),
        ("Bold", "civic"),
        ("bold/../text", "civic"),
        ("bold\x00", "civic"),
        ("b" * 10_000, "civic"),
        ("", "civic"),
    ],
)
def test_an_odd_or_unknown_theme_gets_the_entry_points_own(asked: str | None, given_: str) -> None:
    assert SHIPPED.resolve(asked, "civic") == given_


@given(st.text())
def test_any_name_gets_a_theme_there_is(name: str) -> None:
    assert SHIPPED.resolve(name, name) in SHIPPED.names


def test_a_missing_directory_is_no_fault(tmp_path: Path) -> None:
    assert said(Themes.load(tmp_path / "themes")) == ""


def test_a_theme_is_named_by_its_folder_and_odd_folders_are_named_as_faults(tmp_path: Path) -> None:
    write(tmp_path, {"acme/theme.toml": "", "Acme Corp/theme.toml": "", "locales/de.po": "", ".git/x.html": ""})
    themes = Themes.load(tmp_path)
    assert set(themes.names) == {*NAMES, "acme"}
    assert len(themes.faults) == 1
    assert "Acme Corp: is no name for a theme" in said(themes)


def test_theme_toml_needs_only_what_differs(tmp_path: Path) -> None:
    write(
        tmp_path, {"acme/theme.toml": 'corner = "top-left"\noffset_x = 7\n[light]\naccent = "#A00"\non_accent = "#fff"'}
    )
    design = Themes.load(tmp_path).designs["acme"]
    assert (design.corner, design.offset_x, design.offset_y) == ("top-left", 7, 20)
    assert design.light.accent == "#aa0000"
    assert design.light.text == SHIPPED.designs["default"].light.text


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('corner = "middle"', "corner = 'middle' cannot be used; one of bottom-right"),
        ("offset_x = -1", "offset_x = '-1' cannot be used; a whole number of CSS pixels from 0 to 200"),
        ("radius = true", "radius = 'True'"),
        ('font = "x;} body{display:none"', "font families between commas, without quotes"),
        ('icon = "../secret.svg"', "icon = '../secret.svg' cannot be used; one of chat"),
        ('icon = "logo.svg"', "the theme has no such file"),
        ('[light]\ntext = "red"', "light.text = 'red' cannot be used; a colour as #rgb or #rrggbb"),
        ('[light]\ninkk = "#000"', "light.inkk is not a key of a theme"),
        ("colour = 1", "colour is not a key of a theme"),
        ("scheme = ", "is not TOML"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_and_ours_stands(tmp_path: Path, line: str, fault: str) -> None:
    write(tmp_path, {"acme/theme.toml": line})
    themes = Themes.load(tmp_path)
    assert fault in said(themes)
    assert themes.designs["acme"].light == SHIPPED.designs["default"].light


def test_colours_that_cannot_be_told_apart_are_named(tmp_path: Path) -> None:
    write(tmp_path, {"acme/theme.toml": '[light]\naccent = "#fafafa"'})
    assert "[light] on_accent on accent has a contrast of 1.04, 4.5 is needed" in said(Themes.load(tmp_path))


def test_a_corner_by_reading_direction_changes_sides(tmp_path: Path) -> None:
    design = SHIPPED.designs["default"]
    assert (design.corner_in("ltr"), design.corner_in("rtl")) == ("bottom-right", "bottom-left")
    write(tmp_path, {"acme/theme.toml": 'corner = "bottom-right"'})
    assert Themes.load(tmp_path).designs["acme"].corner_in("rtl") == "bottom-right"


def test_a_dark_theme_is_dark_for_everybody(tmp_path: Path) -> None:
    write(tmp_path, {"acme/theme.toml": 'scheme = "dark"'})
    design = Themes.load(tmp_path).designs["acme"]
    assert design.light == design.dark == SHIPPED.designs["default"].dark


def test_an_icon_of_shapes_is_taken_as_it_is() -> None:
    source = (
        '<?xml version="1.0"?><!-- mine --><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2"><title>x</title>'
        '<g fill="#a00"><path d="M0 0h2"/></g></svg>'
    )
    assert clean_icon(source) == '<svg viewBox="0 0 2 2" aria-hidden="true"><g fill="#a00"><path d="M0 0h2"/></g></svg>'
    assert all(clean_icon(each) for each in ICONS.values())


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("<svg><script>alert(1)</script></svg>", "<script>"),
        ('<svg onload="alert(1)"/>', "onload"),
        ('<svg><path style="fill:red"/></svg>', "style"),
        ('<svg><path fill="url(#a)"/></svg>', "fill"),
        ('<svg><image href="https://x/y.png"/></svg>', "<image>"),
        ('<svg><use href="#a"/></svg>', "<use>"),
        ('<svg><a href="javascript:x"><path/></a></svg>', "<a>"),
        ("<svg><style>*{}</style></svg>", "<style>"),
        ("<svg><foreignObject><p>hi</p></foreignObject></svg>", "<foreignobject>"),
        ('<!DOCTYPE svg [<!ENTITY a "b">]><svg/>', "declaration"),
        ("<svg>words</svg>", "text"),
        ("<svg><path></svg>", "closes"),
        ("<svg/>", "no shape"),
        ("<svg><g><title>nothing</title></g></svg>", "no shape"),
        ("<svg/><svg/>", "<svg>"),
        ("<svg>", "complete"),
        ("<p>hi</p>", "<p>"),
        ("", "complete"),
        ("<svg>" + "<g>" * 9000, "larger"),
    ],
)
def test_an_icon_with_anything_else_is_refused(source: str, reason: str) -> None:
    with pytest.raises(IconRefused) as refused:
        clean_icon(source)
    assert reason in str(refused.value)


def test_a_refused_icon_is_a_fault_and_ours_stands(tmp_path: Path) -> None:
    write(tmp_path, {"acme/theme.toml": 'icon = "logo.svg"', "acme/logo.svg": "<svg><script/></svg>"})
    themes = Themes.load(tmp_path)
    assert "logo.svg: has the element <script>" in said(themes)
    assert themes.designs["acme"].icon == ICONS["chat"]


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A shipped folder in which the closed page is at version 3."""
    changes = '["closed.html"]\n2 = "The reason has a heading."\n3 = "The opening time has a zone."\n'
    folder = tmp_path / "shipped"
    write(folder, {"changes.toml": changes, "default/closed.html": "{# ece-widget closed.html version 3 #}\n"})
    (folder / "default" / "theme.toml").write_text((asset_folder("templates") / "default" / "theme.toml").read_text())
    return folder


def test_an_override_made_for_an_older_version_is_named_with_what_changed(tmp_path: Path, older: Path) -> None:
    themes = write(tmp_path / "themes", {"acme/closed.html": "{# ece-widget closed.html version 2 #}\n<p>closed</p>"})
    words = said(Themes.load(themes, shipped=older))
    assert (
        "acme/closed.html: was made for version 2; ours is version 3. Version 3: The opening time has a zone;" in words
    )
    assert "Version 2" not in words


def test_an_override_that_is_up_to_date_or_of_a_file_of_its_own_is_not_named(tmp_path: Path, older: Path) -> None:
    files = {"acme/closed.html": "{# ece-widget closed.html version 3 #}", "acme/extra.html": "<p>"}
    assert said(Themes.load(write(tmp_path / "themes", files), shipped=older)) == ""


def test_an_override_that_does_not_say_its_version_is_named(tmp_path: Path, older: Path) -> None:
    themes = Themes.load(write(tmp_path / "themes", {"acme/closed.html": "<p>"}), shipped=older)
    assert "add the line {# ece-widget closed.html version 3 #}" in said(themes)


def test_every_shipped_template_says_its_version_and_its_changes_are_told() -> None:
    changes = SHIPPED._changes
    for theme in NAMES:
        layer = next(each for each in SHIPPED.chains[theme] if each.owner == "shipped" and each.theme == theme)
        for file, source in layer.files.items():
            if file.endswith((".html", ".css")) and not file.startswith("preview"):
                version = version_of(source)
                assert version is not None, f"{theme}/{file}"
                assert set(range(2, version + 1)) <= set(changes.get(file, {})), f"{theme}/{file}"


@pytest.mark.parametrize(
    ("file", "source", "problem"),
    [
        ("closed.html", "\n<style>p{}</style>", "line 2: <style>"),
        ("closed.html", '<p style="x">', "style= on <p>"),
        ("closed.html", '<p onclick="x()">', "onclick= on <p>"),
        ("closed.html", "{# a\nb #}{% if state %}\n<script>x()</script>{% endif %}", "line 3: <script> with code"),
        ("closed.html", '<a href="{{ reason }}" /><a href=" JavaScript:x()">', "href= with javascript: on <a>"),
        ("closed.html", '<iframe src="https://example.com">', "<iframe>"),
        ("launcher.html", '<img src="/logo.png">', "<img> in a launcher"),
        ("launcher.html", "<table></table>", "<table> in a launcher: the script leaves it out"),
        ("panel.html", '<svg><use href="#a"/></svg>', "<use> in a launcher: the script leaves it out"),
        ("launcher.css", "a{}\n.x{background:URL(data:x)}", "line 2: url()"),
        ("page.css", '@import "x.css";', "@import"),
    ],
)
def test_markup_that_a_strict_policy_blocks_is_named(tmp_path: Path, file: str, source: str, problem: str) -> None:
    version = version_of(SHIPPED.chains["default"][0].files[file])
    line = f"{{# ece-widget {file} version {version} #}}"
    themes = Themes.load(write(tmp_path, {f"acme/{file}": line + source}))
    assert problem in said(themes)
    assert len(themes.warnings()) == 1


def test_a_mail_may_have_styles_and_no_code(tmp_path: Path) -> None:
    first = "{# ece-widget message/mail.html version 2 #}"
    styled = '<style>p{}</style><p style="margin:0">{{ subject }}</p>'
    assert Themes.load(write(tmp_path, {"acme/message/mail.html": first + styled})).warnings() == ()
    themes = Themes.load(write(tmp_path, {"acme/message/mail.html": first + '<p onclick="x()">'}))
    assert "onclick= on <p>" in said(themes)


def test_the_check_and_the_script_know_the_same_elements() -> None:
    script = (asset_folder("static") / "widget.js").read_text()
    (listed,) = re.findall(r"const ELEMENTS =\s*/\^\(([^/]*)\)\$/;", script)
    assert listed == IN_A_LAUNCHER.pattern


def test_no_shipped_template_has_markup_that_a_strict_policy_blocks(tmp_path: Path) -> None:
    for name in NAMES:
        for file in (asset_folder("templates") / name).rglob("*.*"):
            if file.name == "preview.html":
                continue  # ours alone, and the one page with frames
            copy = tmp_path / name / file.relative_to(asset_folder("templates") / name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    assert said(Themes.load(tmp_path)) == ""


def test_a_file_too_large_or_not_text_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"acme/closed.html": "x" * 300_000})
    (tmp_path / "acme" / "error.html").write_bytes(b"\xff\xfe")
    themes = Themes.load(tmp_path)
    assert "closed.html: cannot be read: is larger than 256 KiB" in said(themes)
    assert "error.html: cannot be read" in said(themes)
    assert json.dumps([str(each) for each in themes.faults])
