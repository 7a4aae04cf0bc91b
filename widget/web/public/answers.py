"""The public answers, status and launcher: rendered once per snapshot, served as ready bytes.

`PublicAnswers` renders and remembers; `FastLane` stands before the application and answers what is ready from memory,
without routing and without waiting. Whatever is not ready (a first visit, an answer that aged, another method, an odd
name) goes on to the application, whose routes ask `PublicAnswers` and so put the answer into the lane.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Protocol
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from widget.application.availability import Availability, View
from widget.domain.decision import Decision
from widget.web.public.ageing_text import Marks
from widget.web.public.cached_answer import Kind, Ready
from widget.web.public.current_decision import Headers, Standing
from widget.web.public.launcher_table import LauncherTable
from widget.web.public.timestamps import rfc3339

STATUS_PATH = "/v1/status/"
LAUNCHER_PATH = "/v1/launcher/"

Labels = tuple[str, str, str]  # of the metric: entry point, state, reason

MOST_LAUNCHERS = 10_000  # kept at once, all entry points, themes and languages together
LONGEST_QUERY = 2048
MOST_FIELDS = 16


class Launchers(Protocol):
    """Who draws the launcher, and knows which themes and languages there are."""

    def launcher(self, decision: Decision, *, theme: str, language: str) -> str: ...

    def theme(self, asked: str | None, *, entry_point: str) -> str: ...

    def language(self, asked: str | None) -> str: ...

    def ages_in_place(self, theme: str) -> bool: ...


class PublicAnswers:
    """Render status and launchers once per snapshot and phase, and keep them ready."""

    def __init__(
        self,
        availability: Availability,
        pages: Launchers,
        *,
        headers: Headers,
        monotonic: Callable[[], float],
    ) -> None:
        self._availability = availability
        self._pages = pages
        self._status_kind = Kind(b"application/json", headers, marks=Marks(b'"asOf":"', b'"nextCheck":'))
        self._launcher_kind = Kind(
            b"text/html; charset=utf-8",
            [*headers, (b"vary", b"accept-encoding")],
            marks=Marks(
                *(b' data-as-of="', b' data-next-check="'),
                joints=(b' data-show="', b'<template class="ece-chat-css">', b"</template>"),
            ),
            packs=True,
        )
        self._monotonic = monotonic
        self.statuses: dict[str, Ready] = {}
        self.launchers = LauncherTable(LAUNCHER_PATH + name for name in availability.watches)
        self._drawn: dict[tuple[str, str, str], Ready] = {}
        self._standings = {name: Standing(name) for name in availability.watches}
        self._answered: Counter[Labels] = Counter()
        availability.on_change(self.expire)

    async def status(self, name: str) -> Ready:
        """Give the decision as JSON, ready to send. Raises KeyError for a name that is not configured."""
        view = await self._availability.view(name)
        path = STATUS_PATH + name
        if path not in self.statuses:
            self.statuses[path] = Ready(self._standings[name], decision_json, self._status_kind, ages=True)
        self._take(name, view)
        return self.statuses[path]

    async def launcher(self, name: str, query: bytes) -> Ready:
        """Give the launcher in the theme and language that `query` asks for, ready to send. Raises KeyError."""
        view = await self._availability.view(name)
        asked = query_fields(query)
        theme = self._pages.theme(asked.get("theme"), entry_point=name)
        language = self._pages.language(asked.get("locale"))
        ready = self._drawn.get((name, theme, language))
        if ready is None:

            def render(decision: Decision) -> bytes:
                return self._pages.launcher(decision, theme=theme, language=language).encode()

            ages = self._pages.ages_in_place(theme)
            ready = Ready(self._standings[name], render, self._launcher_kind, ages=ages)
            if len(self._drawn) >= MOST_LAUNCHERS:
                del self._drawn[next(iter(self._drawn))]  # the one kept longest
            self._drawn[name, theme, language] = ready
        self.launchers.put(LAUNCHER_PATH + name, query, ready)
        self._take(name, view)
        return ready

    def bring_up_to_date(self, standing: Standing, moment: float) -> bool:
        """Do what is due, or say no when a visitor has to wait for ECE."""
        if moment < standing.until and standing.has_eces_word:
            standing.count_down(moment)
            return True
        view = self._availability.view_now(standing.name)
        if view is not None:
            self._take(standing.name, view)
        return view is not None

    def expire(self, name: str) -> None:
        """Have every answer of an entry point follow a new view at its next visit."""
        self._standings[name].expire()

    def answered(self) -> Counter[Labels]:
        """Give how often each decision was answered from here."""
        counts = self._answered.copy()
        for standing in self._standings.values():
            if standing.decision is not None:
                counts[_labels(standing.decision)] += standing.answered
        return counts

    def _take(self, name: str, view: View) -> None:
        standing = self._standings[name]
        if standing.decision is not None:
            self._answered[_labels(standing.decision)] += standing.answered
            standing.answered = 0
        standing.take(view, self._monotonic())


class FastLane:
    """The ASGI application: what is ready goes out at once, everything else to `app`."""

    def __init__(self, app: ASGIApp, answers: PublicAnswers, *, monotonic: Callable[[], float]) -> None:
        self._app = app
        self._answers = answers
        self._statuses = answers.statuses
        self._launchers = answers.launchers
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ready = self._find(scope) if scope["type"] == "http" else None
        await (self._app(scope, receive, send) if ready is None else ready.send(scope, send))

    def at_once(self, scope: Scope) -> tuple[bytes, ...] | None:
        """Give what is ready as HTTP/1.1 writes it, for a server that then needs no task to send it.

        Date and Connection belong to the server, after the first piece. None: the application has to be asked.
        """
        ready = self._find(scope)
        return None if ready is None else ready.answer(scope)

    def _find(self, scope: Scope) -> Ready | None:
        path = scope["path"]
        ready = self._statuses.get(path) or self._launchers.get(path, scope["query_string"])
        if ready is None or scope["method"] not in ("GET", "HEAD") or not self._stands(ready.standing):
            return None
        return ready

    def _stands(self, standing: Standing) -> bool:
        moment = self._monotonic()
        return moment < standing.due or self._answers.bring_up_to_date(standing, moment)


def _labels(decision: Decision) -> Labels:
    return decision.entry_point, str(decision.state), str(decision.reason or "")


def decision_json(decision: Decision) -> bytes:
    """Give the decision as the JSON of the public contract: every field, null where there is nothing to say."""
    fields = {
        "entryPoint": decision.entry_point,
        "show": decision.show,
        "state": decision.state,
        "reason": decision.reason,
        "waitTime": decision.wait_time,
        "queueDepth": decision.queue_depth,
        "position": decision.position,
        "capacity": decision.capacity,
        "opensAt": rfc3339(decision.opens_at) or None,
        "asOf": rfc3339(decision.as_of) or None,
        "nextCheck": decision.next_check,
    }
    return json.dumps(fields, separators=(",", ":")).encode()


def query_fields(query: bytes) -> dict[str, str]:
    """Give the fields of a query, the first of each name; nothing of one that is too long or too many."""
    if not query or len(query) > LONGEST_QUERY:
        return {}
    try:
        pairs = parse_qsl(query.decode("latin-1"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
    return dict(reversed(pairs))
