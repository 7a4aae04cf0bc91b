"""One public answer, ready to send: bytes, validators and cache headers, without a template or a database."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import brotli
from starlette.types import Receive, Scope, Send

from widget.domain.decision import Decision
from widget.web.caching import content_coding, digest, none_match, not_modified_since
from widget.web.standing import Headers, Standing, header_lines

Message = dict[str, Any]
Render = Callable[[Decision], bytes]

_CODED: Mapping[str, Headers] = {
    "br": [(b"content-encoding", b"br")],
    "gzip": [(b"content-encoding", b"gzip")],
}
# Levels at which a launcher takes about a tenth of a millisecond, once per snapshot.
_PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": lambda body: bytes(brotli.compress(body, quality=5)),
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
}

_EMPTY_LINE = b"\r\n\r\n"

# One object for all answers that share these bytes. The style sheet makes most of a launcher and is the same for every
# entry point; thousands of copies in turn would have each answer wait for memory.
_shared = lru_cache(maxsize=1024)(bytes)


class Kind:
    """What all statuses, or all launchers, have in common.

    `headers` are those of every answer, 304 too. `marks` stand before `asOf` and `nextCheck`, in this order.
    """

    __slots__ = ("content_type", "headers", "heads", "marks", "packs")

    def __init__(
        self, content_type: bytes, headers: Headers, *, marks: tuple[bytes, bytes], packs: bool = False
    ) -> None:
        self.content_type = (b"content-type", content_type)
        self.headers = headers
        self.marks = marks
        self.packs = packs
        self.heads = {
            200: _status_line(200) + header_lines([self.content_type, *headers]),
            304: _status_line(304) + header_lines(headers),
        }


class Form:
    """One way in which an answer goes out: as it is, packed, or as a 304. `own` are the headers that no other has.

    `opening` is one object for what else would be three, far apart in memory: the lines of `own`, the empty line, and
    the body, which ends where the age of its entry point comes in when there is something `after` that.
    """

    __slots__ = ("after", "between", "opening", "own", "status")

    def __init__(self, status: int, own: Headers, body: bytes, *, between: bytes = b"", after: bytes = b"") -> None:
        self.status = status
        self.own = own
        self.opening = header_lines(own) + b"\r\n" + body
        self.between = between
        self.after = after


_NOTHING = Form(200, [], b"")
_NOT_PACKED: Mapping[str, Form] = {}


class Ready:
    """One public answer as bytes and headers, made anew when its entry point's decision says something else.

    `render` gives the whole body. With `ages`, a decision that only aged is not rendered again: the body is cut where
    its age stands, and each answer puts the age of its standing in there.
    """

    __slots__ = (
        *("_ages", "_cut", "_decision", "_digest", "_full", "_kind"),
        *("_packed", "_render", "_said", "_unmodified", "etag", "standing"),
    )

    def __init__(self, standing: Standing, render: Render, kind: Kind, *, ages: bool) -> None:
        self.standing = standing
        self.etag = b""
        self._kind = kind
        self._render = render
        self._ages = ages
        self._decision: Decision | None = None
        self._said = -1
        self._cut: tuple[bytes, bytes, bytes] | None = None
        self._digest = b""
        self._full = _NOTHING
        self._packed = _NOT_PACKED
        self._unmodified: Form | None = None

    async def send(self, scope: Scope, send: Send) -> None:
        """Answer GET or HEAD: 304 when the visitor has it already, else the bytes, packed as the visitor takes them."""
        form = self._choose(scope)
        described = [self._kind.content_type] if form.status == 200 else []
        headers = [*described, *self._kind.headers, *form.own, *self.standing.validators, self.standing.cache_control]
        await send({"type": "http.response.start", "status": form.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else self._body(form)
        await send({"type": "http.response.body", "body": body})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be the response of a route."""
        await self.send(scope, send)

    def written(self, scope: Scope) -> tuple[bytes, ...]:
        """Give the same answer as HTTP/1.1 writes it; after the first piece the server puts its Date and Connection."""
        form = self._choose(scope)
        head = self._kind.heads[form.status], self.standing.lines
        if scope["method"] == "HEAD":
            return *head, header_lines(form.own), b"\r\n"
        return *head, *self._pieces(form)

    def _choose(self, scope: Scope) -> Form:
        standing = self.standing
        if self._decision is not standing.decision:
            self._follow()
        asked = dict(scope["headers"])
        if asked.get(b"if-none-match") == self.etag or self._is_known(asked):
            standing.tally.not_modified += 1
            if self._unmodified is None:
                # All that a 200 would have but what describes the content (RFC 9110, section 15.4.5).
                self._unmodified = Form(304, [(b"etag", self.etag)], b"")
            return self._unmodified
        standing.tally.ok += 1
        if self._kind.packs and (coding := content_coding(asked.get(b"accept-encoding", b""))):
            return self._packed.get(coding) or self._pack(coding)
        return self._full

    def _pieces(self, form: Form) -> tuple[bytes, ...]:
        """Give own headers, the empty line and the body."""
        if form.after:
            return form.opening, self.standing.as_of, form.between, self.standing.next_check, form.after
        return (form.opening,)

    def _follow(self) -> None:
        """Bring bytes and validators up to the decision."""
        standing, decision = self.standing, self.standing.decision
        assert decision is not None
        self._decision = decision
        self._packed = _NOT_PACKED
        if self._said != standing.said or self._cut is None:
            body = self._render(decision)
            self._cut = _cut(body, self._kind.marks, standing) if self._ages else None
            parts = self._cut or (body.replace(standing.as_of, b"") if standing.as_of else body,)
            self._digest = digest(*parts)  # of what is said, whenever ECE said it
            self._said = standing.said
            self._make(*(self._cut or (body, b"", b"")))
        elif not self.etag.endswith(b'-%s"' % standing.next_check):
            self._make(*self._cut)

    def _make(self, body: bytes, between: bytes, after: bytes) -> None:
        age = len(self.standing.as_of) + len(self.standing.next_check) if after else 0
        self.etag = b'W/"%s-%s"' % (self._digest, self.standing.next_check)
        self._unmodified = None
        described = self._described(len(body) + len(between) + len(after) + age)
        self._full = Form(200, described, body, between=between, after=after)

    def _described(self, length: int) -> Headers:
        return [(b"content-length", b"%d" % length), (b"etag", self.etag)]

    def _is_known(self, asked: dict[bytes, bytes]) -> bool:
        if b"if-none-match" in asked:
            return none_match(asked[b"if-none-match"], self.etag)
        if b"if-modified-since" in asked and self._decision is not None and self._decision.as_of is not None:
            return not_modified_since(asked[b"if-modified-since"], self._decision.as_of)
        return False

    def _pack(self, coding: str) -> Form:
        """Give the body in this coding with its headers, made at the first request that takes it."""
        body = _PACKERS[coding](self._body(self._full))
        form = Form(200, [*_CODED[coding], *self._described(len(body))], body)
        self._packed = {**self._packed, coding: form}
        return form

    def _body(self, form: Form) -> bytes:
        return b"".join(self._pieces(form)).partition(_EMPTY_LINE)[2]


def _cut(body: bytes, marks: tuple[bytes, bytes], standing: Standing) -> tuple[bytes, bytes, bytes] | None:
    """Give the body without its age: what stands before `asOf`, between the two, and after `nextCheck`.

    None where there is no age, or where a template of somebody's writes it in another way.
    """
    first, second = (mark + text for mark, text in zip(marks, (standing.as_of, standing.next_check), strict=True))
    if not standing.as_of or body.count(first) != 1 or body.count(second) != 1:
        return None
    before, _, rest = body.partition(first)
    between, _, after = rest.partition(second)
    if not after:
        return None
    return before + marks[0], _shared(between + marks[1]), _shared(after)


def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
