"""What a page loads before the button shows: the script and one launcher, compressed, with their headers."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure, at_most
from tests.bench.product import RunningProduct, running_product


def measure(folder: Path) -> Iterator[Figure]:
    """Read the sizes off the product as shipped; tests hold the same budgets."""
    with running_product(folder) as ours:
        script, with_headers = _size(ours, "/widget.js", "br")
        _, launcher = _size(ours, "/v1/launcher/sales?locale=en", "br")
        yield at_most("script, brotli", script, 6000, " B")
        yield at_most("script and launcher with headers, brotli", with_headers + launcher, 10_700, " B")


def _size(ours: RunningProduct, path: str, coding: str) -> tuple[int, int]:
    """Return the bytes of the body, and those of the whole answer."""
    connection = http.client.HTTPConnection("127.0.0.1", ours.port, timeout=10)
    try:
        connection.request("GET", path, headers={"accept-encoding": coding})
        answer = connection.getresponse()
        body = len(answer.read())
        assert answer.getheader("content-encoding") == coding
        head = sum(len(f"{name}: {value}\r\n") for name, value in answer.getheaders())
        return body, body + head + len("HTTP/1.1 200 OK\r\n\r\n")
    finally:
        connection.close()
