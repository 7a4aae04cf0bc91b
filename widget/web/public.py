"""The public answers, status and launcher: rendered once per snapshot, served as ready bytes.

`PublicAnswers` renders and remembers; `FastLane` stands before the application and answers what is ready from memory,
without routing and without waiting. Whatever is not ready (a first visit, an answer that aged, another method, an odd
name) goes on to the application, whose routes ask `PublicAnswers` and so put the answer into the lane.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from widget.availability import Availability, View
from widget.domain.decision import Decision
from widget.web.caching import (
    cache_control,
    http_date,
    none_match,
    not_modified_since,
    seconds_to_remake,
    weak_etag,
)

STATUS_PATH = "/v1/status/"
LAUNCHER_PATH = "/v1/launcher/"

MOST_LAUNCHERS = 10_000  # kept at once, all entry points, themes and languages together
MOST_SPELLINGS = 256  # of a query, remembered for each entry point
LONGEST_SPELLING = 96
LONGEST_QUERY = 2048
MOST_FIELDS = 16

Headers = list[tuple[bytes, bytes]]
Message = dict[str, Any]
_Key = TypeVar("_Key")


class Launchers(Protocol):
    """Who draws the launcher, and knows which themes and languages there are."""

    def launcher(self, decision: Decision, *, theme: str, language: str) -> str: ...

    def theme(self, asked: str | None, *, entry_point: str) -> str: ...

    def language(self, asked: str | None) -> str: ...


class Tally:
    """How often an answer went out, by status. Plain counts: a metric's lock would cost as much as the answer."""

    __slots__ = ("not_modified", "ok")

    def __init__(self) -> None:
        self.ok = 0
        self.not_modified = 0


