"""Moments as texts. Many answers carry the same one, so each text is made once."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache


@lru_cache(maxsize=2048)
def rfc3339(moment: datetime | None) -> str:
    """Give a moment as RFC 3339 in UTC to the second, or nothing."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=2048)
def http_date(moment: datetime) -> bytes:
    """Give an IMF-fixdate (RFC 9110, section 5.6.7)."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True).encode()
