"""The survey in every state, for the preview: each configured survey as a form, with faults, and what follows it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from widget.domain.answers import FaultCode, FieldFault
from widget.domain.survey import Survey
from widget.web.designers.preview import DrawSurvey
from widget.web.edge.headers import nonce
from widget.web.pages.pages import Pages
from widget.web.pages.theme_sheets import Scheme
from widget.web.surveys.views import SurveyEndContext, SurveyView

STATES = ("form", "with faults", "storage down", "thanks", "expired")


def survey_pages(pages: Pages, *, script_url: str) -> Iterator[tuple[str, DrawSurvey]]:
    """Yield what `Preview` takes as `surveys`; thanks and expired are the same for all surveys."""
    entry_point = next(iter(pages.settings.entry_points))
    for name, each in pages.settings.surveys.items():
        survey = each.survey(name)
        for state in STATES[:3]:
            draw = partial(_form, pages, survey, state, entry_point=entry_point, script_url=script_url)
            yield f"survey {name}: {state}", draw
    for state in STATES[3:]:
        draw = partial(_message, pages, f"survey/{state}.html", entry_point=entry_point, script_url=script_url)
        yield f"survey: {state}", draw


def _form(
    pages: Pages,
    survey: Survey,
    state: str,
    *,
    entry_point: str,
    script_url: str,
    theme: str,
    language: str,
    scheme: Scheme,
) -> str:
    view = SurveyView(survey, entry_point, wanted=language, language=language, script_url=script_url, nonce=nonce())
    page = survey.pages[0]
    wrong = [each.id for each in survey.questions if each.page == page] if state == "with faults" else []
    context = view.form(
        {},
        page=page,
        faults=[FieldFault(FaultCode.REQUIRED, each, each) for each in wrong],
        storage_down=state == "storage down",
    )
    return pages.render("survey/form.html", context, theme=theme, language=language, scheme=scheme)


def _message(
    pages: Pages, template: str, *, entry_point: str, script_url: str, theme: str, language: str, scheme: Scheme
) -> str:
    context = SurveyEndContext("", entry_point, script_url, nonce())
    return pages.render(template, context, theme=theme, language=language, scheme=scheme)
