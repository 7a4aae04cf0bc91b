"""`theme new` and `theme check`, as an operator calls them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.lesser_rights import without
from widget.assets import asset_folder
from widget.cli import main

SETTINGS = """
[server]
public_url = "https://chat.example.com"
[security]
secret_keys = ["a-secret-for-tests-that-is-long-enough"]
[ece]
base_url = "https://ece.example.com/system"
[entry_points.sales]
id = 1001
chat_url = "https://ece.example.com/chat"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ece-widget.toml").write_text(SETTINGS)
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["theme", *arguments, "--config", str(folder / "ece-widget.toml")])


@pytest.mark.parametrize("source", ["default", "bold", "civic", "text"])
def test_a_new_theme_is_a_copy_that_passes_the_check(folder: Path, source: str) -> None:
    result = run(folder, "new", "acme", "--from", source)
    assert result.exit_code == 0
    files = {each.name for each in (folder / "themes" / "acme").iterdir()}
    assert {"theme.toml", "launcher.html", "launcher.css", "closed.html", "error.html", "page.css"} <= files
    result = run(folder, "check")
    assert (result.exit_code, result.output) == (0, f"Nothing to say about {folder / 'themes'}.\n")


def test_a_theme_that_is_there_is_never_overwritten(folder: Path) -> None:
    own = folder / "themes" / "acme" / "theme.toml"
    own.parent.mkdir(parents=True)
    own.write_text("radius = 3")
    result = run(folder, "new", "acme")
    assert result.exit_code == 1
    assert "nothing was written" in result.output
    assert own.read_text() == "radius = 3"
    assert list(own.parent.iterdir()) == [own]


def test_what_is_asked_for_is_copied_alone_and_all_that_can_be_replaced_is_named(folder: Path) -> None:
    result = run(folder, "new", "acme", "survey/form.html", "panel.css")
    assert result.exit_code == 0
    own = folder / "themes" / "acme"
    assert {each.relative_to(own).as_posix() for each in own.rglob("*.*")} == {"survey/form.html", "panel.css"}
    named = set(re.findall(r"[a-z_/]+\.(?:html|css|toml)", result.output))
    ours = asset_folder("templates") / "default"
    shipped = {each.relative_to(ours).as_posix() for each in ours.rglob("*.*")}
    assert named == {each for each in shipped if not each.startswith("preview")}
    assert run(folder, "check").exit_code == 0


def test_a_file_is_added_to_a_theme_and_never_written_over(folder: Path) -> None:
    run(folder, "new", "acme", "closed.html")
    (own := folder / "themes" / "acme" / "closed.html").write_text("mine")
    assert run(folder, "new", "acme", "closed.html", "error.html").exit_code == 1
    assert [each.name for each in own.parent.iterdir()] == ["closed.html"]
    assert run(folder, "new", "acme", "error.html").exit_code == 0
    assert own.read_text() == "mine"
    assert run(folder, "new", "acme", "preview.html").exit_code == 2


@pytest.mark.parametrize("name", ["../evil", "Acme", "a/b", "", "locales", ".hidden", "x" * 65])
def test_a_name_that_is_none_is_wrong_usage(folder: Path, name: str) -> None:
    assert run(folder, "new", name).exit_code == 2
    assert not (folder / "themes").exists()


def test_an_unknown_source_is_wrong_usage_and_names_those_there_are(folder: Path) -> None:
    result = run(folder, "new", "acme", "--from", "unheard-of")
    assert result.exit_code == 2
    assert "default, bold, civic, text" in result.output


def test_the_check_names_what_is_wrong(folder: Path) -> None:
    theme = folder / "themes" / "acme"
    theme.mkdir(parents=True)
    (theme / "closed.html").write_text("{# ece-widget closed.html version 0 #}<p style='x'>{{ broken }}</p>")
    (theme / "theme.toml").write_text('corner = "middle"')
    result = run(folder, "check")
    assert result.exit_code == 1
    for words in ("version 0", "style= on <p>", "'broken' is undefined", "corner = 'middle'"):
        assert words in result.output
    found = json.loads(run(folder, "check", "--json").output)
    assert {each["kind"] for each in found} == {"fault", "warning"}


def test_a_new_theme_makes_the_directory_that_is_written_and_the_check_wants_it_there(folder: Path) -> None:
    with (folder / "ece-widget.toml").open("a") as file:
        file.write('[themes]\ndirectory = "brand"\n')
    checked = run(folder, "check")
    assert checked.exit_code == 2
    assert f'themes.directory = "{folder}/brand": the name of a folder that is there' in checked.output
    assert run(folder, "new", "acme").exit_code == 0
    assert run(folder, "check").output == f"Nothing to say about {folder / 'brand'}.\n"


