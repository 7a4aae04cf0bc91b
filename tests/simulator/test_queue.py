"""The queue has a clock of its own: no event loop, no sleep."""

from __future__ import annotations

import random
from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget.simulator.queue import VISITOR_SILENCE, Chat, Queue, Refusal


def queue(seed: int = 1, **values: Any) -> Queue:
    return Queue(random.Random(seed), **values)


def picture(of: Queue) -> tuple[Any, ...]:
    chats = [astuple(chat) for chat in (*of.waiting, *of.running)]
    return chats, of.arrived, of.refused, of.served, of.given_up


@given(
    seed=st.integers(0, 1000),
    rate=st.floats(0, 60),
    agents=st.integers(0, 5),
    steps=st.lists(st.floats(0.1, 60), min_size=1, max_size=10),
)
def test_many_small_steps_give_what_one_long_step_gives(
    seed: int, rate: float, agents: int, steps: list[float]
) -> None:
    small = queue(seed, arrivals_per_minute=rate, agents=agents)
    large = queue(seed, arrivals_per_minute=rate, agents=agents)
    end = 0.0
    for step in steps:
        small.advance(step)
        end += step
    large.advance(small.now)
    assert picture(small) == picture(large)


@given(seed=st.integers(0, 1000), rate=st.floats(0, 60), agents=st.integers(0, 5), limit=st.integers(1, 20))
def test_nobody_is_lost_and_no_limit_is_passed(seed: int, rate: float, agents: int, limit: int) -> None:
    q = queue(seed, arrivals_per_minute=rate, agents=agents, max_chats=limit)
    for _ in range(20):
        q.advance(30)
        assert len(q.running) <= q.slots
        assert len(q.waiting) + len(q.running) <= limit
        assert not (q.waiting and q.free_slots)
        assert q.arrived == q.refused + q.served + q.given_up + len(q.waiting) + len(q.running)


def test_a_queue_without_agents_takes_nobody_when_they_are_required() -> None:
    assert queue(agents=0).join() is Refusal.AGENT_NOT_AVAILABLE
    assert isinstance(queue(agents=0, agents_required=False).join(), Chat)


def test_agents_who_go_away_finish_their_chats_and_take_no_new_ones() -> None:
    q = queue(agents=1, slots_per_agent=1, arrivals_per_minute=0)
    q.join(visitor=False)
    q.away = True
    assert q.refusal() is Refusal.AGENT_NOT_AVAILABLE
    assert (len(q.running), q.free_slots) == (1, 0)
    q.advance(900)
    assert (len(q.running), q.served) == (0, 1)
    q.away = False
    assert q.refusal() is None


def test_a_full_queue_counts_waiting_and_running_chats() -> None:
    q = queue(agents=1, slots_per_agent=1, arrivals_per_minute=0, max_chats=2)
    q.join()
    q.join()
    assert (len(q.running), len(q.waiting)) == (1, 1)
    assert q.join() is Refusal.QUEUE_DEPTH_REACHED


def test_an_inactive_entry_point_refuses() -> None:
    assert queue(active=False).join() is Refusal.ENTRY_POINT_INACTIVE


def test_a_frozen_queue_stands_still() -> None:
    q = queue(arrivals_per_minute=60)
    q.frozen = True
    q.advance(600)
    assert (q.arrived, q.now) == (0, 0)


def test_the_wait_follows_the_place_and_the_agents() -> None:
    q = queue(agents=2, slots_per_agent=1, handling_time=120, arrivals_per_minute=0)
    assert q.wait_estimate(1) == 0
    for _ in range(5):
        q.join()
    assert [q.wait_estimate(place) for place in (1, 2, 4)] == [60, 120, 240]
    q.away = True
    assert q.wait_estimate(1) == 120


def test_a_visitor_moves_up_and_leaves() -> None:
    q = queue(agents=1, slots_per_agent=1, arrivals_per_minute=0)
    first, second, third = q.join(), q.join(), q.join()
    assert isinstance(first, Chat)
    assert isinstance(second, Chat)
    assert isinstance(third, Chat)
    assert [q.position(chat.number) for chat in (first, second, third)] == [0, 1, 2]
    q.leave(first.number)
    assert [q.position(chat.number) for chat in (first, second, third)] == [None, 0, 1]


def test_a_visitor_whose_page_is_gone_leaves_by_itself() -> None:
    q = queue(arrivals_per_minute=0)
    chat = q.join()
    assert isinstance(chat, Chat)
    q.advance(VISITOR_SILENCE - 1)
    q.keep(chat.number)
    q.advance(VISITOR_SILENCE - 1)
    assert q.position(chat.number) == 0
    q.advance(2)
    assert q.position(chat.number) is None


def test_a_depth_can_be_set_and_spares_visitors() -> None:
    q = queue(agents=0, agents_required=False, arrivals_per_minute=0)
    q.set_depth(3)
    visitor = q.join()
    assert isinstance(visitor, Chat)
    q.set_depth(1)
    assert [chat.number for chat in q.waiting] == [visitor.number]


def test_a_busy_queue_serves_turns_away_and_loses_some() -> None:
    q = queue(arrivals_per_minute=12, agents=1, patience=60, max_chats=8)
    for _ in range(4):
        q.advance(900)
    assert min(q.served, q.refused, q.given_up) > 10


@pytest.mark.parametrize("seconds", [-1.0, 0.0])
def test_no_time_changes_nothing(seconds: float) -> None:
    q = queue(arrivals_per_minute=60)
    q.advance(seconds)
    assert (q.arrived, q.now) == (0, 0)
