"""When a survey that failed is sent again, and when no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget.domain import retry
from widget.domain.errors import (
    EceBusy,
    EceError,
    EceGatewayDown,
    EceRefused,
    EceStatus,
    EceTimeout,
    EceUnreadable,
)
from widget.domain.retry import Again, GiveUp

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
WEEK = timedelta(days=7)


class EceSaysNever(EceError):
    retryable = False
    code = "ece_says_never"


def decided(
    error: EceError, *, attempts: int = 1, age: timedelta = timedelta(0), chance: float = 1.0, max_age: timedelta = WEEK
) -> Again | GiveUp:
    return retry.after_failure(
        error, attempts=attempts, waiting_since=NOW - age, now=NOW, max_age=max_age, chance=chance
    )


def pause(error: EceError, **about: float) -> float:
    outcome = decided(error, **about)  # type: ignore[arg-type]
    assert isinstance(outcome, Again)
    return (outcome.at - NOW).total_seconds()


def test_pauses_grow_and_stop_growing() -> None:
    pauses = [pause(EceStatus(status=500), attempts=n) for n in range(1, 12)]
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


@given(attempts=st.integers(1, 10**9), chance=st.floats(0, 1))
def test_the_pause_is_drawn_from_the_whole_range(attempts: int, chance: float) -> None:
    drawn = pause(EceTimeout(), attempts=attempts, chance=chance)
    assert retry.SHORTEST_PAUSE <= drawn <= retry.ceiling(attempts)
    assert drawn == pytest.approx(max(0.5, chance * retry.ceiling(attempts)), abs=1e-5)


def test_a_doubtful_success_is_repeated_three_times_at_most_and_then_named() -> None:
    doubtful = EceUnreadable("not XML", status=200, maybe_received=True)
    outcomes = [
        retry.after_failure(
            doubtful, attempts=9, waiting_since=NOW, now=NOW, max_age=WEEK, chance=1.0, possible_doubles=before
        )
        for before in range(4)
    ]
    assert [type(outcome) for outcome in outcomes] == [Again, Again, GiveUp, GiveUp]
    assert outcomes[2] == GiveUp("doubtful_success 200: ECE may have it 3 times")


@pytest.mark.parametrize("error", [EceTimeout(maybe_received=True), EceUnreadable("an HTML page"), EceRefused()])
def test_only_a_success_in_doubt_is_given_up_for_its_doubt(error: EceError) -> None:
    outcome = retry.after_failure(
        error, attempts=9, waiting_since=NOW, now=NOW, max_age=WEEK, chance=1.0, possible_doubles=99
    )
    assert isinstance(outcome, Again)


def test_retry_after_is_honoured_and_capped_and_not_hastened() -> None:
    assert decided(EceStatus(status=429, retry_after=90)) == Again(
        NOW + timedelta(seconds=90), waits_for_destination=False
    )
    assert pause(EceGatewayDown(status=503, retry_after=86400 * 365)) == 600
    assert pause(EceStatus(status=429, retry_after=-5)) == 0.5


@pytest.mark.parametrize("status", [401, 403, 404, 405, 408, 425, 429, 500])
def test_every_status_that_says_nothing_about_the_survey_is_tried_again(status: int) -> None:
    assert isinstance(decided(EceStatus(status=status)), Again)


def test_html_with_200_is_tried_again() -> None:
    assert isinstance(decided(EceUnreadable()), Again)


def test_what_ece_refuses_for_good_is_dead_at_once_with_its_reason() -> None:
    assert decided(EceSaysNever(status=400)) == GiveUp("ece_says_never 400")


def test_what_is_too_old_is_dead_with_the_last_reason() -> None:
    assert decided(EceTimeout(), attempts=40, age=WEEK) == GiveUp("max_age; last: ece_timeout")
    assert isinstance(decided(EceTimeout(), attempts=40, age=WEEK - timedelta(seconds=1)), Again)


def test_a_clock_that_leapt_kills_nothing_that_was_hardly_tried() -> None:
    assert isinstance(decided(EceTimeout(), attempts=1, age=timedelta(days=4000)), Again)
    assert isinstance(decided(EceTimeout(), attempts=40, age=timedelta(days=-4000)), Again)


def test_a_row_that_failed_often_is_hastened_only_if_its_content_cannot_be_the_cause() -> None:
    def hastened(error: EceError, attempts: int) -> bool:
        outcome = decided(error, attempts=attempts)
        assert isinstance(outcome, Again)
        return outcome.waits_for_destination

    assert hastened(EceTimeout(), 3)
    assert not hastened(EceTimeout(), 11)
    assert hastened(EceRefused(), 1000)


def test_our_own_limit_uses_no_attempt() -> None:
    assert not retry.used_an_attempt(EceBusy())
    assert retry.used_an_attempt(EceTimeout())
