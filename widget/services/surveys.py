"""What signs and opens survey links, and tries whether ECE could be sent an answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from widget.application.surveys import EntryPointSurvey, SurveyLinks
from widget.domain.errors import EceUnsendable
from widget.domain.outbox import OutboxMessage
from widget.ece.wire import survey_xml
from widget.settings import Settings
from widget.tokens import Tokens


def survey_links(settings: Settings, tokens: Tokens, now: Callable[[], datetime]) -> SurveyLinks:
    """Build what signs and opens survey links."""
    return SurveyLinks(
        {name: survey.survey(name) for name, survey in settings.surveys.items()},
        {name: EntryPointSurvey(each.survey, each.theme) for name, each in settings.entry_points.items()},
        tokens=tokens,
        now=now,
        lifetime=settings.security.survey_lifetime,
    )


def rehearse(message: OutboxMessage) -> None:
    """Build what ECE will get, so that nothing is promised which cannot be sent."""
    try:
        survey_xml(message, namespace=True)
    except EceUnsendable as error:
        raise ValueError(str(error)) from None
