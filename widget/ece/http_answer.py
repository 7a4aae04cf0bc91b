"""One HTTP/1.1 answer of ECE, read from the bytes of its connection and written anew for the HTTP library.

Whatever comes in, the library gets one head with the headers that mean something here, and a body in whole pieces. So
the rules of RFC 9112 for clients stand in one place: where an answer ends, whether its connection may be
used again, and how much may come. Nothing here waits, and each byte is looked at a bounded number of times.

    what comes                                      the answer      its connection
    a byte after the end; 204, 304 with a length    is read         closed
    a header sent twice alike, names that are none  is read         closed
    "identity", which says that there is no coding  is read         closed
    lengths that differ, an unknown coding          refused, named  closed
    bytes that begin no answer of HTTP/1.1          refused, named  closed, without waiting for a line's end
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from widget.domain.errors import ANSWERED_IN_TLS

LARGEST_BODY = 64 * 1024
LARGEST_HEAD = 32 * 1024  # with all interim answers (1xx) before it
MOST_HEADERS = 256
MOST_INTERIM = 16
MOST_CHUNKS = 1024
LONGEST_CHUNK_LINE = 256

_BEGINS = b"HTTP/1."
_STATUS_LINE = re.compile(rb"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: .*)?", re.DOTALL)
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?")
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_LENGTH_NAME, _CODING_NAME, _CONNECTION_NAME = b"content-length", b"transfer-encoding", b"connection"
_FRAMING = (_LENGTH_NAME, _CODING_NAME, _CONNECTION_NAME)
_READ_BY_US = (b"content-type", b"content-encoding", b"location", b"retry-after")


class AnswerRefused(Exception):
    """What came is no answer that HTTP/1.1 allows us to read; `str()` names what, without the rest of the bytes."""


@dataclass(slots=True)
class Answer:
    """The answer to one request; `to_connect` says that the request asks a proxy for a tunnel.

    `complete` turns true with its last byte; `reusable` says whether another request may go over the same connection.
    """

    to_connect: bool = False
    complete: bool = False
    reusable: bool = True
    _buffer: bytearray = field(default_factory=bytearray)
    _head: bytearray = field(default_factory=bytearray)  # these two are to be read by the library
    _body: bytearray = field(default_factory=bytearray)
    _searched: int = 0
    _head_bytes: int = 0
    _interim: int = 0
    _chunks: int = 0
    _body_bytes: int = 0
    _left: int | None = None  # of the body or the chunk; None for a body that ends with the connection
    _in_chunks: bool = False
    _step: Callable[[], bool] | None = None  # None while the head comes; returns whether it can go on

    def receive(self, data: bytes) -> bytes:
        """Take what came and return what the HTTP library shall read of it. Raise AnswerRefused."""
        self._buffer += data
        while not self.complete and (self._step or self._read_head)():
            pass
        if self.complete and self._buffer:
            self.reusable = False
        return self._written()

    def end(self) -> bytes:
        """Return what the HTTP library shall read when the connection was closed in order."""
        self.reusable = False
        if self._step != self._read_body or self._left is not None:
            return b""  # cut: the library says so
        self.complete = True
        return self._written()

    def _written(self) -> bytes:
        """Return what was read since the last time: of a body in chunks one chunk, however many came."""
        head, body = bytes(self._head), bytes(self._body)
        self._head.clear()
        self._body.clear()
        if self._in_chunks:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"0\r\n\r\n" if self.complete else b"")
        return head + body

    def _read_head(self) -> bool:
        begun = bytes(self._buffer[: len(_BEGINS)])
        if len(begun) == len(_BEGINS) and begun != _BEGINS:
            raise AnswerRefused(_not_http_1(begun))
        found = _END_OF_HEAD.search(self._buffer, max(0, self._searched - 2))
        size = found.end() if found else len(self._buffer)
        if self._head_bytes + size > LARGEST_HEAD:
            raise AnswerRefused(f"more than {LARGEST_HEAD // 1024} KiB of headers")
        if not found:
            self._searched = size
            return False
        head = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._searched, self._head_bytes = 0, self._head_bytes + size
        self._begin(head)
        return True

    def _begin(self, head: bytes) -> None:
        status_line, *lines = [line.removesuffix(b"\r") for line in head.split(b"\n")[:-2]]
        matched = _STATUS_LINE.fullmatch(status_line)
        if matched is None:
            raise AnswerRefused("a first line that is not HTTP/1.1")
        status = int(matched[2])
        if len(lines) > MOST_HEADERS:
            raise AnswerRefused(f"more than {MOST_HEADERS} headers")
        headers = self._headers(lines)
        codings, lengths = _tokens(headers[_CODING_NAME]), headers[_LENGTH_NAME]
        coded = [each for each in codings if each != b"identity"]  # RFC 2616, section 3.6; since then it is no coding
        if matched[1] == b"0" or b"close" in _tokens(headers[_CONNECTION_NAME]) or len(coded) < len(codings):
            self.reusable = False
        if status < 200:
            self._skip_interim(status, framed=bool(coded or lengths))
            return
        self._head += b"HTTP/1.1 %d \r\n" % status
        for name in _READ_BY_US:
            self._head += b"".join(b"%b: %b\r\n" % (name, value) for value in dict.fromkeys(headers[name]))
        if status in (204, 304) or (self.to_connect and status <= 299):
            self._head += b"\r\n"
            self.complete = True
            self.reusable = self.reusable and not (coded or lengths)
        elif coded:
            self._begin_coded(coded, odd=bool(lengths) or matched[1] == b"0")
        elif lengths:
            self._begin_measured(lengths)
        else:  # RFC 9112, section 6.3: it ends with the connection
            self.reusable = False
            self._begin_chunks(self._read_body)

    def _headers(self, lines: list[bytes]) -> dict[bytes, list[bytes]]:
        """Return the values of the headers that are read, by name; others are passed over, whatever they look like."""
        headers: dict[bytes, list[bytes]] = {name: [] for name in (*_FRAMING, *_READ_BY_US)}
        last = b""
        for line in lines:
            if b"\r" in line or b"\0" in line:
                raise AnswerRefused(f"a control character in the header {_shown(line.partition(b':')[0])}")
            if line[:1] in (b" ", b"\t"):  # obsolete folding, RFC 9112, section 5.2
                if last in _FRAMING:
                    raise AnswerRefused(f"{_titled(last)} continued on a second line")
                self.reusable = False
                continue
            name, colon, value = line.partition(b":")
            last = name.strip().lower()
            if not colon:
                raise AnswerRefused(f"a line without a colon among the headers: {_shown(line)}")
            if last in _FRAMING and name.strip() != name:
                raise AnswerRefused(f"a blank before the colon of {_titled(last)}: {_shown(value.strip())}")
            if not _TOKEN.fullmatch(name):
                self.reusable = False
            readable = _VALUE.fullmatch(value)
            if last in _FRAMING and not readable:
                raise AnswerRefused(f"{_titled(last)}: {_shown(value)}")
            if last in headers and readable:
                headers[last].append(value.strip(b" \t"))
        return headers

    def _skip_interim(self, status: int, *, framed: bool) -> None:
        self._interim += 1
        if status == 101:
            raise AnswerRefused("101, a change of protocol that nobody asked for")
        if self._interim > MOST_INTERIM:
            raise AnswerRefused(f"more than {MOST_INTERIM} interim answers ({status})")
        if framed:
            self.reusable = False

    def _begin_coded(self, coded: list[bytes], *, odd: bool) -> None:
        """Begin a body in chunks; the coding goes before a length, and then the connection is closed (section 6.3)."""
        if set(coded) != {b"chunked"}:
            raise AnswerRefused(f"Transfer-Encoding: {_shown(b', '.join(coded))}")
        if odd or len(coded) > 1:
            self.reusable = False
        self._begin_chunks(self._read_chunk_line)

    def _begin_chunks(self, step: Callable[[], bool]) -> None:
        self._head += b"transfer-encoding: chunked\r\n\r\n"
        self._in_chunks, self._step = True, step

    def _begin_measured(self, lengths: list[bytes]) -> None:
        texts = [text.strip(b" \t") for value in lengths for text in value.split(b",")]
        if len(set(texts)) != 1 or not _LENGTH.fullmatch(texts[0]):
            raise AnswerRefused(f"Content-Length: {_shown(b', '.join(texts))}")
        if len(texts) > 1:
            self.reusable = False
        self._left = int(texts[0])
        self._head += b"content-length: %d\r\n\r\n" % self._left
        self._step = self._read_body
        self.complete = self._left == 0

    def _read_body(self) -> bool:
        """Read a body that has a length, or that ends with the connection."""
        taken = self._take(len(self._buffer) if self._left is None else self._left)
        if self._left is not None:
            self._left -= taken
            self.complete = self.complete or self._left == 0
        return False

    def _read_chunk_line(self) -> bool:
        end = self._buffer.find(b"\n", 0, LONGEST_CHUNK_LINE)
        if end < 0:
            if len(self._buffer) >= LONGEST_CHUNK_LINE:
                raise AnswerRefused("the size of a chunk in a line without an end")
            return False
        line = bytes(self._buffer[:end])
        if not line.endswith(b"\r"):  # RFC 9112, section 2.2: the lines of a head alone may lack it
            raise AnswerRefused("the size of a chunk in a line that ends without a carriage return")
        matched = _CHUNK_LINE.fullmatch(line[:-1])
        if matched is None:
            raise AnswerRefused(f"the size of a chunk: {_shown(line[:-1])}")
        self._chunks += 1
        if self._chunks > MOST_CHUNKS:
            raise AnswerRefused(f"more than {MOST_CHUNKS} chunks")
        del self._buffer[: end + 1]
        self._left = int(matched[1], 16)
        self._step = self._read_chunk if self._left else self._read_end_of_chunks
        return True

    def _read_chunk(self) -> bool:
        assert self._left is not None
        self._left -= self._take(self._left)
        if self._left == 0:
            self._step = self._read_end_of_chunk
        return self._left == 0

    def _read_end_of_chunk(self) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] != b"\r\n":
            raise AnswerRefused("a chunk that is longer than its size")
        del self._buffer[:2]
        self._step = self._read_chunk_line
        return True

    def _read_end_of_chunks(self) -> bool:
        """End the body after the last chunk. Trailers say nothing to us: they are left behind, with the connection."""
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] == b"\r\n":
            del self._buffer[:2]
        self.complete = True
        return False

    def _take(self, wanted: int) -> int:
        """Take so much of the body as is there; what is more than the largest body is cut off, with the connection."""
        piece = self._buffer[: min(wanted, LARGEST_BODY + 1 - self._body_bytes)]
        del self._buffer[: len(piece)]
        self._body += piece
        self._body_bytes += len(piece)
        if self._body_bytes > LARGEST_BODY:
            self.complete, self.reusable = True, False
        return len(piece)


def _not_http_1(begun: bytes) -> str:
    """Return what an answer is that does not begin as HTTP/1.1 does."""
    if begun.startswith(b"\x15\x03"):  # an alert, RFC 8446, section 6
        return ANSWERED_IN_TLS
    if begun[:1] == b"\0" and begun[3:4] == b"\x04":  # SETTINGS, with which a server begins: RFC 9113, section 3.4
        return "HTTP/2, which nobody asked for"
    return "a first line that is not HTTP/1.1"


def _tokens(values: list[bytes]) -> list[bytes]:
    return [token for value in values for each in value.split(b",") if (token := each.strip(b" \t").lower())]


def _titled(name: bytes) -> str:
    return name.decode("ascii").title()


def _shown(text: bytes) -> str:
    """Return the beginning of a text from outside in printable ASCII."""
    return repr(text[:40].decode("latin-1").encode("ascii", "backslashreplace").decode("ascii"))
