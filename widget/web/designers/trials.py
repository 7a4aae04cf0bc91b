"""Try every template of a theme in every state it can be in, so that a fault shows before a visitor meets it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from widget.themes import ThemeFault
from widget.web.designers.launcher_shape import missing
from widget.web.designers.samples import samples
from widget.web.designers.survey_trial import try_surveys
from widget.web.pages.pages import Pages

_ERRORS = (
    (404, "unknown_entry_point"),
    (404, "not_found"),
    (422, "invalid_fields"),
    (429, "rate_limited"),
    (500, "internal_error"),
)


def try_theme(pages: Pages, theme: str, *, now: datetime) -> Iterator[ThemeFault]:
    """Render all there is, and give what a theme lacks; the templates that fail are among `pages.faults()` then."""
    yield from dict.fromkeys(_try_launcher(pages, theme, now))
    for status, code in _ERRORS:
        for posted in (False, True):
            pages.error(status=status, code=code, request_id="0", theme=theme, language="en", posted=posted)
    try_surveys(pages, theme=theme)


def _try_launcher(pages: Pages, theme: str, now: datetime) -> Iterator[ThemeFault]:
    name, settings = next(iter(pages.settings.entry_points.items()))
    talkative = settings.model_copy(update={"when_unavailable": "message", "when_unknown": "message"})
    for decision in samples(entry_point=name, settings=talkative, now=now):
        context = pages.launcher_context(decision, entry_point=talkative, theme=theme, language="en")
        fragment = pages.render("launcher.html", context, theme=theme, language="en")
        for file, problem in missing(fragment, drawn=decision.show or bool(context.message), show=decision.show):
            yield ThemeFault(pages.themes.where(theme, file), problem)
        pages.closed(decision, theme=theme, language="en")
