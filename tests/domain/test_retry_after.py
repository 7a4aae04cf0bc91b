"""How long ECE, or what stands in front of it, asks us to wait."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from widget.domain.retry_after import retry_after


@pytest.fixture(autouse=True)
def _far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


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
        ("9" * 5000, 600.0),
        ("Thu Jan  1 00:18:20 1970", 100.0),
        ("Thursday, 01-Jan-70 00:18:20 GMT", 100.0),
        ("Thu, 01 Jan 1970 00:18:20 -0000", 100.0),
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
