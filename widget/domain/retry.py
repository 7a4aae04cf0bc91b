"""When a row that its destination did not take is sent again: growing pauses with full jitter, until it is too old.

Full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/): the pause is drawn evenly from
nothing to a ceiling that doubles, so that rows which failed together do not come back together.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from widget.domain.errors import (
    DeliveryError,
    EceBusy,
    EceGatewayDown,
    EceRefused,
    EceTlsFailure,
    EceUnreadable,
    MailError,
    WebhookError,
)

FIRST_CEILING = 2.0  # seconds
LONGEST_CEILING = 300.0
SHORTEST_PAUSE = 0.5
LONGEST_RETRY_AFTER = 600.0  # a destination may ask for more; a typing error there must not stop its rows for a year
ATTEMPTS_BEFORE_GIVING_UP = 3  # whatever the age says: a clock that leaps a month must not end what was hardly tried
DOUBTFUL_SUCCESSES = 3  # ECE may have each of them, so no more are sent
ATTEMPTS_HASTENED = 10  # a row that failed more often than this may itself be what the destination cannot take
TOO_OLD = "max_age; last: "  # before the reason of the last attempt


class Again(NamedTuple):
    """Try again at `at`; `waits_for_destination` says that it may be earlier once the destination serves again."""

    at: datetime
    waits_for_destination: bool


class GiveUp(NamedTuple):
    """The row is dead: kept, named, and sent again only by an operator."""

    reason: str


def after_failure(
    error: DeliveryError,
    *,
    attempts: int,
    waiting_since: datetime,
    now: datetime,
    max_age: timedelta,
    chance: float,
    possible_doubles: int = 0,
) -> Again | GiveUp:
    """Decide about a row whose attempt number `attempts` (from 1) failed; `chance` is a number from 0 to 1.

    `possible_doubles` is how often before ECE may have received the row without saying so.
    """
    if not error.retryable:
        return GiveUp(described(error))
    if is_doubtful_success(error) and possible_doubles + 1 >= DOUBTFUL_SUCCESSES:
        return GiveUp(f"doubtful_success {error.status}: ECE may have it {possible_doubles + 1} times")
    if now - waiting_since >= max_age and attempts >= ATTEMPTS_BEFORE_GIVING_UP:
        return GiveUp(f"{TOO_OLD}{described(error)}")
    if error.retry_after is not None:
        asked = min(max(error.retry_after, SHORTEST_PAUSE), LONGEST_RETRY_AFTER)
        return Again(now + timedelta(seconds=asked), waits_for_destination=False)
    pause = max(SHORTEST_PAUSE, ceiling(attempts) * min(max(chance, 0.0), 1.0))
    hasten = attempts <= ATTEMPTS_HASTENED or whatever_the_content(error)
    return Again(now + timedelta(seconds=pause), waits_for_destination=hasten)


def ceiling(attempts: int) -> float:
    """Return the longest pause in seconds after attempt number `attempts`."""
    return min(LONGEST_CEILING, FIRST_CEILING * 2.0 ** min(max(attempts - 1, 0), 30))


def is_doubtful_success(error: DeliveryError) -> bool:
    """Return whether ECE answered with a success whose body says nothing of a survey: "OK", JSON, a cut answer."""
    return isinstance(error, EceUnreadable) and error.maybe_received


def used_an_attempt(error: DeliveryError) -> bool:
    """Return whether the destination was asked at all."""
    return not isinstance(error, EceBusy)


def whatever_the_content(error: DeliveryError) -> bool:
    """Return whether the failure came before any byte of the row was sent: its content cannot be the cause."""
    down = isinstance(error, EceRefused | EceTlsFailure) or (isinstance(error, EceGatewayDown) and error.status == 503)
    return down or error.serves_nobody


def described(error: DeliveryError) -> str:
    """Name a failure for an operator without anything that a visitor or ECE wrote."""
    named = error.code if error.status is None else f"{error.code} {error.status}"
    return f"{named}: {error.detail}" if isinstance(error, MailError | WebhookError) and error.detail else named
