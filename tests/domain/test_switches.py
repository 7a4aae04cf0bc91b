"""What people switch by hand: the log, what follows from it, and the decision it leads to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hand_clock import NOON
from widget.domain.decision import RARELY, SELDOM, SOON, asks_ece, decide
from widget.domain.evaluation import UNREACHABLE, Evaluation, State
from widget.domain.hours import Hours, OpenRange, read_range
from widget.domain.policy import Policy
from widget.domain.readings import Reason
from widget.domain.survey import Translations
from widget.domain.switches import LONGEST_WORDS, Act, Closing, Entry, NotAllowed, Switch, checked, in_force

OPEN = Evaluation(State.AVAILABLE, None, wait_time=60, queue_depth=1)
OFFICE = Hours(UTC, ((OpenRange(9 * 60, 17 * 60),),) * 7)
WORDS = Translations(MappingProxyType({"en": "Fire alarm", "de": "Feueralarm"}))


def entry(act: Act, number: int = 0, **more: Any) -> Entry:
    return Entry(**{"entry_point": "sales", "act": act, "by": "Ada", "at": NOON, "id": number, **more})


def decided(policy: Policy, now: datetime = NOON) -> Any:
    return decide(policy, OPEN, as_of=now, now=now)


def test_a_closed_entry_point_is_switched_off_and_carries_the_words_for_visitors() -> None:
    policy = Policy("sales").switched(Switch(Closing("Ada", NOON, words=WORDS)))
    decision = decided(policy)
    assert (decision.show, decision.state, decision.reason) == (False, State.UNAVAILABLE, Reason.SWITCHED_OFF)
    assert decision.words == WORDS
    assert (decision.as_of, decision.wait_time, decision.opens_at) == (None, None, None)
    assert decision.next_check == SELDOM, "a person may reopen at any moment"
    assert not asks_ece(policy, NOON)


def test_a_closing_stands_above_what_is_unknown_and_above_hours() -> None:
    for policy in (Policy("sales", when_unknown="show"), Policy("sales", hours=OFFICE)):
        closed = policy.switched(Switch(Closing("Ada", NOON)))
        night = NOON + timedelta(hours=9)
        assert decide(closed, UNREACHABLE, as_of=None, now=night).reason is Reason.SWITCHED_OFF


def test_a_closing_ends_by_itself_and_pages_look_again_in_time() -> None:
    until = NOON + timedelta(minutes=10)
    policy = Policy("sales").switched(Switch(Closing("Ada", NOON, until)))
    assert decided(policy).opens_at == until
    assert decided(policy, until - timedelta(seconds=8)).next_check == SOON
    assert decided(policy, until - timedelta(microseconds=1)).reason is Reason.SWITCHED_OFF
    assert decided(policy, until).state is State.AVAILABLE


def test_a_closing_that_ends_outside_hours_opens_with_the_next_hours() -> None:
    until = NOON + timedelta(hours=8)
    policy = Policy("sales", hours=OFFICE).switched(Switch(Closing("Ada", NOON, until)))
    assert decided(policy).opens_at == datetime(2026, 11, 25, 9, tzinfo=UTC)


def test_what_the_settings_switch_off_stays_off_whatever_people_do() -> None:
    policy = Policy("sales", enabled=False).switched(Switch(Closing("Ada", NOON, words=WORDS)))
    assert (decided(policy).reason, decided(policy).words, decided(policy).next_check) == (
        Reason.SWITCHED_OFF,
        None,
        RARELY,
    )


@pytest.mark.parametrize("hours", [None, OFFICE])
def test_a_special_day_replaces_the_hours_of_that_day_alone(hours: Hours | None) -> None:
    days = {NOON.date(): (), date(2026, 11, 25): (read_range("13:00-14:00"),)}
    policy = Policy("sales", hours=hours).switched(Switch(days=MappingProxyType(days)))
    assert decided(policy).reason is Reason.OUTSIDE_HOURS
    assert decided(policy).opens_at == datetime(2026, 11, 25, 13, tzinfo=UTC)
    assert decided(policy, NOON + timedelta(days=1)).reason is Reason.OUTSIDE_HOURS
    assert decided(policy, NOON + timedelta(days=1, hours=1, minutes=30)).state is State.AVAILABLE
    assert decided(policy, NOON + timedelta(days=2)).state is State.AVAILABLE


def test_a_special_day_by_hand_beats_one_of_the_settings() -> None:
    hours = replace(OFFICE, closed=frozenset({NOON.date()}), special={date(2026, 11, 25): ()})
    switch = in_force([entry(Act.SET_DAY, 1, day=NOON.date(), ranges=(read_range("10:00-15:00"),))])["sales"]
    policy = Policy("sales", hours=hours).switched(switch)
    assert decided(policy).state is State.AVAILABLE
    assert decided(policy, NOON + timedelta(days=1)).reason is Reason.OUTSIDE_HOURS


acts = st.builds(
    entry,
    st.sampled_from(Act),
    st.integers(1, 10**6),
    entry_point=st.sampled_from(["sales", "support"]),
    by=st.sampled_from(["Ada", "Bob"]),
    day=st.sampled_from([NOON.date(), date(2026, 12, 24)]),
)


@given(st.lists(acts, unique_by=lambda each: each.id), st.randoms())
def test_the_last_entry_of_the_log_counts_in_whatever_order_it_is_read(log: list[Entry], random: Any) -> None:
    shuffled = list(log)
    random.shuffle(shuffled)
    found = in_force(shuffled)
    assert found == in_force(log)
    for name in ("sales", "support"):
        about = sorted((each for each in log if each.entry_point == name), key=lambda each: each.id)
        closing = next((each for each in reversed(about) if each.act in (Act.CLOSE, Act.REOPEN)), None)
        switch = found.get(name, Switch())
        assert (switch.closing is not None) == (closing is not None and closing.act is Act.CLOSE)
        if closing is not None and switch.closing is not None:
            assert switch.closing.by == closing.by
        for day in (NOON.date(), date(2026, 12, 24)):
            last = next(
                (each for each in reversed(about) if each.day == day and each.act in (Act.SET_DAY, Act.CLEAR_DAY)), None
            )
            assert (day in switch.days) == (last is not None and last.act is Act.SET_DAY)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("words", {"words": Translations({"de": "x" * 5000})}),
        ("words", {"words": Translations({"": "x" * (LONGEST_WORDS + 1)})}),
        ("words", {"words": Translations({"no language": "x"})}),
        ("words", {"words": Translations({"<b>": "x"})}),
        ("until", {"until": NOON}),
        ("until", {"until": NOON - timedelta(days=1)}),
        ("until", {"until": NOON + timedelta(days=4000)}),
        ("by", {"by": ""}),
        ("by", {"by": " \t"}),
        ("by", {"by": "x" * 300}),
        ("by", {"by": "Ada\nBob"}),
        ("day", {"day": date(2020, 1, 1)}),
        ("day", {"day": date(2226, 1, 1)}),
        ("ranges", {"day": NOON.date(), "ranges": (OpenRange(0, 60),) * 11}),
    ],
)
def test_what_must_not_be_kept_is_refused_by_its_field(field: str, wrong: dict[str, Any]) -> None:
    act = Act.SET_DAY if "day" in wrong else Act.CLOSE
    with pytest.raises(NotAllowed) as refused:
        checked(entry(act, **wrong))
    assert refused.value.field == field


def test_words_are_cleaned_and_blank_ones_left_out() -> None:
    words = Translations({"en": "  Fire \r\n alarm\x00 ", "pt_BR": "Alarme", "de": " \n"})
    kept = checked(entry(Act.CLOSE, words=words)).words
    assert kept is not None
    assert dict(kept.by_language) == {"en": "Fire alarm\N{REPLACEMENT CHARACTER}", "pt-BR": "Alarme"}
    assert checked(entry(Act.CLOSE, words=Translations({"en": " "}))).words is None
