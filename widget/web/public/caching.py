"""Validators and cache headers of the public answers (RFC 9110, section 13; RFC 9111; RFC 5861)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from hashlib import blake2b
from math import ceil, floor

LONGEST_MAX_AGE = 60
WITHOUT_ECE = 5  # seconds for which a cache may go on with an answer that ECE has no part in


def rfc3339(moment: datetime | None) -> str:
    """Return a moment as RFC 3339 in UTC to the second, or the empty text."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def http_date(moment: datetime) -> bytes:
    """Return an IMF-fixdate (RFC 9110, section 5.6.7)."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True).encode()


def weak_etag(*parts: bytes) -> bytes:
    """Return the weak entity tag of an answer that `parts` decide (RFC 9110, section 8.8.3)."""
    made = blake2b(digest_size=12)
    for part in parts:
        made.update(b"%d:%s" % (len(part), part))
    return b'W/"%s"' % made.hexdigest().encode()


def cache_control(trusted_for: float | None, valid_for: float, next_check: int) -> bytes:
    """Return Cache-Control for an answer of this moment; all in seconds.

    `trusted_for` is None where ECE has no part in the answer. max-age + stale-while-revalidate, and max-age +
    stale-if-error, both end when the snapshot may not be trusted any more, so that no cache between us and the visitor
    says "open" longer than we would.
    """
    if trusted_for is None:
        max_age = max(1, floor(min(valid_for, next_check, LONGEST_MAX_AGE)))
        later = WITHOUT_ECE
    else:
        trusted = _whole_seconds(trusted_for)
        max_age = min(trusted, max(1, floor(min(valid_for, next_check))))
        later = trusted - max_age
    return b"public, max-age=%d, stale-while-revalidate=%d, stale-if-error=%d" % (max_age, later, later)


def seconds_to_remake(trusted_for: float | None) -> float:
    """Return the seconds until the trust that is left passes a whole second, when Cache-Control has to change."""
    return 1.0 if trusted_for is None else trusted_for - _whole_seconds(trusted_for)


def _whole_seconds(trusted_for: float) -> int:
    """Return the seconds that are left for certain until the header is remade: 59 from 60.0 down to above 59."""
    return max(0, ceil(trusted_for) - 1)


def none_match(header: bytes, etag: bytes) -> bool:
    """Return whether If-None-Match names our tag, by the weak comparison; `*` names any."""
    if header == etag:
        return True
    opaque = etag.removeprefix(b"W/")
    tags = (tag.strip().removeprefix(b"W/") for tag in header.split(b","))
    return any(tag in (opaque, b"*") for tag in tags)


def not_modified_since(header: bytes, last_modified: datetime) -> bool:
    """Return whether If-Modified-Since is a date at or after ours; False for what is no date."""
    try:
        since = parsedate_to_datetime(header.decode("latin-1"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return False
    if since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    return since >= last_modified.replace(microsecond=0)


@lru_cache(maxsize=256)
def content_coding(accepted: bytes) -> str:
    """Return br, gzip or the empty text by Accept-Encoding's weights (RFC 9110, section 12.5.3); br of equals."""
    weights: dict[str, float] = {}
    for item in accepted.decode("latin-1").lower().split(","):
        coding, _, parameter = item.partition(";")
        name, _, value = parameter.strip().partition("=")
        try:
            weights[coding.strip()] = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            weights[coding.strip()] = 0.0
    other = weights.get("*", 0.0)
    offers = {"br": weights.get("br", other), "gzip": weights.get("gzip", weights.get("x-gzip", other))}
    best = max(offers, key=lambda coding: offers[coding])
    return best if offers[best] > 0 and offers[best] >= weights.get("identity", 0.0) else ""
