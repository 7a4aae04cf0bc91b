"""One public answer, ready to send: bytes, validators and cache headers, without a template or a database."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import brotli
from starlette.types import Receive, Scope, Send

from widget.availability import View
from widget.domain.decision import Decision
from widget.web.caching import (
    cache_control,
    content_coding,
    http_date,
    none_match,
    not_modified_since,
    seconds_to_remake,
    weak_etag,
)

Headers = list[tuple[bytes, bytes]]
Message = dict[str, Any]

# By preference. Levels at which a launcher takes about a tenth of a millisecond, once per snapshot.
_PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": lambda body: bytes(brotli.compress(body, quality=5)),
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
}


class Tally:
    """How often an answer went out, by status. Plain counts: a metric's lock would cost as much as the answer."""

    __slots__ = ("not_modified", "ok")

    def __init__(self) -> None:
        self.ok = 0
        self.not_modified = 0


class Ready:
    """One public answer as the messages to send, filled anew whenever the decision changes.

    `due` is the monotonic moment at which something has to be done before it goes out again: from `until` on it has to
    be filled from a new view, before that only its Cache-Control counts down.
    """

    __slots__ = (
        *("_headers", "_media_type", "_packed", "_packs", "_trusted_until", "body", "decision", "due", "etag"),
        *("name", "not_modified", "ok", "render", "tally", "until"),
    )

    def __init__(
        self, name: str, render: Callable[[Decision], bytes], headers: Headers, *, media_type: bytes, packs: bool
    ) -> None:
        self.name = name
        self.render = render
        self.decision: Decision | None = None
        self.due = self.until = float("-inf")
        self.tally = Tally()
        self._headers = headers
        self._media_type = media_type
        self._packs = packs
        self._packed: dict[str, tuple[Message, Message]] = {}
        self._trusted_until: float | None = None

    def fill(self, decision: Decision, tally: Tally) -> None:
        """Render the decision and make the messages."""
        body = self.render(decision)
        as_of = time_text(decision.as_of)
        self.decision, self.tally = decision, tally
        self.etag = weak_etag(body.replace(as_of.encode(), b"") if as_of else body)
        headers = [*self._headers, (b"etag", self.etag)]
        if decision.as_of is not None:
            headers.append((b"last-modified", http_date(decision.as_of)))
        if self._packs:
            headers.append((b"vary", b"accept-encoding"))
        cache = (b"cache-control", b"")  # last in each list, see `count_down`
        kind = (b"content-type", self._media_type)
        # RFC 9110, section 15.4.5: the headers a 200 would have had, without those that describe the content.
        self.not_modified = _start(304, [*headers, cache])
        self.body = _body(body)
        self.ok = _start(200, [kind, *headers, (b"content-length", b"%d" % len(body)), cache])
        self._packed.clear()

    def stand(self, view: View, moment: float) -> None:
        """Let the answer stand as long as the view does."""
        self.until = moment + view.valid_for
        self._trusted_until = None if view.trusted_for is None else moment + view.trusted_for
        self.count_down(moment)

    def count_down(self, moment: float) -> None:
        """Say in Cache-Control what is left, at most once a second."""
        trusted_for = None if self._trusted_until is None else self._trusted_until - moment
        assert self.decision is not None
        value = cache_control(trusted_for, self.until - moment, self.decision.next_check)
        for start in (self.ok, self.not_modified, *(start for start, _ in self._packed.values())):
            start["headers"][-1] = (b"cache-control", value)
        self.due = min(self.until, moment + seconds_to_remake(trusted_for))

    async def send(self, scope: Scope, send: Send) -> None:
        """Answer GET or HEAD: 304 when the visitor has it already, else the bytes, packed as the visitor takes them."""
        asked = dict(scope["headers"])
        if self._is_known(asked):
            self.tally.not_modified += 1
            await send(self.not_modified)
            await send(_EMPTY)
            return
        self.tally.ok += 1
        start, body = self.ok, self.body
        if self._packs and (coding := content_coding(asked.get(b"accept-encoding", b""))):
            start, body = self._packed.get(coding) or self._pack(coding)
        await send(start)
        await send(_EMPTY if scope["method"] == "HEAD" else body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be the response of a route."""
        await self.send(scope, send)

    def _is_known(self, asked: dict[bytes, bytes]) -> bool:
        if b"if-none-match" in asked:
            return none_match(asked[b"if-none-match"], self.etag)
        if b"if-modified-since" in asked and self.decision is not None and self.decision.as_of is not None:
            return not_modified_since(asked[b"if-modified-since"], self.decision.as_of)
        return False

    def _pack(self, coding: str) -> tuple[Message, Message]:
        """Make the messages with the body compressed, at the first request that takes this coding."""
        body = _PACKERS[coding](self.body["body"])
        kept = [pair for pair in self.ok["headers"] if pair[0] != b"content-length"]
        own = [(b"content-encoding", coding.encode()), (b"content-length", b"%d" % len(body))]
        self._packed[coding] = _start(200, [*own, *kept]), _body(body)
        return self._packed[coding]


def time_text(moment: datetime | None) -> str:
    """Give a moment as RFC 3339 in UTC to the second, or nothing."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _start(status: int, headers: Headers) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


def _body(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body}


_EMPTY = _body(b"")