@pytest.mark.parametrize(
    ("place", "rights"), [("themes", 0o000), ("themes", 0o400), ("themes/acme", 0o000), ("themes/locales", 0o000)]
)
def test_a_folder_that_may_not_be_read_is_named(folder: Path, place: str, rights: int) -> None:
    for file in ("acme/closed.html", "locales/de.po"):
        (folder / "themes" / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / "themes" / file).write_text("")
    (folder / place).chmod(rights)
    lesser = without("dac_override", "dac_read_search")
    command = [*lesser, sys.executable, "-m", "widget", "theme", "check", "--config", str(folder / "ece-widget.toml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    (folder / place).chmod(0o700)
    assert (done.returncode, done.stderr) == (1, "")
    assert f"fault: {folder / place}" in done.stdout
    assert "cannot be read: Permission denied" in done.stdout


LAUNCHER = (asset_folder("templates") / "default" / "launcher.html").read_text(encoding="utf-8")
CSS, PANEL = '<template class="ece-chat-css">{{ css }}</template>', "{{ panel }}"


def faults(folder: Path, files: dict[str, str]) -> list[dict[str, str]]:
    """What the check says of these files beside what it warns of."""
    for name, content in files.items():
        file = folder / "themes" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return [each for each in json.loads(run(folder, "check", "--json").output) if each["kind"] == "fault"]


@pytest.mark.parametrize(
    "template",
    [
        "survey/form.html",
        "survey/thanks.html",
        "survey/expired.html",
        "survey/_option.html",
        "survey/_fault.html",
        "closed.html",
        "error.html",
        "panel.html",
        "launcher.css",
        "survey/survey.css",
    ],
)
def test_the_check_tries_every_template(folder: Path, template: str) -> None:
    (found,) = faults(folder, {f"acme/{template}": "{{ broken }}"})
    assert found["words"].startswith(f"{folder}/themes/acme/{template} (theme acme): line 1: UndefinedError: 'broken'")
    assert found["file"] == f"{folder}/themes/acme/{template}"


@pytest.mark.parametrize(
    "condition",
    [
        "storage_down",
        "faults",
        "first_fault",
        "carried",
        "questions[0].fault and questions[0].fault.code == 'too_long'",
        "questions[0].can_be_emptied",
        "step > 1",
    ],
)
def test_the_check_tries_a_survey_in_every_state(folder: Path, condition: str) -> None:
    form = '{% extends "default:survey/form.html" %}{% block intro %}{% if WHEN %}{{ broken }}{% endif %}{% endblock %}'
    (found,) = faults(folder, {"acme/survey/form.html": form.replace("WHEN", condition)})
    assert "'broken' is undefined" in found["words"]


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        (LAUNCHER.replace('class="ece-chat"', 'class="acme"'), 'element of class "ece-chat" and has none'),
        (f"<div>{LAUNCHER}</div>", 'element of class "ece-chat" and has one inside another'),
        (
            LAUNCHER + LAUNCHER.replace("{% block ", "{% block second_").replace("{%- block ", "{%- block second_"),
            "has 2",
        ),
        (LAUNCHER.replace(CSS, ""), f"write {CSS} first in the root"),
        (LAUNCHER.replace("{{ css }}", ""), 'has an empty <template class="ece-chat-css">'),
        (LAUNCHER.replace(CSS + PANEL, PANEL + CSS), f"write {CSS} first in the root"),
        (LAUNCHER.replace(PANEL, ""), "write {{ panel }} behind the style sheet"),
        (LAUNCHER.replace("ece-chat-button", "button"), 'give the button the class "ece-chat-button"'),
    ],
)
def test_the_check_names_what_a_launcher_lacks(folder: Path, template: str, problem: str) -> None:
    (found,) = faults(folder, {"acme/launcher.html": template})
    assert found["words"].startswith(f"{folder}/themes/acme/launcher.html: ")
    assert problem in found["words"]


@pytest.mark.parametrize(
    ("file", "advice"),
    [
        ("acme/Launcher.html", "rename it to launcher.html"),
        ("acme/launchr.html", "rename it to launcher.html"),
        ("acme/launcher.htm", "rename it to launcher.html"),
        ("acme/survey.css", "rename it to survey/survey.css"),
        ("acme/surveys/form.html", "rename it to survey/form.html"),
        ("acme/theme.tml", "rename it to theme.toml"),
        ("acme/bell.svg", "name it in a template, or delete it"),
        ("launcher.html", "move it into one, as default/"),
    ],
)
def test_the_check_names_files_that_nothing_uses(folder: Path, file: str, advice: str) -> None:
    (found,) = faults(folder, {"acme/theme.toml": "", file: ""})
    assert found["file"] == f"{folder}/themes/{file}"
    assert advice in found["words"]


def test_files_that_are_used_and_notes_are_no_finding(folder: Path) -> None:
    files = {
        "acme/theme.toml": 'icon = "bell.svg"',
        "acme/bell.svg": "<svg><path/></svg>",
        "acme/closed.html": "{% extends 'default:closed.html' %}"
        "{% block header %}{% include 'bits/top.html' %}{% endblock %}"
        '{% block head %}<link rel="stylesheet" href="{{ stylesheet("extra.css") }}">{% endblock %}',
        "acme/bits/top.html": "",
        "acme/extra.css": "",
        "acme/README.md": "",
        "acme/.DS_Store": "",
        "acme/closed.html~": "",
    }
    assert faults(folder, files) == []


def test_without_settings_the_check_is_wrong_usage(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["theme", "check", "--config", str(tmp_path / "none.toml")])
    assert result.exit_code == 2