class Ready:
    """One answer as the messages to send; `until` is the monotonic moment at which it has to be made anew."""

    __slots__ = ("body", "decision", "etag", "not_modified", "ok", "packed", "packed_ok", "tally", "until")

    def __init__(self, decision: Decision, body: bytes, headers: Headers, *, tally: Tally, compress: bool) -> None:
        self.decision = decision
        self.until = float("-inf")
        self.tally = tally
        as_of = time_text(decision.as_of)
        self.etag = weak_etag(body.replace(as_of.encode(), b"") if as_of else body)
        headers = [*headers, (b"etag", self.etag)]
        if decision.as_of is not None:
            headers.append((b"last-modified", http_date(decision.as_of)))
        if compress:
            headers.append((b"vary", b"accept-encoding"))
        # RFC 9110, section 15.4.5: the headers a 200 would have had, without those that describe the content.
        self.not_modified = _start(304, [(name, value) for name, value in headers if name != b"content-type"])
        self.body = _body(body)
        self.ok = _start(200, [*headers, (b"content-length", b"%d" % len(body))])
        self.packed: Message | None = None
        self.packed_ok = self.ok
        if compress:
            packed = gzip.compress(body, 6, mtime=0)
            self.packed = _body(packed)
            size = (b"content-length", b"%d" % len(packed))
            self.packed_ok = _start(200, [*headers, (b"content-encoding", b"gzip"), size])

    def renew(self, cache: bytes, until: float) -> None:
        """Have every message say `cache` for Cache-Control, and let the answer stand until `until`."""
        self.until = until
        for start in {id(each): each for each in (self.ok, self.packed_ok, self.not_modified)}.values():
            kept = [pair for pair in start["headers"] if pair[0] != b"cache-control"]
            start["headers"] = [*kept, (b"cache-control", cache)]

    async def send(self, scope: Scope, send: Send) -> None:
        """Answer GET or HEAD: 304 when the visitor has it already, else the bytes, gzip where asked."""
        asked = dict(scope["headers"])
        if b"if-none-match" in asked:
            unchanged = none_match(asked[b"if-none-match"], self.etag)
        elif b"if-modified-since" in asked and self.decision.as_of is not None:
            unchanged = not_modified_since(asked[b"if-modified-since"], self.decision.as_of)
        else:
            unchanged = False
        if unchanged:
            self.tally.not_modified += 1
            await send(self.not_modified)
            await send(_EMPTY)
            return
        self.tally.ok += 1
        start, body = self.ok, self.body
        if self.packed is not None and b"gzip" in asked.get(b"accept-encoding", b""):
            start, body = self.packed_ok, self.packed
        await send(start)
        await send(_EMPTY if scope["method"] == "HEAD" else body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be the response of a route."""
        await self.send(scope, send)


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
        self._headers = headers
        self._monotonic = monotonic
        self.statuses: dict[str, Ready] = {}
        self.launchers: dict[str, dict[bytes, Ready]] = {}
        self._drawn: dict[tuple[str, str, str], Ready] = {}
        self._tallies: dict[tuple[str, str, str, str], Tally] = {}
        availability.on_change(self.expire)

    async def status(self, name: str) -> Ready:
        """Give the decision as JSON, ready to send. Raises KeyError for a name that is not configured."""
        view = await self._availability.view(name)
        path = STATUS_PATH + name
        ready = self.statuses.get(path)
        if ready is None or ready.decision != view.decision:
            headers = [(b"content-type", b"application/json"), *self._headers]
            tally = self._tally("status", view.decision)
            ready = Ready(view.decision, decision_json(view.decision), headers, tally=tally, compress=False)
            self.statuses[path] = ready
        self._renew(ready, view)
        return ready

    async def launcher(self, name: str, query: bytes) -> Ready:
        """Give the launcher in the theme and language that `query` asks for, ready to send. Raises KeyError."""
        view = await self._availability.view(name)
        asked = query_fields(query)
        theme = self._pages.theme(asked.get("theme"), entry_point=name)
        language = self._pages.language(asked.get("locale"))
        ready = self._drawn.get((name, theme, language))
        if ready is None or ready.decision != view.decision:
            body = self._pages.launcher(view.decision, theme=theme, language=language).encode()
            headers = [(b"content-type", b"text/html; charset=utf-8"), *self._headers]
            tally = self._tally("launcher", view.decision)
            ready = Ready(view.decision, body, headers, tally=tally, compress=True)
            _put(self._drawn, (name, theme, language), ready, most=MOST_LAUNCHERS)
        self._renew(ready, view)
        if len(query) <= LONGEST_SPELLING:
            spellings = self.launchers.setdefault(LAUNCHER_PATH + name, {})
            _put(spellings, query, ready, most=MOST_SPELLINGS)
        return ready

    def expire(self, name: str) -> None:
        """Have every ready answer of an entry point made anew at its next visit."""
        answers = list(self.launchers.get(LAUNCHER_PATH + name, {}).values())
        if STATUS_PATH + name in self.statuses:
            answers.append(self.statuses[STATUS_PATH + name])
        for ready in answers:
            ready.until = float("-inf")

    def redraw(self) -> None:
        """Forget every launcher, after a template changed."""
        self._drawn.clear()
        self.launchers.clear()

    def tallies(self) -> Iterator[tuple[str, str, str, str, Tally]]:
        """Give what was answered from here as (route, entry point, state, reason, tally)."""
        for key, tally in self._tallies.items():
            yield *key, tally

    def _renew(self, ready: Ready, view: View) -> None:
        until = self._monotonic() + min(view.valid_for, seconds_to_remake(view))
        ready.renew(cache_control(view), until)

    def _tally(self, route: str, decision: Decision) -> Tally:
        key = (route, decision.entry_point, str(decision.state), str(decision.reason or ""))
        return self._tallies.setdefault(key, Tally())


class FastLane:
    """The ASGI application: what is ready goes out at once, everything else to `app`."""

    def __init__(self, app: ASGIApp, answers: PublicAnswers, *, monotonic: Callable[[], float]) -> None:
        self._app = app
        self._statuses = answers.statuses
        self._launchers = answers.launchers
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            ready = self._statuses.get(scope["path"])
            if ready is None and (spellings := self._launchers.get(scope["path"])) is not None:
                ready = spellings.get(scope["query_string"])
            if ready is not None and self._monotonic() < ready.until and scope["method"] in ("GET", "HEAD"):
                await ready.send(scope, send)
                return
        await self._app(scope, receive, send)


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
        "opensAt": time_text(decision.opens_at) or None,
        "asOf": time_text(decision.as_of) or None,
        "nextCheck": decision.next_check,
    }
    return json.dumps(fields, separators=(",", ":")).encode()


def time_text(moment: datetime | None) -> str:
    """Give a moment as RFC 3339 in UTC to the second, or nothing."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def query_fields(query: bytes) -> dict[str, str]:
    """Give the fields of a query, the first of each name; nothing of one that is too long or too many."""
    if not query or len(query) > LONGEST_QUERY:
        return {}
    try:
        pairs = parse_qsl(query.decode("latin-1"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
    return dict(reversed(pairs))


def _put(table: dict[_Key, Ready], key: _Key, ready: Ready, *, most: int) -> None:
    """Keep at most `most`; the one kept longest gives way."""
    if key not in table and len(table) >= most:
        del table[next(iter(table))]
    table[key] = ready


def _start(status: int, headers: Headers) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


def _body(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body}


_EMPTY = _body(b"")
