"""Every address of the console, wired to what it shows and does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import partial

from starlette.routing import Route

from widget.application.history import History
from widget.application.live_status import LiveStatus
from widget.application.results import Results
from widget.application.switches import Switches
from widget.settings import EntryPointSettings
from widget.web.console.history import HistoryPage
from widget.web.console.notices import notices
from widget.web.console.now import NowPage
from widget.web.console.outbox import OutboxPages, OutboxRows
from widget.web.console.rendering import ConsolePages
from widget.web.console.results import ResultsPage
from widget.web.console.sessions import Sessions
from widget.web.console.sign_in import SignIn
from widget.web.console.switches import SwitchPages


def console_routes(
    pages: ConsolePages,
    sessions: Sessions,
    *,
    live_status: LiveStatus,
    history: History,
    switches: Switches,
    results: Results,
    rows: OutboxRows,
    destinations: Collection[str],
    entry_points: Mapping[str, EntryPointSettings],
    languages: Mapping[str, str],
    now: Callable[[], datetime],
) -> list[Route]:
    """Return the routes; `languages` are those of visitors' pages, by tag and name."""
    of_every_page = partial(notices, switches, entry_points, history.zone)
    sign_in = SignIn(pages, sessions, notices=of_every_page, zone=history.zone(None), now=now)
    return [
        *sign_in.routes(),
        *NowPage(sign_in, live_status, entry_points).routes(),
        *HistoryPage(sign_in, history, switches).routes(),
        *ResultsPage(sign_in, results, entry_points, languages).routes(),
        *OutboxPages(sign_in, rows, destinations).routes(),
        *SwitchPages(sign_in, switches, entry_points, languages, history.zone).routes(),
    ]
