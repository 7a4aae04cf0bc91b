"""What a connection is refused for before any application is asked, and the answer it gets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple

MOST_HEADERS = 100
LARGEST_HEAD = 16 * 1024  # request line and headers together
LONGEST_TARGET = 8 * 1024
VERSIONS = ("1.1", "1.0")

# Well-formed, whatever the method. The parser knows its own list of methods alone and calls every other one malformed.
_METHOD_LINE = re.compile(rb"[A-Za-z][A-Za-z-]{0,31} /[!-~]* HTTP/1\.[01]\r\n")


class Refusal(NamedTuple):
    """Why a request or connection is refused; `code` is also the metric's label, `headers` are whole header lines."""

    status: int
    code: str
    detail: str
    headers: str = ""


MALFORMED = Refusal(400, "malformed_request", "This is not a well-formed HTTP request.")
METHOD = Refusal(405, "method_not_allowed", "This method is not taken here.", "allow: GET, HEAD, OPTIONS, POST\r\n")
HOST = Refusal(400, "bad_host", "A request names exactly one host.")
TARGET = Refusal(414, "target_too_long", "The address is too long.")
HEAD = Refusal(431, "headers_too_large", "The headers are too many or too large.")
BROKEN = Refusal(500, "internal_error", "The server could not read this.")
SLOW_HEAD = Refusal(408, "slow_headers", "The headers took too long.")
SLOW_BODY = Refusal(408, "slow_body", "The body took too long.")
CROWDED = Refusal(503, "too_many_connections", "The server has as many connections as it can hold.")


def refusal_of_head(url: bytes, headers: Sequence[tuple[bytes, bytes]], hosts: int, version: str) -> Refusal | None:
    """Return why a whole head is refused, or None. `hosts` is the number of Host fields (RFC 9112, section 3.2)."""
    if hosts != 1 and (hosts or version != "1.0"):
        return HOST
    if len(headers) > MOST_HEADERS:
        return HEAD
    if len(url) > LONGEST_TARGET:
        return TARGET
    if sum(len(name) + len(value) + 4 for name, value in headers) + len(url) > LARGEST_HEAD:
        return HEAD
    return None if version in VERSIONS else MALFORMED


def refusal_of_method(data: bytes) -> Refusal:
    """Return why a request is refused whose method the parser does not know; `data` begins with its request line."""
    return METHOD if _METHOD_LINE.match(data) else MALFORMED


def answer(refusal: Refusal, request_id: str, *, date: bytes, page: bool) -> bytes:
    """Return the whole response, in one of the two shapes that faults have; the connection ends with it."""
    title = HTTPStatus(refusal.status).phrase
    if page:
        kind = "text/html; charset=utf-8"
        body = (
            f'<!DOCTYPE html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>{title}'
            f"</title></head><body><h1>{title}</h1><p>{refusal.detail}</p><p>{request_id}</p></body></html>"
        )
    else:
        kind = "application/problem+json"
        body = (
            f'{{"type":"about:blank","title":"{title}","status":{refusal.status},"detail":"{refusal.detail}",'
            f'"code":"{refusal.code}","requestId":"{request_id}"}}'
        )
    return (
        f"HTTP/1.1 {refusal.status} {title}\r\ndate: {date.decode()}\r\ncontent-type: {kind}\r\n"
        f"content-length: {len(body)}\r\n{refusal.headers}"
        "cache-control: no-store\r\nx-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\n"
        f"content-security-policy: default-src 'none'; frame-ancestors 'none'\r\nconnection: close\r\n\r\n{body}"
    ).encode()
