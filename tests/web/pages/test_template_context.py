"""The variables of templates are an interface: what templates use is what the documented contexts have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_origin, get_type_hints

import pytest
from jinja2 import Environment, meta, nodes

from widget.assets import asset_folder
from widget.web.messages.views import MailContext, MessageFormContext, MessageThanksContext
from widget.web.pages.contexts import (
    ClosedContext,
    ErrorContext,
    Everywhere,
    LauncherContext,
    PanelContext,
    StyleContext,
)
from widget.web.surveys.views import FormContext, SurveyEndContext

TEMPLATES = asset_folder("templates")
# Partials get these from the loops they stand in.
IN_LOOPS = {"survey": {"question", "option", "fault", "answers"}, "message": {"field", "fault"}}
OFFERING = {"_ways.html", "_menu.html"}  # stand in pages and launchers that have ways
FUNCTIONS = {"_", "gettext", "ngettext", "number", "stylesheet"}
OURS_ALONE = ("preview.html", "preview_host.html")
CONTEXTS: dict[str, type] = {
    "launcher.html": LauncherContext,
    "panel.html": PanelContext,
    "launcher.css": StyleContext,
    "offers.css": StyleContext,
    "greeting.css": StyleContext,
    "panel.css": StyleContext,
    "page.css": StyleContext,
    "closed.html": ClosedContext,
    "error.html": ErrorContext,
    "survey/form.html": FormContext,
    "survey/thanks.html": SurveyEndContext,
    "survey/expired.html": SurveyEndContext,
    "survey/survey.css": StyleContext,
    "message/form.html": MessageFormContext,
    "message/thanks.html": MessageThanksContext,
    "message/mail.html": MailContext,
    "message/mail_text.html": MailContext,
    "message/message.css": StyleContext,
}


def templates() -> list[Path]:
    found = (each for each in TEMPLATES.rglob("*.*") if each.suffix in (".html", ".css"))
    return sorted(each for each in found if each.parent.name != "console")  # no theme, and nobody's to replace


def used_by(file: Path) -> set[str]:
    tree = Environment(autoescape=True, extensions=["jinja2.ext.i18n"]).parse(file.read_text(encoding="utf-8"))
    set_at_the_top = {
        name.name
        for each in tree.body
        if isinstance(each, nodes.Assign)
        for name in each.find_all(nodes.Name)
        if name.ctx == "store"
    }
    imported = {name for each in tree.find_all(nodes.FromImport) for name in each.names if isinstance(name, str)}
    return set(meta.find_undeclared_variables(tree)) - set_at_the_top - imported


def names(template: str) -> set[str]:
    return set(get_type_hints(CONTEXTS[template]))


@pytest.mark.parametrize("file", templates(), ids=lambda each: each.relative_to(TEMPLATES).as_posix())
def test_a_template_uses_only_what_its_context_has(file: Path) -> None:
    name = file.relative_to(TEMPLATES).as_posix().partition("/")[2]
    if name in OURS_ALONE:
        return
    known = set(get_type_hints(Everywhere)) | FUNCTIONS
    if name in CONTEXTS:
        known |= names(name)
    elif Path(name).name.startswith("_"):
        known |= {"ways"} if name in OFFERING else set()
        folder = name.partition("/")[0]
        known |= IN_LOOPS.get(folder, set()) | (names(f"{folder}/form.html") if folder in IN_LOOPS else set())
    assert used_by(file) <= known


def test_every_field_of_the_launcher_is_used_or_reaches_the_page() -> None:
    assert names("launcher.html") <= used_by(TEMPLATES / "default" / "launcher.html")


def test_every_variable_is_documented() -> None:
    for context in (Everywhere, *CONTEXTS.values()):
        hints = get_type_hints(context, include_extras=True)
        assert [name for name, hint in hints.items() if get_origin(hint) is not Annotated] == []


def test_every_page_template_has_a_context() -> None:
    pages = {
        each.relative_to(TEMPLATES / "default").as_posix()
        for each in (TEMPLATES / "default").rglob("*.html")
        if not each.name.startswith(("_", "preview"))
    }
    assert pages <= set(CONTEXTS)
