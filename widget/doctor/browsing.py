"""Fetch a page as a visitor's browser would, with the standard library: redirects followed, certificates judged."""

from __future__ import annotations

import contextlib
import errno
import http.client
import socket
import ssl
import urllib.error
import urllib.request
import zlib
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum

from widget.settings.certificates import trusting

LARGEST_PAGE = 512 * 1024
_HEADERS = {
    "User-Agent": "Mozilla/5.0 (ece-widget check)",
    "Accept": "text/html,*/*;q=0.8",
    "Accept-Encoding": "identity",
}


class Obstacle(StrEnum):
    """Why a page could not be fetched."""

    NO_SUCH_HOST = "no such host"
    REFUSED = "the connection was refused"
    NO_ROUTE = "no route to the host"
    TIMEOUT = "no answer in time"
    CERTIFICATE = "the certificate is not accepted"
    TLS = "the TLS handshake failed"
    BROKEN = "the connection broke, or the answer is not HTTP"
    REDIRECTS = "it leads from one address to the next without an end"


@dataclass(frozen=True, slots=True)
class Page:
    """What came; `url` is where redirects led."""

    url: str
    status: int
    headers: Message
    text: str


@dataclass(frozen=True, slots=True)
class Unreached:
    """A page that could not be fetched; `detail` has the authority's or the library's words, or is empty."""

    obstacle: Obstacle
    detail: str = ""


def visit(url: str, *, timeout: float) -> Page | Unreached:
    """Fetch an http or https address; blocks, so call it in a thread. `timeout` in seconds is for each step.

    No proxy is asked: the one in [ece] is this machine's way to ECE, not a visitor's.
    """
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=trusting(None)),
        urllib.request.HTTPCookieProcessor(),  # firewalls in front set one and lead to the same address again
    )
    try:
        request = urllib.request.Request(url, headers=_HEADERS)  # noqa: S310 - the settings allow http and https alone
        with opener.open(request, timeout=timeout) as answer:
            return _page(answer.url, answer.status, answer.headers, answer.read(LARGEST_PAGE))
    except urllib.error.HTTPError as error:
        with error:
            if 300 <= error.code <= 399:
                return Unreached(Obstacle.REDIRECTS, error.url)
            return _page(error.url, error.code, error.headers, error.read(LARGEST_PAGE))
    except urllib.error.URLError as error:
        return _unreached(error.reason if isinstance(error.reason, BaseException) else error)
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a redirect to what is no address
        return _unreached(error)


def _page(url: str, status: int, headers: Message, body: bytes) -> Page:
    if headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip"):  # though nobody asked for it
        with contextlib.suppress(zlib.error):
            body = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS).decompress(body, LARGEST_PAGE)
    charset = headers.get_content_charset() or "utf-8"
    try:
        text = body.decode(charset, "replace")
    except LookupError:
        text = body.decode("utf-8", "replace")
    return Page(url, status, headers, text)


def _unreached(error: BaseException) -> Unreached:
    match error:
        case ssl.SSLCertVerificationError(verify_message=str() as message):
            return Unreached(Obstacle.CERTIFICATE, message)
        case ssl.SSLError(reason=reason):
            return Unreached(Obstacle.TLS, str(reason or "").replace("_", " ").lower())
        case socket.gaierror() | UnicodeError():
            return Unreached(Obstacle.NO_SUCH_HOST)
        case ConnectionRefusedError():
            return Unreached(Obstacle.REFUSED)
        case TimeoutError():
            return Unreached(Obstacle.TIMEOUT)
        case OSError(errno=errno.ENETUNREACH | errno.EHOSTUNREACH | errno.EADDRNOTAVAIL):
            return Unreached(Obstacle.NO_ROUTE)
        case _:
            return Unreached(Obstacle.BROKEN)
