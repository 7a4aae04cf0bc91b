"""Where an answer ends, whether its connection may be used again, and how much may come: RFC 9112 as a table."""

from __future__ import annotations

import time

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.processor_speed import slowness
from widget.ece.http_answer import LARGEST_BODY, Answer, AnswerRefused

BODY = b'<chatAllowed allowed="true"/>'
LONG = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
IDENTITY = b"Transfer-Encoding: identity\r\n"
CHUNKS = b"a\r\n%b\r\n%x;why=not\r\n%b\r\n0\r\n" % (BODY[:10], len(BODY) - 10, BODY[10:])
OK, EMPTY, OLD = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 204 No Content\r\n", b"HTTP/1.0 200 OK\r\n"
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

# name: bytes, body, whether the connection may be used again when nothing follows
FRAMINGS: dict[str, tuple[bytes, bytes, bool]] = {
    "a length": (OK + LONG + b"\r\n" + BODY, BODY, True),
    "no body": (OK + b"Content-Length: 0\r\n\r\n", b"", True),
    "chunks": (OK + CHUNKED + b"\r\n" + CHUNKS + b"\r\n", BODY, True),
    "lines without returns": (OK.replace(b"\r", b"") + LONG.replace(b"\r", b"") + b"\n" + BODY, BODY, True),
    "after interim answers": (HINT + b"HTTP/1.1 100 \r\n\r\n" + OK + LONG + b"\r\n" + BODY, BODY, True),
    "204": (EMPTY + b"\r\n", b"", True),
    "304": (b"HTTP/1.1 304 Not Modified\r\n\r\n", b"", True),
    "204 with a length": (EMPTY + b"Content-Length: 0\r\n\r\n", b"", False),
    "204 with a body": (EMPTY + LONG + b"\r\n" + BODY, b"", False),
    "204 with chunks": (EMPTY + CHUNKED + b"\r\n" + CHUNKS + b"\r\n", b"", False),
    "304 with a length": (b"HTTP/1.1 304 Not Modified\r\n" + LONG + b"\r\n", b"", False),
    "an interim answer with a length": (b"HTTP/1.1 103 \r\nContent-Length: 3\r\n\r\n" + EMPTY + b"\r\n", b"", False),
    "chunks and a length": (OK + CHUNKED + LONG + b"\r\n" + CHUNKS + b"\r\n", BODY, False),
    "chunks and trailers": (OK + CHUNKED + b"\r\n" + CHUNKS + b"X: y\r\n\r\n", BODY, False),
    "chunks in HTTP/1.0": (OLD + CHUNKED + b"\r\n" + CHUNKS + b"\r\n", BODY, False),
    "HTTP/1.0": (OLD + LONG + b"\r\n" + BODY, BODY, False),
    "to be closed": (OK + b"Connection: x, Close\r\n" + LONG + b"\r\n" + BODY, BODY, False),
    "chunked sent twice": (OK + CHUNKED + CHUNKED + b"\r\n" + CHUNKS + b"\r\n", BODY, False),
    "chunked, chunked": (OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNKS + b"\r\n", BODY, False),
    "a length sent twice": (OK + LONG + LONG + b"\r\n" + BODY, BODY, False),
    "a blank before a colon": (OK + b"X-Powered-By : x\r\n" + LONG + b"\r\n" + BODY, BODY, False),
    "an empty name": (OK + b": x\r\n" + LONG + b"\r\n" + BODY, BODY, False),
    "a name with a blank": (OK + b"X Y: x\r\n" + LONG + b"\r\n" + BODY, BODY, False),
    "identity and a length": (OK + IDENTITY + LONG + b"\r\n" + BODY, BODY, False),
    "identity and chunks": (OK + b"Transfer-Encoding: Identity, chunked\r\n\r\n" + CHUNKS + b"\r\n", BODY, False),
    "a folded line": (OK + b"X: y\r\n z\r\n" + LONG + b"\r\n" + BODY, BODY, False),
    "a value that is no text": (OK + b"X: \x01\x7f\xff\r\n" + LONG + b"\r\n" + BODY, BODY, True),
}
REFUSED: dict[str, tuple[bytes, str]] = {
    "lengths that differ": (OK + LONG + b"Content-Length: 7\r\n\r\n", "Content-Length: '29, 7'"),
    "a list of lengths": (OK + b"Content-Length: 5, 6\r\n\r\n", "Content-Length: '5, 6'"),
    "a length with a sign": (OK + b"Content-Length: +5\r\n\r\n", "Content-Length: '+5'"),
    "a length that is empty": (OK + b"Content-Length:\r\n\r\n", "Content-Length: ''"),
    "a length in hex": (OK + b"Content-Length: 0x5\r\n\r\n", "Content-Length: '0x5'"),
    "another coding": (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", "Transfer-Encoding: 'gzip, chunked'"),
    "chunked within": (OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n", "Transfer-Encoding: 'chunked, gzip'"),
    "a blank before the colon": (OK + b"Transfer-Encoding : chunked\r\n\r\n", "colon of Transfer-Encoding: 'chunked'"),
    "a folded length": (OK + b"Content-Length:\r\n 5\r\n\r\n", "Content-Length continued on a second line"),
    "a bare return": (OK + b"X: y\rContent-Length: 5\r\n\r\n", "a control character in the header 'X'"),
    "a NUL": (OK + b"X: y\0\r\n\r\n", "a control character in the header 'X'"),
    "no colon": (OK + b"Set-Cookie\r\n\r\n", "a line without a colon among the headers: 'Set-Cookie'"),
    "a protocol changed": (b"HTTP/1.1 101 \r\n\r\n", "101"),
    "another protocol": (b"220 mail.example.com ESMTP\r\n\r\n", "a first line that is not HTTP/1.1"),
    "another version": (b"HTTP/2.0 200 OK\r\n\r\n", "a first line that is not HTTP/1.1"),
    "TLS": (b"\x15\x03\x01\0\2\2\x28", "TLS, as a port for https answers http"),
    "HTTP/2": (b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x64", "HTTP/2, which nobody asked for"),
    "a greeting without an end": (b"SSH-2.0-OpenSSH_9.2", "a first line that is not HTTP/1.1"),
    "a size without a return": (OK + CHUNKED + b"\r\n1\nx\n0\n\n", "a line that ends without a carriage return"),
    "a size that is none": (OK + CHUNKED + b"\r\n-1\r\n", "the size of a chunk: '-1'"),
    "a size too large": (OK + CHUNKED + b"\r\n123456789\r\n", "the size of a chunk: '123456789'"),
    "a size without an end": (OK + CHUNKED + b"\r\n1;" + b"x" * 300, "the size of a chunk in a line without an end"),
    "a chunk too long": (OK + CHUNKED + b"\r\n1\r\nabc", "a chunk that is longer than its size"),
    "interim without end": (HINT * 17, "more than 16 interim answers (103)"),
    "headers without end": (OK + b"X: y\r\n" * 6000, "more than 32 KiB of headers"),
    "too many headers": (OK + b"X: y\r\n" * 300 + b"\r\n", "more than 256 headers"),
    "chunks without end": (OK + CHUNKED + b"\r\n" + b"1\r\nx\r\n" * 2000, "more than 1024 chunks"),
}
FOLLOWING = {
    "nothing": b"",
    "a blank": b" ",
    "an empty line": b"\r\n",
    "a chunk's end": b"0\r\n\r\n",
    "a whole answer": OK + LONG + b"\r\n" + BODY,
    "another 204": EMPTY + b"\r\n",
    "an interim answer": HINT,
    "TLS": b"\x15\x03\x03\x00\x02\x02\x28",
}


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def understood(written: bytes) -> tuple[int, bytes, bool]:
    """Return status and body as the HTTP library reads what the filter wrote, and whether anything was left."""
    library = h11.Connection(h11.CLIENT)
    library.send(h11.Request(method="GET", target="/", headers=[("host", "ece")]))
    library.send(h11.EndOfMessage())
    library.receive_data(written)
    status, body = 0, b""
    while True:
        match library.next_event():
            case h11.Response(status_code=status):
                pass
            case h11.Data(data=data):
                body += data
            case h11.EndOfMessage():
                return status, body, bool(library.trailing_data[0])
            case other:
                raise AssertionError(other)


@pytest.mark.parametrize("following", FOLLOWING)
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("size", [1, 7, 1_000_000], ids=["bytes", "sevens", "whole"])
def test_an_answer_ends_where_it_ends_and_what_follows_it_ends_the_connection(
    framing: str, following: str, size: int
) -> None:
    data, body, reusable = FRAMINGS[framing]
    answer, written = Answer(), b""
    for piece in pieces(data + FOLLOWING[following], size):
        if not answer.complete:
            written += answer.receive(piece)
        else:
            answer.reusable = False  # as the connection does with what comes when nothing is asked
    assert answer.complete
    status, read, left = understood(written)
    assert (status in (200, 204, 304), read, left) == (True, body, False)
    assert answer.reusable is (reusable and following == "nothing")


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("size", [1, 1_000_000], ids=["bytes", "whole"])
def test_what_is_refused_is_named(name: str, size: int) -> None:
    data, words = REFUSED[name]
    answer = Answer()
    with pytest.raises(AnswerRefused) as caught:  # noqa: PT012 - with which piece is not the point
        for piece in pieces(data, size):
            answer.receive(piece)
    assert words in str(caught.value)


def test_what_is_shown_of_a_refused_header_is_short_and_printable() -> None:
    with pytest.raises(AnswerRefused) as caught:
        Answer().receive(OK + b"Content-Length: \x1b[31m\xff" + b"9" * 500 + b"\r\n\r\n")
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize(
    "header", [b"location: https://login.example.com/", b"retry-after: 5", b"content-type: text/xml"]
)
def test_a_header_sent_twice_alike_is_read_once(header: bytes) -> None:
    written = Answer().receive(OK + 2 * (header + b"\r\n") + LONG + b"\r\n" + BODY)
    assert written.count(header) == 1


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    answer = Answer()
    written = answer.receive(OK + b"\r\n" + BODY) + answer.end()
    assert understood(written) == (200, BODY, False)
    assert not answer.reusable


@pytest.mark.parametrize("cut", [OK + LONG + b"\r\n" + BODY[:-1], OK + CHUNKED + b"\r\n" + CHUNKS[:-3], OK])
def test_a_cut_answer_is_not_made_whole(cut: bytes) -> None:
    answer = Answer()
    answer.receive(cut)
    assert answer.end() == b""
    assert not answer.complete


def test_the_answer_to_connect_has_no_body() -> None:
    answer = Answer(to_connect=True)
    answer.receive(b"HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n")
    assert answer.complete


@pytest.mark.parametrize("framing", [b"Content-Length: 10000000\r\n\r\n", b"\r\n", CHUNKED + b"\r\n989680\r\n"])
def test_a_body_is_cut_off_after_the_largest(framing: bytes) -> None:
    answer, written = Answer(), b""
    for piece in pieces(OK + framing + b" " * 200_000, 65_536):
        written += answer.receive(piece) if not answer.complete else b""
    assert answer.complete
    assert not answer.reusable
    assert LARGEST_BODY < len(written) < LARGEST_BODY + 2_000


@given(st.binary(max_size=400), st.integers(1, 50), st.booleans())
def test_whatever_the_bytes_the_outcome_is_an_answer_or_a_refusal(noise: bytes, size: int, framed: bool) -> None:
    answer = Answer()
    data = (OK + CHUNKED + b"\r\n" if framed else b"HTTP/1.1 200") + noise
    try:
        for piece in pieces(data, size):
            answer.receive(piece)
        answer.end()
    except AnswerRefused:
        pass


@given(st.sampled_from(sorted(FRAMINGS)), st.data())
def test_where_the_bytes_are_cut_makes_no_difference(framing: str, data: st.DataObject) -> None:
    whole = FRAMINGS[framing][0]
    at = data.draw(st.integers(0, len(whole)))
    answer, once = Answer(), Answer()
    written = answer.receive(whole[:at])
    written += answer.receive(whole[at:]) if not answer.complete else b""
    assert understood(written) == understood(once.receive(whole))


@pytest.mark.parametrize(
    "flood",
    [
        OK + CHUNKED + b"\r\n" + b"1\r\nx\r\n" * 40_000,
        HINT * 6_000,
        OK + CHUNKED + b"\r\n1\r\nx\r\n0\r\n" + b"X: y\r\n" * 12_000,
        OK + b"X: y\r\n" * 5_000,
        OK + b"a:\n" * 10_000 + b"\n",
        OK + b" \n" * 16_000,
        OK + CHUNKED + b"\r\n" + b"1;" + b"x" * 250_000,
        OK + b"Content-Length: " + b"5," * 15_000 + b"5\r\n\r\n",
        OK + b"Transfer-Encoding: " + b"chunked," * 4_000 + b"\r\n\r\n",
        OK + b"Connection: " + b"a," * 16_000 + b"\r\n\r\n",
    ],
    ids=["chunks", "interim", "trailers", "headers", "short headers", "folds", "extension", "lengths", "codings", "x"],
)
@pytest.mark.parametrize("size", [1, 1_400, 262_144])
def test_no_flood_takes_long_at_once(flood: bytes, size: int) -> None:
    tries = [longest_at_once(flood, size) / slowness()]
    while tries[-1] >= 0.02 and len(tries) < 5:
        tries.append(longest_at_once(flood, size) / slowness())
    assert min(tries) < 0.02


def longest_at_once(flood: bytes, size: int) -> float:
    """Return the most processor time, in seconds, that one piece of the flood takes."""
    answer, longest = Answer(), 0.0
    for piece in pieces(flood, size):
        started = time.thread_time()
        try:
            answer.receive(piece)
        except AnswerRefused:
            break
        finally:
            longest = max(longest, time.thread_time() - started)
        if answer.complete:
            break
    return longest
