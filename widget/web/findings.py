"""Everything there is to say about an operator's themes, templates and texts: at start to the log, and in `check`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from widget import telemetry
from widget.web.pages import Pages
from widget.web.samples import samples

_ERRORS = (
    (404, "unknown_entry_point"),
    (404, "not_found"),
    (422, "invalid_fields"),
    (429, "rate_limited"),
    (500, "internal_error"),
)


class Finding(NamedTuple):
    """A fault is something not used as written, a warning something used that wants a look."""

    kind: Literal["fault", "warning"]
    about: Literal["theme", "template", "text"]
    words: str


def findings(pages: Pages, *, now: datetime) -> list[Finding]:
    """Try every template of every theme in every state, and collect what is wrong."""
    for theme in pages.themes.names:
        _try_theme(pages, theme, now)
    return [
        *_unknown_themes(pages),
        *(Finding("fault", "theme", str(each)) for each in pages.themes.faults()),
        *(Finding("fault", "template", str(each)) for each in pages.faults()),
        *(Finding("fault", "text", str(each)) for each in pages.texts.faults),
        *(Finding("warning", "theme", str(each)) for each in pages.themes.warnings()),
    ]


def log_findings(pages: Pages, *, now: datetime) -> None:
    """Name them at start. A template that fails has been logged by then, when it was tried."""
    for each in findings(pages, now=now):
        if each.about != "template":
            say = telemetry.logger().error if each.kind == "fault" else telemetry.logger().warning
            say(f"{each.about}_{each.kind}", words=each.words)


def _unknown_themes(pages: Pages) -> Iterator[Finding]:
    for name, entry_point in pages.settings.entry_points.items():
        if entry_point.theme not in pages.themes.names:
            words = f'entry_points.{name}.theme = "{entry_point.theme}": there is no such theme, the default is used'
            yield Finding("fault", "theme", f"{words}; there are {', '.join(pages.themes.names)}")


def _try_theme(pages: Pages, theme: str, now: datetime) -> None:
    name, settings = next(iter(pages.settings.entry_points.items()))
    talkative = settings.model_copy(update={"when_unavailable": "message", "when_unknown": "message"})
    for decision in samples(entry_point=name, settings=talkative, now=now):
        context = pages.launcher_context(decision, entry_point=talkative, theme=theme, language="en")
        pages.render("launcher.html", context, theme=theme, language="en")
        pages.closed(decision, theme=theme, language="en")
    for status, code in _ERRORS:
        pages.error(status=status, code=code, request_id="0", theme=theme, language="en")
