"""Circuit breakers as values: when they open, when one probe goes out, and that nothing keeps them shut for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from widget.domain.breaker import (
    FAILURES_TO_OPEN,
    FIRST_PERIOD,
    LONGEST_PERIOD,
    PROBE_LIMIT,
    SPREAD,
    Breaker,
    Closed,
    HalfOpen,
    Open,
    asking,
    failed,
    may_ask,
    succeeded,
)


def opened(now: float = 0.0, jitter: float = 0.5) -> Breaker:
    state: Breaker = Closed()
    for _ in range(FAILURES_TO_OPEN):
        state = failed(state, now, jitter=jitter)
    return state


def test_it_opens_after_at_most_five_failures_in_a_row() -> None:
    state: Breaker = Closed()
    for _ in range(FAILURES_TO_OPEN - 1):
        state = failed(state, 0, jitter=0.5)
        assert may_ask(state, 0)
    assert FAILURES_TO_OPEN <= 5
    assert not may_ask(failed(state, 0, jitter=0.5), 0)


def test_a_success_in_between_starts_the_count_again() -> None:
    state: Breaker = Closed(FAILURES_TO_OPEN - 1)
    assert succeeded(state) == Closed()


def test_one_probe_goes_out_after_the_period() -> None:
    state = opened(now=100)
    assert not may_ask(state, 100 + FIRST_PERIOD - 0.01)
    assert may_ask(state, 100 + FIRST_PERIOD)
    probing = asking(state, 105)
    assert not may_ask(probing, 105)


def test_a_probe_that_succeeds_closes() -> None:
    assert succeeded(asking(opened(), 10)) == Closed()


def test_periods_double_up_to_the_longest() -> None:
    state, now, periods = opened(), 0.0, []
    for _ in range(8):
        assert isinstance(state, Open)
        periods.append(state.period)
        now = state.until
        state = failed(asking(state, now), now, jitter=0.5)
    assert periods == [5, 10, 10, 10, 10, 10, 10, 10]
    assert max(periods) == LONGEST_PERIOD


def test_a_late_failure_from_before_the_opening_changes_nothing() -> None:
    state = opened(now=0)
    assert failed(state, 3, jitter=0.9) == state


def test_a_probe_that_nobody_settled_is_given_up() -> None:
    probing = asking(opened(), 10)
    assert not may_ask(probing, 10 + PROBE_LIMIT - 0.01)
    assert may_ask(probing, 10 + PROBE_LIMIT)


@given(jitter=st.floats(0, 1), now=st.floats(0, 1e12))
def test_jitter_spreads_probes_around_the_period(jitter: float, now: float) -> None:
    state = opened(now, jitter)
    assert isinstance(state, Open)
    assert now + FIRST_PERIOD * (1 - SPREAD) <= state.until <= now + FIRST_PERIOD * (1 + SPREAD)


@given(steps=st.lists(st.tuples(st.sampled_from(["ask", "fail", "succeed"]), st.floats(0, 100), st.floats(0, 1))))
def test_whatever_happens_a_call_is_allowed_again_within_the_longest_pause(
    steps: list[tuple[str, float, float]],
) -> None:
    state: Breaker = Closed()
    now = 0.0
    for what, pause, jitter in steps:
        now += pause
        match what:
            case "ask" if may_ask(state, now):
                state = asking(state, now)
            case "fail":
                state = failed(state, now, jitter=jitter)
            case "succeed":
                state = succeeded(state)
            case _:
                pass
        assert may_ask(state, now + LONGEST_PERIOD * (1 + SPREAD) + 0.001)
        assert not (isinstance(state, HalfOpen) and state.since > now)
