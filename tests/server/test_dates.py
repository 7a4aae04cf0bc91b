"""The Date of an answer."""

from __future__ import annotations

from widget.server.dates import DatedHeaders


def test_an_answer_is_dated_when_it_starts_not_when_its_request_came() -> None:
    of_the_answer = [(b"etag", b"1")]
    now = [1_795_520_920.9]
    headers = DatedHeaders(lambda: now[0])
    before = headers + of_the_answer
    now[0] += 0.2
    after = headers + of_the_answer
    assert before == [(b"date", b"Tue, 24 Nov 2026 11:48:40 GMT"), (b"etag", b"1")]
    assert after == [(b"date", b"Tue, 24 Nov 2026 11:48:41 GMT"), (b"etag", b"1")]
