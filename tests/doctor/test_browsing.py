"""A page is fetched as a visitor's browser would, over a real server."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from widget.doctor.browsing import LARGEST_PAGE, Page, visit

TEXT = "<title>Chat</title>"


class Site(BaseHTTPRequestHandler):
    """One page at /, packed at /packed and /bomb, cut at /cut, behind a cookie at /guarded."""

    def do_GET(self) -> None:
        packed = gzip.compress(TEXT.encode())
        body, headers = {
            "/packed": (packed, {"Content-Encoding": "gzip"}),
            "/cut": (packed[:-9], {"Content-Encoding": "gzip"}),
            "/bomb": (gzip.compress(b" " * 20 * LARGEST_PAGE), {"Content-Encoding": "gzip"}),
        }.get(self.path, (TEXT.encode(), {}))
        if self.path == "/guarded" and "seen=1" not in self.headers.get("cookie", ""):
            self.send_response(302)
            headers = {"Location": "/guarded", "Set-Cookie": "seen=1"}
        else:
            self.send_response(200)
        for name, value in {**headers, "Content-Type": "text/html", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def text_at(address: str) -> str:
    found = visit(address, timeout=10)
    assert isinstance(found, Page)
    return found.text


@pytest.mark.parametrize("path", ["/", "/packed", "/guarded"])
def test_a_page_is_read_packed_or_behind_a_cookie_as_by_a_browser(site: str, path: str) -> None:
    assert text_at(site + path) == TEXT


def test_of_a_page_that_unpacks_without_end_no_more_is_read_than_of_another(site: str) -> None:
    assert len(text_at(f"{site}/bomb")) == LARGEST_PAGE


def test_of_a_packed_page_that_is_cut_what_came_is_read(site: str) -> None:
    assert TEXT.startswith(text_at(f"{site}/cut"))
