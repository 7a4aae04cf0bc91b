"""Read `Retry-After` (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST = 600.0  # a typing error in a proxy must not stop our calls for a day
_SECONDS = re.compile(r"[0-9]+")


def retry_after(value: str | None, now: float) -> float | None:
    """Return the pause in seconds, at most ten minutes, or None when there is none to read; `now` is Unix time."""
    text = (value or "").strip()[:64]
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST)
    try:
        until = parsedate_to_datetime(text)
        pause = (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - now  # HTTP's dates are in UTC
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(pause, 0.0), LONGEST)
