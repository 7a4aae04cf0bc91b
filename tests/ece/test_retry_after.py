"""How long ECE, or what stands in front of it, asks us to wait."""

from __future__ import annotations

import pytest

from widget.ece.retry_after import retry_after


@pytest.mark.parametrize(
    ("value", "pause"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("120", 120.0),
        (" 0 ", 0.0),
        ("999999", 600.0),
        ("9" * 5000, None),
        ("Thu, 01 Jan 1970 00:18:20 GMT", 100.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 600.0),
        ("Thu, 99 Jan 1970 00:18:20 GMT", None),
    ],
)
def test_the_pause_asked_for_is_seconds_or_a_date_and_never_more_than_ten_minutes(
    value: str | None, pause: float | None
) -> None:
    assert retry_after(value, 1000.0) == pause
