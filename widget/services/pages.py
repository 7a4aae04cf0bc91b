"""The pages, with the themes and texts that the settings name."""

from __future__ import annotations

from widget.application.clock import Clock
from widget.settings import Settings
from widget.texts import Texts
from widget.themes import Themes
from widget.web.pages.pages import Pages


def load_pages(settings: Settings, clock: Clock) -> Pages:
    """Read themes and texts and compile what the operator changed."""
    folder = settings.themes.directory
    return Pages(settings, Themes.load(folder), Texts.load(folder), clock=clock.now)
