"""A survey that has everything a form can show, to try an operator's templates with."""

from __future__ import annotations

from collections.abc import Iterator

from widget.domain.answers import FaultCode, FieldFault, Fields
from widget.domain.survey import Survey
from widget.settings.surveys import SurveySettings
from widget.web.designers.survey_samples import survey_pages
from widget.web.edge.headers import nonce
from widget.web.pages.pages import Pages
from widget.web.surveys.views import FormContext, SurveyView

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


def try_surveys(pages: Pages, *, theme: str) -> None:
    """Render every page of a survey: before and after answers, with each fault, without storage, thanks and expired."""
    for context in _forms(SurveySettings.model_validate(_EVERYTHING).survey("trial"), pages):
        pages.render("survey/form.html", context, theme=theme, language="en")
    for _, draw in survey_pages(pages, script_url=_SCRIPT):
        draw(theme=theme, language="en", scheme="auto")


def _forms(survey: Survey, pages: Pages) -> Iterator[FormContext]:
    entry_point = next(iter(pages.settings.entry_points))
    view = SurveyView(survey, entry_point, wanted="en", language="en", script_url=_SCRIPT, nonce=nonce())
    for page in survey.pages:
        yield view.form({}, page=page)
        yield view.form(_ANSWERS, page=page, storage_down=True)
    for code in FaultCode if pages.themes.overrides else ():
        faults = [FieldFault(code, each.id, each.other_field or each.id, 8, 9) for each in survey.questions]
        yield view.form(_ANSWERS, page=survey.pages[0], faults=[*faults, FieldFault(code)])
