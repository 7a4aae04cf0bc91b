"""Survey pages filled with made-up answers, for the preview: every state a designer has to draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

from widget.domain.answers import FieldFault, check
from widget.domain.survey import Kind, Survey
from widget.web.headers import nonce
from widget.web.pages import Pages, Scheme
from widget.web.survey_views import FormContext, MessageContext, SurveyView

_WORDS = "The agent was kind, and the wait was too long."


class DrawSurvey(Protocol):
    """Give one page of a survey as it would be served."""

    def __call__(self, *, theme: str, language: str, scheme: Scheme) -> str: ...


def survey_samples(
    pages: Pages, definitions: Mapping[str, Survey], *, script_url: str
) -> Iterator[tuple[str, DrawSurvey]]:
    """Give each survey empty, filled, with faults, and with the database away; then the thanks and the expired page."""
    for name, survey in definitions.items():
        for state in ("empty", "filled", "faults", "storage down"):
            yield f"survey {name} ({state})", partial(_form, pages, survey, state, script_url)
    for page in ("thanks", "expired"):
        yield f"survey {page}", partial(_message, pages, page, script_url)


def _form(
    pages: Pages, survey: Survey, state: str, script_url: str, *, theme: str, language: str, scheme: Scheme
) -> str:
    view = SurveyView(survey, "preview", wanted=language, language=language, script_url=script_url, nonce=nonce())
    fields = {} if state in ("empty", "faults") else _made_up(survey)
    faults: Sequence[FieldFault] = check(survey, {"": [""]}).faults if state == "faults" else ()
    context: FormContext = view.form(fields, page=survey.pages[0], faults=faults, storage_down=state == "storage down")
    return pages.render("survey/form.html", context, theme=theme, language=language, scheme=scheme)


def _message(pages: Pages, page: str, script_url: str, *, theme: str, language: str, scheme: Scheme) -> str:
    context = MessageContext("", "", script_url, nonce())
    return pages.render(f"survey/{page}.html", context, theme=theme, language=language, scheme=scheme)


def _made_up(survey: Survey) -> dict[str, list[str]]:
    """The first answer offered to each question, so that what hangs on low ratings is seen."""
    return {
        question.id: [_WORDS[: question.max_length]] if question.kind is Kind.TEXT else [question.values[0]]
        for question in survey.questions
    }
