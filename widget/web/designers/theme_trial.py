"""Render every template of a theme in every state it can be in, so that a fault shows before a visitor meets it.

A launcher is also read as `widget.js` reads it: one root, in it the style sheet, the panel and a button. The script
says nothing when one of them is missing: without a root there is no button, without a style sheet it has no style, and
without a panel each docked chat opens in a window.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser

from widget.domain.answers import FaultCode, FieldFault, Fields
from widget.domain.message import CONSENT, EMAIL, TEXT
from widget.domain.survey import Survey
from widget.settings.surveys import SurveySettings
from widget.themes import ThemeRemark
from widget.web.designers.message_samples import every_fault, message_pages, sample_mails
from widget.web.designers.samples import STATES, sample
from widget.web.designers.survey_samples import survey_pages
from widget.web.edge.headers import nonce
from widget.web.messages.mails import render_mail
from widget.web.messages.routes import FORM
from widget.web.messages.views import FORM_FIELD, TRAP_FIELD
from widget.web.pages.pages import Pages
from widget.web.surveys.views import FormContext, SurveyView

_ERRORS = (
    (404, "unknown_entry_point"),
    (404, "not_found"),
    (422, "invalid_fields"),
    (429, "rate_limited"),
    (500, "internal_error"),
)
ROOT, BUTTON = "ece-chat", "ece-chat-button"
CSS, PANE = "ece-chat-css", "ece-chat-pane"
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
# A survey with everything that a form can show.
_SCRIPT = "/survey.js"
_TITLE, _TEXT = {"en": "A survey", "de": "Eine Umfrage"}, {"de": "Eine Frage"}
_OPTIONS = [{"value": "one", "text": {"en": "One"}}, {"value": "two", "text": {"de": "Zwei"}}]
_EVERYTHING = {
    "title": _TITLE,
    "language": "de",
    "questions": [
        {"id": "plain", "kind": "rating", "text": _TEXT, "required": True},
        {"id": "ends", "kind": "rating", "text": _TEXT, "labels": {"1": "Bad", "5": "Good"}},
        {"id": "steps", "kind": "rating", "text": _TEXT, "scale": 2, "labels": {"1": "Bad", "2": "Good"}},
        {"id": "nps", "kind": "nps", "text": _TEXT},
        {"id": "choice", "kind": "choice", "text": _TEXT, "options": _OPTIONS, "other": True, "required": True},
        {"id": "choices", "kind": "choices", "text": _TEXT, "options": _OPTIONS, "other": "Or else"},
        {"id": "yes_no", "kind": "yes_no", "text": _TEXT, "show_if": {"choice": ["one", "other"]}},
        {"id": "words", "kind": "text", "text": _TEXT, "required": True, "show_if": {"plain": ["1"]}},
        {"id": "later", "kind": "text", "text": _TEXT, "page": 2},
    ],
}
_ANSWERS: Fields = {"plain": ("1",), "choice": ("other",), "choice.other": ("x",), "words": ("y",), "later": ("z",)}


def try_theme(pages: Pages, theme: str, *, now: datetime) -> Iterator[ThemeRemark]:
    """Yield what a theme lacks. The templates that fail are in `pages.faults()` when all has been read."""
    yield from dict.fromkeys(_try_launcher(pages, theme, now))
    for status, code in _ERRORS:
        for posted in (False, True):
            pages.error(status=status, code=code, request_id="0", theme=theme, language="en", posted=posted)
    _try_surveys(pages, theme=theme)
    yield from dict.fromkeys(_try_messages(pages, theme=theme))


def _try_launcher(pages: Pages, theme: str, now: datetime) -> Iterator[ThemeRemark]:
    name, settings = next(iter(pages.settings.entry_points.items()))
    with_messages = settings.model_copy(update={"when_unavailable": "message", "when_unknown": "message"})
    for state in STATES:
        decision = sample(state, entry_point=name, settings=with_messages, now=now)
        context = pages.launcher_context(decision, entry_point=with_messages, theme=theme, language="en")
        fragment = pages.render("launcher.html", context, theme=theme, language="en")
        for file, problem in _missing(fragment, drawn=decision.show or bool(context.message), show=decision.show):
            yield ThemeRemark(pages.themes.where(theme, file), problem)
        pages.closed(decision, theme=theme, language="en")


def _try_surveys(pages: Pages, *, theme: str) -> None:
    """Render every page of a survey: before and after answers, with each fault, without storage, thanks and expired."""
    for context in _forms(SurveySettings.model_validate(_EVERYTHING).survey("trial"), pages):
        pages.render("survey/form.html", context, theme=theme, language="en")
    for _, draw in survey_pages(pages, script_url=_SCRIPT):
        draw(theme=theme, language="en", scheme="auto")


def _try_messages(pages: Pages, *, theme: str) -> Iterator[ThemeRemark]:
    """Render the message form in every state and its mails, and see that a form is in it with all that it needs."""
    messages = pages.settings.messages
    asks_consent = messages is not None and messages.consent is not None
    for html in every_fault(pages, theme=theme):
        shape = _FormShape()
        shape.feed(html)
        shape.close()
        for problem, todo in shape.lacks(consent=asks_consent):
            yield ThemeRemark(pages.themes.where(theme, FORM), problem, todo)
    for _, draw in message_pages(pages):
        draw(theme=theme, language="en", scheme="auto")
    for row in sample_mails(pages):
        render_mail(pages, row, theme=theme)


def _forms(survey: Survey, pages: Pages) -> Iterator[FormContext]:
    entry_point = next(iter(pages.settings.entry_points))
    view = SurveyView(survey, entry_point, wanted="en", language="en", script_url=_SCRIPT, nonce=nonce())
    for page in survey.pages:
        yield view.form({}, page=page)
        yield view.form(_ANSWERS, page=page, storage_down=True)
    for code in FaultCode if pages.themes.overrides else ():
        faults = [FieldFault(code, each.id, each.other_field or each.id, 8, 9) for each in survey.questions]
        yield view.form(_ANSWERS, page=survey.pages[0], faults=[*faults, FieldFault(code)])


def _missing(fragment: str, *, drawn: bool, show: bool) -> Iterator[tuple[str, str]]:
    """Yield what a rendered launcher lacks: the template to change, and what to change there.

    `drawn` is whether the launcher shows anything, `show` whether that is the button. A hidden launcher needs its root
    alone.
    """
    shape = _Shape()
    shape.feed(fragment)
    shape.close()
    if len(shape.roots) != 1 or shape.roots[0] != 0:
        found = "none" if not shape.roots else str(len(shape.roots)) if len(shape.roots) > 1 else "one inside another"
        todo = f'put everything into one <div class="{ROOT}" …>, with the attributes that ours has'
        yield "launcher.html", f'needs one outermost element of class "{ROOT}" and has {found}; {todo}'
    if not drawn or not shape.roots:
        return
    first, second = (*shape.templates, "", "")[:2]
    if first != CSS:
        todo = f'<template class="{CSS}">{{{{ css }}}}</template> first in the root'
        yield "launcher.html", f"has no style sheet, so that its button has none either; write {todo}"
    elif not shape.css.strip():
        yield "launcher.html", f'has an empty <template class="{CSS}">; write {{{{ css }}}} into it'
    if PANE not in (first, second):
        todo = f'write {{{{ panel }}}} behind the style sheet; panel.html has to give a <template class="{PANE}">'
        yield "launcher.html", f"has no panel, so that docked chats open in a window and surveys nowhere; {todo}"
    if show and not shape.button:
        todo = f'give the button the class "{BUTTON}"'
        yield "launcher.html", f"has nothing that opens the chat when it is pressed; {todo}"


class _FormShape(HTMLParser):
    """The fields of a page, and whether it has a form that is posted."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.posted = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.posted = self.posted or (tag == "form" and (given.get("method") or "").lower() == "post")
        self.names.add(given.get("name") or "")

    def lacks(self, *, consent: bool) -> Iterator[tuple[str, str]]:
        """Yield what is missing, and what to do."""
        if not self.posted or FORM_FIELD not in self.names:
            yield 'has no <form method="post"> that ends with </form>', "without it no message can be sent"
        for name in (EMAIL, TEXT, CONSENT) if consent else (EMAIL, TEXT):
            if name not in self.names:
                yield f'has no field of the name "{name}"', "without it every message is refused"
        if TRAP_FIELD not in self.names:
            yield (
                f'has no field "{TRAP_FIELD}" that nobody sees, by which programs that fill every field are known',
                'write {% include "message/_trap.html" %} into the form; messages are taken without it too',
            )


class _Shape(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.roots: list[int] = []  # the depth of each
        self.templates: list[str] = []  # the class of each template element in the root, "" for an unknown one
        self.button = False
        self.css = ""
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if "template" not in self._open:
            if ROOT in classes:
                self.roots.append(len(self._open))
            if tag == "template":
                self.templates.append(next((each for each in classes if each in (CSS, PANE)), ""))
            self.button = self.button or BUTTON in classes
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Close the element again: SVG ends its shapes with `/>`."""
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.templates == [CSS] and "template" in self._open:
            self.css += data
