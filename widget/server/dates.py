"""The Date of an answer: the second in which it starts (RFC 9110, section 6.6.1)."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate

Header = tuple[bytes, bytes]


class DatedHeaders(list[Header]):
    """uvicorn's default headers, which it adds to those of each answer.

    Its own Date is up to a second old and taken when the request came in, so an answer that waited for ECE would be
    dated before its Last-Modified, which RFC 9110 (section 8.8.2.1) forbids.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._wall = wall
        self._from = self._until = 0.0
        self._date: Header = (b"date", b"")
        self._line = b""

    def __add__(self, headers: list[Header]) -> list[Header]:  # type: ignore[override]
        self._keep_time()
        return [self._date, *headers]

    def line(self) -> bytes:
        """Give the header as HTTP/1.1 writes it."""
        self._keep_time()
        return self._line

    def _keep_time(self) -> None:
        now = self._wall()
        if not self._from <= now < self._until:
            self._from = float(int(now))
            self._until = self._from + 1
            self._date = (b"date", formatdate(self._from, usegmt=True).encode())
            self._line = b"%s: %s\r\n" % self._date
