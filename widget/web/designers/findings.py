"""All faults and warnings about an operator's themes, templates and texts, for the log at start and for `check`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from widget import telemetry
from widget.assets import asset_folder
from widget.web.designers.theme_trial import try_theme
from widget.web.pages.pages import Pages

Kind = Literal["fault", "warning"]
About = Literal["theme", "template", "text"]


class _Wrong(Protocol):
    """A fault or warning about a file."""

    @property
    def file(self) -> str: ...


class Finding(NamedTuple):
    """A fault is not used as written; a warning is used and should be looked at. `file` is where it is."""

    kind: Kind
    about: About
    words: str
    file: str = ""


def findings(pages: Pages, *, now: datetime) -> list[Finding]:
    """Return all that is wrong, after every template of the operator's themes was rendered in every state.

    A theme in which nothing is the operator's is as it was shipped: the tests render it, not each start.
    """
    changed = filter(pages.themes.changed, pages.themes.names)
    tried = dict.fromkeys(fault for theme in changed for fault in try_theme(pages, theme, now=now))
    return [
        *_unknown_themes(pages),
        *_unusable_logos(pages),
        *_all("fault", "theme", [*pages.themes.faults, *pages.themes.unused(_logos(pages)), *tried]),
        *_all("fault", "template", pages.faults()),
        *_all("fault", "text", pages.texts.faults),
        *_all("warning", "theme", pages.themes.warnings()),
    ]


def log_findings(pages: Pages, *, now: datetime) -> None:
    """Log the findings. A template that failed has already been logged, when it was rendered."""
    for each in findings(pages, now=now):
        if each.about != "template":
            say = telemetry.logger().error if each.kind == "fault" else telemetry.logger().warning
            file, words = _without_folders(pages, each.file), _without_folders(pages, each.words)
            say(f"{each.about}_{each.kind}", **({"template": file} if file else {}), words=words)


def _all(kind: Kind, about: About, wrong: Iterable[_Wrong]) -> Iterator[Finding]:
    for each in wrong:
        yield Finding(kind, about, str(each), each.file.partition(", line ")[0])


def _without_folders(pages: Pages, text: str) -> str:
    """Return the text with paths relative to the themes' folder: the log redacts long paths as secrets."""
    for folder, instead in ((pages.settings.themes.directory, ""), (asset_folder("templates"), "shipped:")):
        text = text.replace(f"{folder}/", instead)
    return text


def _unknown_themes(pages: Pages) -> Iterator[Finding]:
    for name, entry_point in pages.settings.entry_points.items():
        if entry_point.theme not in pages.themes.names:
            words = f'entry_points.{name}.theme = "{entry_point.theme}": there is no such theme, the default is used'
            yield Finding("fault", "theme", f"{words}; there are {', '.join(pages.themes.names)}")


def _unusable_logos(pages: Pages) -> Iterator[Finding]:
    for name, problem in pages.logo_faults.items():
        words = f'entry_points.{name}.logo = "{pages.settings.entry_points[name].logo}": {problem}'
        yield Finding("fault", "theme", f"{words}; the theme's icon is used; allowed is an SVG of shapes alone")


def _logos(pages: Pages) -> frozenset[str]:
    return frozenset(each.logo for each in pages.settings.entry_points.values() if each.logo)
