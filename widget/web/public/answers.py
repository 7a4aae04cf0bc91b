"""The public answers, status and launcher: rendered once per snapshot, then sent as ready bytes.

From the socket to the bytes:

    server/reading.py     what was received goes to the parser in portions
    server/protocol.py    a head that is whole is refused, or answered
    server/answering.py   asks `FastExit.at_once`, which is here; None: the application has to be asked
        CurrentDecision   the entry point's; a new view once a snapshot has aged, None where ECE has to be waited for
        spelling.py       theme and language that the query asks for, and whether a cache may keep the answer
        CachedAnswer      of this path, theme and language, rendered unless it is of this very decision
          .pieces         200 or 304, in the coding that is accepted
    server/answering.py   writes Date, Connection and these bytes

A request that has to wait takes the longer way through `app.py`, its middleware and routes, to
`PublicAnswers.when_ready`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from starlette.types import Scope

from widget.application.availability import Availability
from widget.domain.decision import Decision
from widget.web.public.cached_answer import CachedAnswer, Headers, Kind, Pieces
from widget.web.public.caching import weak_etag
from widget.web.public.current_decision import AnswerCount, CurrentDecision, Labels, decision_json
from widget.web.public.spelling import is_canonical, query_fields

STATUS_PATH = "/v1/status/"
LAUNCHER_PATH = "/v1/launcher/"

MOST_ANSWERS = 10_000  # kept at once, all entry points, themes and languages together
MOST_SPELLINGS = 10_000  # of paths with queries, remembered with what they ask for
LONGEST_SPELLING = 200  # bytes of a query; the script writes no longer one

Key = tuple[str, str, str]  # of an answer: path, theme, language; a status has no theme


class Launchers(Protocol):
    """Who draws the launcher, and knows which themes and languages there are."""

    edition: bytes

    def launcher(self, decision: Decision, *, theme: str, language: str) -> str: ...

    def instead(self, decision: Decision, *, language: str) -> str: ...

    def theme(self, asked: str | None, *, entry_point: str) -> str: ...

    def language(self, asked: str | None) -> str: ...


class PublicAnswers:
    """Status and launcher of every entry point, kept as bytes as long as its decision stands."""

    def __init__(
        self,
        availability: Availability,
        pages: Launchers,
        *,
        headers: Headers,
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
        most_answers: int = MOST_ANSWERS,
    ) -> None:
        self._availability = availability
        self._pages = pages
        self._monotonic = monotonic
        self._now = now
        self._status = Kind(b"application/json", headers, packs=False)
        self._launcher = Kind(b"text/html; charset=utf-8", [*headers, (b"vary", b"accept-encoding")], packs=True)
        self._counts: dict[Labels, AnswerCount] = {}
        by_name = {name: CurrentDecision(name, self._counts) for name in availability.known}
        self._current = {start + name: each for start in (STATUS_PATH, LAUNCHER_PATH) for name, each in by_name.items()}
        self._most_answers = most_answers
        self._answers: dict[Key, CachedAnswer] = {}
        # Reading a query and finding its language would take as long as the rest of an answer.
        self._remembered = lru_cache(MOST_SPELLINGS)(self._read)
        availability.on_change(lambda name: by_name[name].expire())

    @property
    def answered(self) -> Counter[Labels]:
        """How often each decision was answered."""
        return Counter({labels: count.answers for labels, count in self._counts.items()})

    def at_once(self, scope: Scope) -> Pieces | None:
        """Return the answer to a request for a status or launcher, None where the application has to be asked."""
        current = self._current.get(scope["path"])
        if current is None or scope["method"] not in ("GET", "HEAD"):
            return None
        moment = self._monotonic()
        if moment >= current.renew_at and not current.renew_lines(moment, self._now()):
            view = self._availability.view_now(current.name)
            if view is None:  # a visitor has to wait for ECE
                return None
            current.take(view, moment, self._now())
        return self._answer(current, scope)

    async def when_ready(self, scope: Scope) -> Pieces:
        """Return the same after waiting for ECE where that is needed. Raise KeyError for a name not configured."""
        current = self._current[scope["path"]]
        view = await self._availability.view(current.name)
        current.take(view, self._monotonic(), self._now())
        return self._answer(current, scope)

    def _answer(self, current: CurrentDecision, scope: Scope) -> Pieces:
        assert current.decision is not None
        query = scope["query_string"]
        read = self._remembered if len(query) <= LONGEST_SPELLING else self._read
        key, cacheable = read(scope["path"], scope.get("raw_path", b""), query)
        cached = self._answers.get(key)
        if cached is None or cached.decision is not current.decision:
            cached = self._render(key, current.decision, current.validated)
        current.count.answers += 1
        return cached.pieces(scope, current.cacheable_lines if cacheable else current.uncacheable_lines)

    def _read(self, path: str, raw_path: bytes, query: bytes) -> tuple[Key, bool]:
        """Return what is asked for, and whether a shared cache may keep the answer under this spelling."""
        fields = query_fields(query)
        language = self._pages.language(fields.get("locale"))
        if path.startswith(STATUS_PATH):
            return (path, "", language), is_canonical(raw_path, query, takes_fields=False)
        theme = self._pages.theme(fields.get("theme"), entry_point=path.removeprefix(LAUNCHER_PATH))
        return (path, theme, language), is_canonical(raw_path, query, takes_fields=True)

    def _render(self, key: Key, decision: Decision, validated: bytes) -> CachedAnswer:
        path, theme, language = key
        if path.startswith(STATUS_PATH):
            instead = self._pages.instead(decision, language=language)
            etag = weak_etag(validated, instead.encode())
            rendered = CachedAnswer(self._status, decision, etag, decision_json(decision, instead))
        else:
            body = self._pages.launcher(decision, theme=theme, language=language).encode()
            etag = weak_etag(validated, theme.encode(), language.encode(), self._pages.edition)
            rendered = CachedAnswer(self._launcher, decision, etag, body)
        if key not in self._answers and len(self._answers) >= self._most_answers:
            del self._answers[next(iter(self._answers))]  # the one that came first
        self._answers[key] = rendered
        return rendered
