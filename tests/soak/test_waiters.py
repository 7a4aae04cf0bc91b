"""A thousand pages that wait for one chat to open: no second has more than a tenth of them."""

from __future__ import annotations

from tests.browser.standin import serve_stubs
from tests.browser.test_tell_me import LATEST, told_at
from tests.chromium import chromium

WAITERS = 1_000


def test_a_thousand_who_wait_do_not_come_at_once() -> None:
    with serve_stubs() as at, chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        times = told_at(at, page, WAITERS)
    assert len(times) == WAITERS
    assert times[-1] <= LATEST
    busiest = max(sum(1 for time in times if start <= time < start + 1_000) for start in range(0, LATEST, 250))
    assert busiest <= WAITERS / 10
