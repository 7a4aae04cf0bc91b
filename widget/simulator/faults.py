"""Faults of an ECE, or of a proxy in front of it, that are switched on by hand.

A fault in the content of an answer is a function of its bytes; a fault in how the bytes are sent is an application of
its own, in `connections.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

from widget.simulator.connections import Sleep, drip, endless, hang, reset, short, slow


class FaultKind(StrEnum):
    NONE = "none"
    SLOW = "slow"
    HANG = "hang"
    DRIP = "drip"
    RESET = "reset"
    LOST_ANSWER = "lost_answer"
    SHORT = "short"
    ENDLESS = "endless"
    STATUS_404 = "404"
    STATUS_429 = "429"
    STATUS_500 = "500"
    STATUS_502 = "502"
    STATUS_503 = "503"
    REDIRECT = "redirect"
    HTML = "html"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    WRONG_ROOT = "wrong_root"
    BOMB = "bomb"
    EXTERNAL_ENTITY = "external_entity"
    NOT_A_NUMBER = "nan"
    INFINITE = "infinite"
    NEGATIVE = "negative"
    WORDS = "words"
    MISSING = "missing"


MEANING = {
    FaultKind.NONE: "no fault",
    FaultKind.SLOW: "slow: the right answer, after the seconds given",
    FaultKind.HANG: "hang: no answer at all",
    FaultKind.DRIP: "drip: the right answer, one byte at a time",
    FaultKind.RESET: "reset: the connection is cut, nothing was done",
    FaultKind.LOST_ANSWER: "lost answer: done, then the connection is cut",
    FaultKind.SHORT: "short: fewer bytes than announced, then closed",
    FaultKind.ENDLESS: "endless: a body that does not stop",
    FaultKind.STATUS_404: "404 not found, as ECE answers while it starts",
    FaultKind.STATUS_429: "429 too many requests, with Retry-After",
    FaultKind.STATUS_500: "500 server error",
    FaultKind.STATUS_502: "502 bad gateway, from a proxy",
    FaultKind.STATUS_503: "503 unavailable, with Retry-After",
    FaultKind.REDIRECT: "redirect: 302 to a login page",
    FaultKind.HTML: "HTML with 200: a login or maintenance page",
    FaultKind.EMPTY: "empty: 200 without a body",
    FaultKind.TRUNCATED: "truncated: XML cut in the middle",
    FaultKind.WRONG_ROOT: "wrong root element",
    FaultKind.BOMB: "XML bomb: entities that grow without end",
    FaultKind.EXTERNAL_ENTITY: "external entity: a DOCTYPE that names a file",
    FaultKind.NOT_A_NUMBER: "numbers are NaN",
    FaultKind.INFINITE: "numbers are infinite",
    FaultKind.NEGATIVE: "numbers are negative",
    FaultKind.WORDS: "numbers are words",
    FaultKind.MISSING: "numbers are missing",
}
_STATUSES = {
    FaultKind.STATUS_404,
    FaultKind.STATUS_429,
    FaultKind.STATUS_500,
    FaultKind.STATUS_502,
    FaultKind.STATUS_503,
}
# These come before the call is carried out: a survey sent meanwhile is not received.
_BEFORE = _STATUSES | {FaultKind.HANG, FaultKind.RESET, FaultKind.REDIRECT}


@dataclass(frozen=True, slots=True)
class Fault:
    """`seconds`: the pause of `slow`, and between two bytes of `drip`. `times` None: until it is switched off."""

    kind: FaultKind
    seconds: float = 3.0
    times: int | None = None

    @property
    def before(self) -> bool:
        return self.kind in _BEFORE


def spoil(fault: Fault, right: Response, request: Request, *, sleep: Sleep) -> ASGIApp:
    """Return the answer that this fault makes of the right one."""
    body = bytes(right.body)
    match fault.kind:
        case FaultKind.SLOW:
            return slow(right, seconds=fault.seconds, sleep=sleep)
        case FaultKind.HANG:
            return hang
        case FaultKind.DRIP:
            return drip(right, pause=fault.seconds, sleep=sleep)
        case FaultKind.RESET | FaultKind.LOST_ANSWER:
            return reset
        case FaultKind.SHORT:
            return short(right)
        case FaultKind.ENDLESS:
            return endless
        case FaultKind.REDIRECT:
            return RedirectResponse(str(request.url.replace(path="/simulator/login", query="")), 302)
        case kind if kind in _STATUSES:
            return _status(int(kind))
        case kind:
            content, media_type = _changed(kind, body, right.headers.get("content-type", "application/xml"))
            status = 200 if kind is FaultKind.HTML else right.status_code
            return Response(content, status if status != 204 else 200, media_type=media_type)


def _status(status: int) -> Response:
    words = {404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}.get(
        status, "Service Unavailable"
    )
    headers = {"retry-after": "5"} if status in (429, 503) else {}
    return Response(_HTML.format(title=f"{status} {words}"), status, headers, media_type="text/html; charset=utf-8")


_HTML = (
    "<!DOCTYPE html>\n<html><head><title>{title}</title></head>"
    "<body><h1>{title}</h1><p>Please try again later.</p></body></html>\n"
)
_BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE lolz [\n <!ENTITY lol "lol">\n'
    + "".join(f' <!ENTITY lol{n} "{f"&lol{n - 1 or str()};" * 10}">\n' for n in range(1, 10))
    + "]>\n"
)
_EXTERNAL = '<?xml version="1.0"?>\n<!DOCTYPE x [ <!ENTITY file SYSTEM "file:///etc/hostname"> ]>\n'
_NUMBER = re.compile(rb'(?<=[>:="])-?[0-9]+(?:\.[0-9]+)?(?=[<,}" ])')
_CHILD = re.compile(rb"\s*<(?:ns2:)?(?:count|waitTime|queueDepth)>.*?</[^>]*>")
_BOOLEAN = re.compile(rb'(?<=[:="])(?:true|false)\b')


def _changed(kind: FaultKind, body: bytes, media_type: str) -> tuple[bytes, str]:
    declaration, mark, content = body.rpartition(b"?>\n")
    head = declaration + mark
    match kind:
        case FaultKind.HTML:
            return _HTML.format(title="Scheduled maintenance").encode(), "text/html; charset=utf-8"
        case FaultKind.EMPTY:
            return b"", media_type
        case FaultKind.TRUNCATED:
            return body[: len(body) * 2 // 3], media_type
        case FaultKind.WRONG_ROOT:
            return head + b"<somethingElse/>", media_type
        case FaultKind.BOMB:
            return _BOMB.encode() + b"<availableSlots><count>&lol9;</count></availableSlots>", media_type
        case FaultKind.EXTERNAL_ENTITY:
            return _EXTERNAL.encode() + b"<availableSlots><count>&file;</count></availableSlots>", media_type
        case FaultKind.MISSING:
            without = re.sub(
                rb'\s(?:responseType|available|allowed)=(?:"[^"]*"|[^\s/>]+)', b"", _CHILD.sub(b"", content)
            )
            return head + without, media_type
    word = {
        FaultKind.NOT_A_NUMBER: b"NaN",
        FaultKind.INFINITE: b"Infinity",
        FaultKind.NEGATIVE: b"-7",
        FaultKind.WORDS: b"plenty",
    }[kind]
    return head + _BOOLEAN.sub(b"perhaps", _NUMBER.sub(word, content)), media_type
