"""Every address of the console, wired to what it shows and does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from starlette.routing import Route

from widget.application.history import Happening, History
from widget.application.results import Results
from widget.application.switches import Switches
from widget.settings import EntryPointSettings
from widget.web.console.door import Door
from widget.web.console.history import HistoryPage
from widget.web.console.now import NowPage
from widget.web.console.outbox import Desk, OutboxPages
from widget.web.console.rendering import ConsolePages, Notice
from widget.web.console.results import ResultsPage
from widget.web.console.sessions import Sessions
from widget.web.console.switches import SwitchPages
from widget.web.console.wording import Wording


def console_routes(
    pages: ConsolePages,
    sessions: Sessions,
    *,
    happening: Happening,
    history: History,
    switches: Switches,
    results: Results,
    desk: Desk,
    destinations: Collection[str],
    entry_points: Mapping[str, EntryPointSettings],
    languages: Mapping[str, str],
    now: Callable[[], datetime],
) -> list[Route]:
    """Return the routes; `languages` are those of visitors' pages, by tag and name."""

    def notices(wording: Wording) -> tuple[Notice, ...]:
        return switch_pages.notices(wording)

    door = Door(pages, sessions, notices=notices, zone=history.zone(None), now=now)
    switch_pages = SwitchPages(door, switches, entry_points, languages)
    return [
        *door.routes(),
        *NowPage(door, happening, entry_points).routes(),
        *HistoryPage(door, history, switches, entry_points).routes(),
        *ResultsPage(door, results, entry_points).routes(),
        *OutboxPages(door, desk, destinations).routes(),
        *switch_pages.routes(),
    ]
