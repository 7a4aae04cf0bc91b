"""One public answer as bytes: validators, codings and header lines, without a template or a database."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from http import HTTPStatus

import brotli
from starlette.responses import Response
from starlette.types import Scope

from widget.domain.decision import Decision
from widget.web.public.caching import content_coding, none_match, not_modified_since

Headers = list[tuple[bytes, bytes]]
# An answer as HTTP/1.1 writes it. The first is the status line and whole header lines: Date and Connection, which are
# the server's, go behind it.
Pieces = tuple[bytes, ...]

# Levels at which a launcher takes about a tenth of a millisecond, once per snapshot.
_PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": lambda body: bytes(brotli.compress(body, quality=5)),
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
}


class Kind:
    """What all statuses, or all launchers, have in common; `headers` are those of every answer, a 304 too."""

    __slots__ = ("heads", "packs")

    def __init__(self, content_type: bytes, headers: Headers, *, packs: bool) -> None:
        self.packs = packs
        self.heads = {
            200: _head(200, [(b"content-type", content_type), *headers]),
            304: _head(304, headers),
        }


class CachedAnswer:
    """A public answer rendered for one decision, in every coding that was asked for so far."""

    __slots__ = ("_codings", "_etag_line", "_kind", "decision", "etag")

    def __init__(self, kind: Kind, decision: Decision, etag: bytes, body: bytes) -> None:
        self.decision = decision
        self.etag = etag
        self._kind = kind
        self._etag_line = b"etag: %s\r\n" % etag
        self._codings = {"": (self._described(body), body)}

    def pieces(self, scope: Scope, lines: bytes) -> Pieces:
        """Return what GET or HEAD gets; `lines` are the headers that change while the answer stays."""
        asked = dict(scope["headers"])
        if (b"if-none-match" in asked or b"if-modified-since" in asked) and self._is_known(asked):
            # All that a 200 would have but what describes the content (RFC 9110, section 15.4.5).
            return self._kind.heads[304], lines, self._etag_line, b"\r\n"
        coding = content_coding(asked.get(b"accept-encoding", b"")) if self._kind.packs else ""
        described, body = self._codings.get(coding) or self._pack(coding)
        return self._kind.heads[200], lines, described, b"" if scope["method"] == "HEAD" else body

    def _is_known(self, asked: Mapping[bytes, bytes]) -> bool:
        """Return whether the request names a version that is still right (RFC 9110, section 13.2.2)."""
        if b"if-none-match" in asked:
            return none_match(asked[b"if-none-match"], self.etag)
        as_of = self.decision.as_of
        return as_of is not None and not_modified_since(asked[b"if-modified-since"], as_of)

    def _pack(self, coding: str) -> tuple[bytes, bytes]:
        body = _PACKERS[coding](self._codings[""][1])
        self._codings[coding] = (b"content-encoding: %s\r\n%s" % (coding.encode(), self._described(body)), body)
        return self._codings[coding]

    def _described(self, body: bytes) -> bytes:
        return b"content-length: %d\r\n%s\r\n" % (len(body), self._etag_line)


def response(pieces: Pieces) -> Response:
    """Return the same answer for a route."""
    head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    made = Response(body, int(first.split(b" ")[1]))
    made.raw_headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
    return made


def _head(status: int, headers: Headers) -> bytes:
    lines = b"".join(b"%s: %s\r\n" % header for header in headers)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode() + lines
