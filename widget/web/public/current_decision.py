"""What all answers of one entry point share: the decision, how long it stands, and what they say of its age."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from widget.application.availability import View
from widget.domain.decision import Decision
from widget.web.public.caching import cache_control, seconds_to_remake
from widget.web.public.timestamps import http_date, rfc3339

Headers = list[tuple[bytes, bytes]]

# One object for all entry points that say the same at the same time, which stays in the processor's cache.
_shared = lru_cache(maxsize=256)(bytes)


class Standing:
    """The decision that the answers of one entry point give.

    `due` is the monotonic moment at which something has to be done before any of them goes out again: from `until` on
    a new view is needed, before that, where ECE has its word in it, only Cache-Control counts down, once a second.

    `said` counts the decisions that differ in more than their age. A decision that only aged changes `as_of` and
    `next_check`, which each answer puts between its own bytes, so that thousands of answers age by two short texts.
    """

    __slots__ = (
        *("_trusted_until", "_validators", "answered", "as_of", "decision", "due"),
        *("lines", "name", "next_check", "said", "until"),
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.decision: Decision | None = None
        self.said = 0
        self.answered = 0  # how often; a plain count, as a metric's lock would cost as much as the answer
        self.as_of = self.next_check = b""
        self.due = self.until = float("-inf")
        self.lines = b""  # validators and Cache-Control as they go out
        self._validators: Headers = []
        self._trusted_until: float | None = None

    @property
    def has_eces_word(self) -> bool:
        """Whether ECE has a part in the decision; one by hours alone follows the wall clock, which may be set."""
        return self._trusted_until is not None

    def take(self, view: View, moment: float) -> None:
        """Stand for a new view."""
        if view.decision != self.decision:
            if self.decision is None or not _only_aged(self.decision, view.decision):
                self.said += 1
            self.decision = view.decision
            as_of = view.decision.as_of
            self.as_of, self.next_check = _shared(rfc3339(as_of).encode()), _shared(b"%d" % view.decision.next_check)
            self._validators = [] if as_of is None else [(b"last-modified", http_date(as_of))]
        self.until = moment + view.valid_for
        self._trusted_until = None if view.trusted_for is None else moment + view.trusted_for
        self.count_down(moment)

    def count_down(self, moment: float) -> None:
        """Say in Cache-Control what is left."""
        assert self.decision is not None
        trusted_for = None if self._trusted_until is None else self._trusted_until - moment
        value = cache_control(trusted_for, self.until - moment, self.decision.next_check)
        self.lines = _shared(header_lines([*self._validators, (b"cache-control", value)]))
        self.due = min(self.until, moment + seconds_to_remake(trusted_for))

    def expire(self) -> None:
        """Ask for a new view at the next visit."""
        self.due = self.until = float("-inf")


def header_lines(headers: Headers) -> bytes:
    """Give headers as HTTP/1.1 writes them, each line with its end."""
    return b"".join(b"%s: %s\r\n" % header for header in headers)


def _only_aged(before: Decision, after: Decision) -> bool:
    if (before.as_of is None) is not (after.as_of is None):
        return False
    return replace(before, as_of=after.as_of, next_check=after.next_check) == after
