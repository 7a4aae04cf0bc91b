"""How fast surveys may go to ECE: at once while it takes them, by single probes while it takes none.

This is the delivery's own circuit breaker. Surveys that fail never open the one of ECE's host, which the status answers
live by.
"""

from __future__ import annotations

from collections.abc import Callable

from widget.domain import breaker, retry
from widget.domain.breaker import Breaker
from widget.domain.errors import EceError

HASTEN_SECONDS = 5.0
FAILURES_HELD_AGAINST_ECE = 3
PROBE_AGAIN_SECONDS = 0.25


class Pacing:
    """Remembers how the last sendings ended."""

    def __init__(self, *, monotonic: Callable[[], float], chance: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._chance = chance
        self._breaker: Breaker = breaker.Closed()
        self._failed_since_success = False
        self._is_back = False
        self._hastened_at = float("-inf")

    @property
    def probing(self) -> bool:
        """Whether only one survey may be on its way."""
        return not isinstance(self._breaker, breaker.Closed)

    @property
    def stopped(self) -> bool:
        """Whether none may be begun now."""
        return isinstance(self._breaker, breaker.Open)

    def pause(self) -> float:
        """Give the seconds until a survey may be claimed, 0 for now."""
        now = self._monotonic()
        if breaker.may_ask(self._breaker, now):
            return 0.0
        until = breaker.opens_for_a_probe_at(self._breaker)
        return 1.0 if until is None else max(until - now, 0.01)

    def probe_claimed(self) -> None:
        """Note that the one allowed survey was claimed."""
        self._breaker = breaker.asking(self._breaker, self._monotonic())

    def probe_came_to_nothing(self) -> None:
        """Note that it was not sent after all, which says nothing about ECE."""
        if isinstance(self._breaker, breaker.HalfOpen):
            self._breaker = breaker.Open(self._monotonic() + PROBE_AGAIN_SECONDS, self._breaker.period)

    def answered(self) -> None:
        """Note that ECE took a survey, or refused one for good: it is there."""
        self._breaker = breaker.succeeded(self._breaker)
        self._is_back = self._is_back or self._failed_since_success
        self._failed_since_success = False

    def failed(self, error: EceError, *, attempts: int) -> None:
        """Note a transient failure of a row that had `attempts` before.

        A row that failed often may itself be what ECE cannot take: it must not hold up the others.
        """
        self._failed_since_success = True
        if self.probing or attempts < FAILURES_HELD_AGAINST_ECE or retry.whatever_the_content(error):
            self._breaker = breaker.failed(self._breaker, self._monotonic(), jitter=self._chance())

    def hurry(self) -> bool:
        """Say, once per recovery and not too often, that rows which wait for ECE should be tried at once."""
        now = self._monotonic()
        if not self._is_back or now - self._hastened_at < HASTEN_SECONDS:
            return False
        self._is_back, self._hastened_at = False, now
        return True
