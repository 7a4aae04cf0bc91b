"""One public answer, ready to send: bytes, validators and cache headers, without a template or a database."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import brotli
from starlette.types import Receive, Scope, Send

from widget.domain.decision import Decision
from widget.web.public.ageing_text import AgeingText, Marks, Parts, Render
from widget.web.public.caching import content_coding, none_match, not_modified_since
from widget.web.public.current_decision import Headers, Standing, header_lines

Message = dict[str, Any]

# Levels at which a launcher takes about a tenth of a millisecond, once per snapshot.
_PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": lambda body: bytes(brotli.compress(body, quality=5)),
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
}

_EMPTY_LINE = b"\r\n\r\n"


class Kind:
    """What all statuses, or all launchers, have in common. `headers` are those of every answer, 304 too."""

    __slots__ = ("heads", "marks", "packs")

    def __init__(self, content_type: bytes, headers: Headers, *, marks: Marks, packs: bool = False) -> None:
        self.marks = marks
        self.packs = packs
        self.heads = {
            200: _status_line(200) + header_lines([(b"content-type", content_type), *headers]),
            304: _status_line(304) + header_lines(headers),
        }


class Form:
    """One way in which an answer goes out: as it is, packed, or as a 304.

    `head` is what its kind shares: the status line and headers. `opening` is one object for what else would be three,
    far apart in memory: the headers that no other answer has, the empty line, and the body as far as it is its own.
    `shared` and `after` follow as `Parts` has them.
    """

    __slots__ = ("after", "head", "opening", "shared", "standing")

    def __init__(self, head: bytes, standing: Standing) -> None:
        self.head = head
        self.standing = standing
        self.opening = self.shared = b""
        self.after: tuple[bytes, ...] = ()

    def fill(self, own: Headers, parts: Parts) -> None:
        """Take the headers that no other answer has, and the body."""
        self.opening = header_lines(own) + b"\r\n" + parts.own
        self.shared = parts.shared
        self.after = parts.after

    def written(self) -> tuple[bytes, ...]:
        """Give status line, headers and body as HTTP/1.1 writes them."""
        standing = self.standing
        head = self.head, standing.lines, self.opening
        if not self.after:
            return head
        between, *rest = self.after
        return *head, self.shared, standing.as_of, between, standing.next_check, *rest

    def read(self) -> tuple[int, Headers, bytes]:
        """Give status, headers and body apart, for a server that writes them in its own way."""
        head, _, body = b"".join(self.written()).partition(_EMPTY_LINE)
        first, *lines = head.split(b"\r\n")
        pairs = (line.partition(b": ") for line in lines)
        return int(first.split(b" ")[1]), [(name, value) for name, _, value in pairs], body

    def parts(self) -> Parts:
        """Give the body again as it was taken."""
        return Parts((b"\r\n" + self.opening).partition(_EMPTY_LINE)[2], self.shared, self.after)


_NOT_PACKED: Mapping[str, Form] = {}


class Ready(Form):
    """One public answer in the form in which it goes out unpacked, and where its other forms are found.

    Answers are many and each is sent seldom, so that what is read of one has mostly to come from memory: a request
    touches this object and its `opening`, and else only what many answers share.
    """

    __slots__ = ("_decision", "_kind", "_packed", "_text", "_unmodified", "etag")

    def __init__(self, standing: Standing, render: Render, kind: Kind, *, ages: bool) -> None:
        super().__init__(kind.heads[200], standing)
        self.etag = b""
        self._kind = kind
        self._text = AgeingText(render, kind.marks, ages=ages)
        self._decision: Decision | None = None
        self._packed = _NOT_PACKED
        self._unmodified: Form | None = None

    async def send(self, scope: Scope, send: Send) -> None:
        """Answer GET or HEAD: 304 when the visitor has it already, else the bytes, packed as the visitor takes them."""
        status, headers, body = self._choose(scope).read()
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be the response of a route."""
        await self.send(scope, send)

    def answer(self, scope: Scope) -> tuple[bytes, ...]:
        """Give the same answer as HTTP/1.1 writes it; after the first piece the server puts its Date and Connection."""
        written = self._choose(scope).written()
        if scope["method"] != "HEAD":
            return written
        first, *others = written
        return first, b"".join(others).partition(_EMPTY_LINE)[0] + _EMPTY_LINE

    def _choose(self, scope: Scope) -> Form:
        standing = self.standing
        if self._decision is not standing.decision:
            self._follow()
        standing.answered += 1
        asked = dict(scope["headers"])
        if b"if-none-match" in asked:
            if none_match(asked[b"if-none-match"], self.etag):
                return self._not_modified()
        elif b"if-modified-since" in asked and self._stands_since(asked[b"if-modified-since"]):
            return self._not_modified()
        if b"accept-encoding" in asked and self._kind.packs:
            coding = content_coding(asked[b"accept-encoding"])
            return (self._packed.get(coding) or self._pack(coding)) if coding else self
        return self

    def _follow(self) -> None:
        """Bring bytes and validators up to the decision."""
        standing = self.standing
        self._packed = _NOT_PACKED
        parts = self._text.follow(standing)
        if parts is None and not self.etag.endswith(b'-%s"' % standing.next_check):
            parts = self.parts()
        if parts is not None:
            self.etag = b'W/"%s-%s"' % (self._text.digest, standing.next_check)
            self._unmodified = None
            age = len(standing.as_of) + len(standing.next_check) if parts.after else 0
            length = len(parts.own) + len(parts.shared) + sum(map(len, parts.after)) + age
            self.fill(self._described(length), parts)
        # Last: a template that fails must not leave the old answer to the next visitor.
        self._decision = standing.decision

    def _described(self, length: int) -> Headers:
        return [(b"content-length", b"%d" % length), (b"etag", self.etag)]

    def _stands_since(self, header: bytes) -> bool:
        as_of = None if self._decision is None else self._decision.as_of
        return as_of is not None and not_modified_since(header, as_of)

    def _not_modified(self) -> Form:
        if self._unmodified is None:
            # All that a 200 would have but what describes the content (RFC 9110, section 15.4.5).
            self._unmodified = Form(self._kind.heads[304], self.standing)
            self._unmodified.fill([(b"etag", self.etag)], Parts(b""))
        return self._unmodified

    def _pack(self, coding: str) -> Form:
        """Give the body in this coding with its headers, made at the first request that takes it."""
        _, _, whole = self.read()
        body = _PACKERS[coding](whole)
        form = Form(self.head, self.standing)
        form.fill([(b"content-encoding", coding.encode()), *self._described(len(body))], Parts(body))
        self._packed = {**self._packed, coding: form}
        return form


def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
