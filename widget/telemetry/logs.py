"""Logs: JSON lines on stderr that hold no secret.

Logs are an event name and fields. What a visitor or ECE gave us as a secret (session id, token, ticket, answer) is
never a field; the redaction here takes out what stands in a string all the same.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

REDACTED = "[redacted]"
LONGEST_VALUE = 500
DEEPEST = 6

_SECRET_KEY = re.compile(
    r"(^|_)(sid|token|tokens|ticket|answer|answers|authorization|cookie|password|secret|secrets|secret_keys|key|body)$"
    r"|session_id|operator_token",
    re.IGNORECASE,
)
_ADDRESS_KEYS = frozenset({"client", "peer", "remote", "client_address"})
_TRACE_IDS = frozenset({"request_id"})
_THEME_FILES = frozenset({"template"})  # the field that names an operator's file; a visitor has no way into it
_OUR_OWN_WORDS = frozenset({"event", "at", "level", "route", "exception"})
# scheme, host and port stay; user information, path and query go
_URL = re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://)(?:[^\s/@\"'<>]*@)?([^\s/?#\"'<>]*)([/?#][^\s\"'<>]*)?", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]+", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"\b(sid|token|ticket|answer|authorization|password)(\"?\s*[=:]\s*\"?)[^\s&\"',;)]+", re.IGNORECASE
)
# a signed text of ours: parts of base64url between dots, the last one a digest
_SIGNED = re.compile(r"[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]+)*\.[A-Za-z0-9_-]{27,}")
_LONG_RUN = re.compile(r"[A-Za-z0-9_+/=-]{32,}")
# what a theme is made of: a path inside the themes directory, that ends as no token does
_THEME_FILE = re.compile(r"(?:shipped:)?[A-Za-z0-9_-][A-Za-z0-9_. /-]{0,200}\.(?:html|css|svg|toml|po)")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def configure(level: str, *, stream: TextIO | None = None) -> None:
    """Send our events and the libraries' records as JSON lines to `stream` (default: stderr as it is when written)."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            describe_exception,
            redact,
            structlog.processors.JSONRenderer(sort_keys=False, ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_: _Lines(stream),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Forward()]
    root.setLevel(max(threshold, logging.WARNING))


def logger() -> structlog.typing.FilteringBoundLogger:
    """Return the logger: `logger().info("survey_accepted", survey=name)`."""
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return bound


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets, full addresses and control characters out of an event (a structlog processor)."""
    return {key: value if key in _OUR_OWN_WORDS else _clean(key, value, 0) for key, value in event.items()}


def clean_text(text: str) -> str:
    """Return `text` without whatever looks like a secret, an address' path, or a control character."""
    shown = _URL.sub(
        lambda url: f"{url[1]}{url[2]}" + ("/…" if len(url[3] or "") > 1 else ""), text[: 4 * LONGEST_VALUE]
    )
    for pattern, instead in ((_BEARER, rf"\1 {REDACTED}"), (_ASSIGNED, rf"\1\2{REDACTED}"), (_SIGNED, REDACTED)):
        shown = pattern.sub(instead, shown)
    shown = _LONG_RUN.sub(REDACTED, shown)
    shown = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", shown)
    return shown if len(shown) <= LONGEST_VALUE else shown[: LONGEST_VALUE - 1] + "…"


def network_of(address: str) -> str:
    """Shorten an address to its network (IPv4 /24, IPv6 /48), which is what a log may keep of a visitor."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    parsed = (parsed.version == 6 and parsed.ipv4_mapped) or parsed
    return str(ipaddress.ip_network(f"{parsed}/{24 if parsed.version == 4 else 48}", strict=False))


def describe_exception(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Turn `exc_info` into types and places. Messages stay out: they quote input (`invalid literal: '…'`)."""
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given if isinstance(given, BaseException) else sys.exc_info()[1]
    if given and error is not None:
        chain: list[dict[str, Any]] = []
        while error is not None and len(chain) < 5:
            # walk_tb, not extract_tb: the latter reads source files, on the event loop
            frames = list(traceback.walk_tb(error.__traceback__))[-12:]
            places = [f"{_short(each.f_code.co_filename)}:{line} {each.f_code.co_name}" for each, line in frames]
            chain.append({"type": type(error).__name__, "at": places})
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        event["exception"] = chain
    return event


def _short(filename: str) -> str:
    return "/".join(filename.split("/")[-2:])


def _clean(key: str, value: Any, depth: int) -> Any:
    if _SECRET_KEY.search(key):
        return REDACTED
    if isinstance(value, str):
        if key in _ADDRESS_KEYS:
            return network_of(value)
        if key in _THEME_FILES and _THEME_FILE.fullmatch(value):
            return value
        return value[:64] if key in _TRACE_IDS and value.isascii() and value.isprintable() else clean_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= DEEPEST or isinstance(value, bytes):
        return REDACTED
    if isinstance(value, dict):
        return {clean_text(str(inner)): _clean(str(inner), each, depth + 1) for inner, each in list(value.items())[:50]}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", each, depth + 1) for each in list(value)[:50]]
    return clean_text(str(value))


class _Lines:
    """Write one line per event; the stream is looked up late, since stderr may be swapped after start.

    A line that cannot be written is lost: whoever reads the log has gone, or its disk is full. Raised, that would end
    the task that had something to say: a refresh, the delivery, a stop.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        stream = self._stream or sys.stderr
        with contextlib.suppress(OSError, ValueError):  # ValueError: a closed one
            stream.write(line + "\n")
            stream.flush()

    debug = info = warning = error = critical = exception = log = msg


class _Forward(logging.Handler):
    """Hand the libraries' records to the same processors."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = str(record.msg)
        level = min(max(record.levelno // 10 * 10, 10), 50)
        message = _without_exceptions(record.name, text)
        logger().log(level, "library", logger=record.name, exc_info=record.exc_info, message=message)


def _without_exceptions(name: str, text: str) -> str:
    """Leave out a traceback that is part of the text, and asyncio's lines after the first, which show exceptions."""
    words, traceback_follows, _ = text.partition("Traceback (most recent call last)")
    first = words.strip().partition("\n")[0] if name == "asyncio" else words.strip()
    return first or ("a traceback, left out because it quotes input" if traceback_follows else "")
