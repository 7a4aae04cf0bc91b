"""What signs and opens survey links."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from widget.application.surveys import SurveyLinks
from widget.settings import Settings
from widget.tokens import Tokens


def survey_links(settings: Settings, tokens: Tokens, now: Callable[[], datetime]) -> SurveyLinks:
    """Build what signs and opens survey links."""
    return SurveyLinks(
        {name: survey.survey(name) for name, survey in settings.surveys.items()},
        settings.entry_points,
        tokens=tokens,
        now=now,
        lifetime=settings.security.survey_lifetime,
    )
