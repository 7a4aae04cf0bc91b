"""One public answer, ready to send: bytes, validators and cache headers, without a template or a database."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import brotli
from starlette.types import Receive, Scope, Send

from widget.availability import View
from widget.domain.decision import Decision
from widget.web.caching import (
    cache_control,
    content_coding,
    none_match,
    not_modified_since,
    seconds_to_remake,
    weak_etag,
)
from widget.web.timestamps import http_date, rfc3339

Headers = list[tuple[bytes, bytes]]
Message = dict[str, Any]

_CODED: Mapping[str, Headers] = {
    "br": [(b"content-encoding", b"br")],
    "gzip": [(b"content-encoding", b"gzip")],
}
# Levels at which a launcher takes about a tenth of a millisecond, once per snapshot.
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


class Standing:
    """What all answers of one entry point share: the decision, how long it stands, and what Cache-Control says of it.

    `due` is the monotonic moment at which something has to be done before any of them goes out again: from `until` on
    a new view is needed, before that only Cache-Control counts down, once a second for all of them.
    """

    __slots__ = (
        *("_trusted_until", "aging", "cache_control", "decision", "due"),
        *("name", "previous", "tally", "until", "validators"),
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.decision: Decision | None = None
        self.tally = Tally()
        self.due = self.until = float("-inf")
        self.cache_control = (b"cache-control", b"no-store")
        self.validators: Headers = []
        # The decision before this one, and what to change in an answer when nothing but its age differs.
        self.previous: Decision | None = None
        self.aging: tuple[tuple[bytes, bytes], ...] | None = None
        self._trusted_until: float | None = None

    def take(self, view: View, tally: Tally, moment: float) -> None:
        """Stand for a new view."""
        if view.decision != self.decision:
            self.previous, self.decision = self.decision, view.decision
            self.aging = _aging(self.previous, view.decision)
            as_of = view.decision.as_of
            self.validators = [] if as_of is None else [(b"last-modified", http_date(as_of))]
        self.tally = tally
        self.until = moment + view.valid_for
        self._trusted_until = None if view.trusted_for is None else moment + view.trusted_for
        self.count_down(moment)

    def count_down(self, moment: float) -> None:
        """Say in Cache-Control what is left."""
        assert self.decision is not None
        trusted_for = None if self._trusted_until is None else self._trusted_until - moment
        value = cache_control(trusted_for, self.until - moment, self.decision.next_check)
        self.cache_control = (b"cache-control", value)
        self.due = min(self.until, moment + seconds_to_remake(trusted_for))

    def expire(self) -> None:
        """Ask for a new view at the next visit."""
        self.due = self.until = float("-inf")


@dataclass(frozen=True, slots=True)
class Kind:
    """What all statuses, or all launchers, have in common. `headers` are those of every answer, 304 too."""

    content_type: tuple[bytes, bytes]
    headers: Headers
    packs: bool


class Ready:
    """One public answer as bytes and headers, made anew when its entry point's decision is another one.

    Headers that are equal are the same objects in all answers: thousands of them in turn would else wait for memory.
    """

    __slots__ = (
        "_decision",
        "_etags",
        "_kind",
        "_packed",
        "_render",
        "_validators",
        "body",
        "etag",
        "headers",
        "standing",
    )

    def __init__(self, standing: Standing, render: Callable[[Decision], bytes], kind: Kind) -> None:
        self.standing = standing
        self.body = b""
        self.headers: Headers = []
        self.etag = b""
        self._etags: dict[int, bytes] = {}  # by `nextCheck`, as long as nothing else changes
        self._validators: Headers = []
        self._decision: Decision | None = None
        self._render = render
        self._kind = kind
        self._packed: dict[str, tuple[bytes, Headers]] = {}

    async def send(self, scope: Scope, send: Send) -> None:
        """Answer GET or HEAD: 304 when the visitor has it already, else the bytes, packed as the visitor takes them."""
        standing = self.standing
        if self._decision is not standing.decision:
            self._make(standing.decision)
        asked = dict(scope["headers"])
        if self._is_known(asked):
            standing.tally.not_modified += 1
            await send(_start(304, [*self._validators, standing.cache_control]))
            await send(_EMPTY)
            return
        standing.tally.ok += 1
        body, headers = self.body, self.headers
        if self._kind.packs and (coding := content_coding(asked.get(b"accept-encoding", b""))):
            body, headers = self._packed.get(coding) or self._pack(coding)
        await send(_start(200, [*headers, standing.cache_control]))
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be the response of a route."""
        await self.send(scope, send)

    def _make(self, decision: Decision | None) -> None:
        """Bring bytes and validators up to the decision."""
        assert decision is not None
        standing = self.standing
        aged = None
        if standing.aging is not None and self._decision is standing.previous:
            aged = _aged(self.body, standing.aging)
        self.body = aged if aged is not None else self._render(decision)
        self._decision = decision
        self._packed.clear()
        if aged is None:
            self._etags.clear()
        if decision.next_check not in self._etags:
            as_of = rfc3339(decision.as_of)
            said = self.body.replace(as_of.encode(), b"") if as_of else self.body
            self._etags[decision.next_check] = weak_etag(said)
        self.etag = self._etags[decision.next_check]
        # Those of a 304 too: all that a 200 would have but what describes the content (RFC 9110, section 15.4.5).
        self._validators = [*self._kind.headers, *standing.validators, (b"etag", self.etag)]
        self.headers = self._described(self.body, [])

    def _is_known(self, asked: dict[bytes, bytes]) -> bool:
        if b"if-none-match" in asked:
            return none_match(asked[b"if-none-match"], self.etag)
        if b"if-modified-since" in asked and self._decision is not None and self._decision.as_of is not None:
            return not_modified_since(asked[b"if-modified-since"], self._decision.as_of)
        return False

    def _pack(self, coding: str) -> tuple[bytes, Headers]:
        """Give the body in this coding with its headers, made at the first request that takes it."""
        body = _PACKERS[coding](self.body)
        self._packed[coding] = body, self._described(body, _CODED[coding])
        return self._packed[coding]

    def _described(self, body: bytes, coded: Headers) -> Headers:
        return [self._kind.content_type, *coded, (b"content-length", b"%d" % len(body)), *self._validators]


def _aging(before: Decision | None, after: Decision) -> tuple[tuple[bytes, bytes], ...] | None:
    """Give what to replace in a launcher when two decisions differ in nothing but their age, or None.

    `asOf` and `nextCheck` stand in the launcher's `data-` attributes.
    """
    if before is None or replace(before, as_of=after.as_of, next_check=after.next_check) != after:
        return None
    return (
        (f'data-as-of="{rfc3339(before.as_of)}"'.encode(), f'data-as-of="{rfc3339(after.as_of)}"'.encode()),
        (f'data-next-check="{before.next_check}"'.encode(), f'data-next-check="{after.next_check}"'.encode()),
    )


def _aged(body: bytes, aging: tuple[tuple[bytes, bytes], ...]) -> bytes | None:
    """Give the body with its age changed, without a template; None for a template that says it elsewhere too."""
    for old, new in aging:
        if body.count(old) != 1:
            return None
        body = body.replace(old, new)
    return body


def _start(status: int, headers: Headers) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


_EMPTY: Message = {"type": "http.response.body", "body": b""}
