"""An entry point that another one offers: asked with it, offered while it is open, never longer than that is known."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.ece_stand_in import CLOSED
from tests.entry_points import EntryPoints
from widget.domain.errors import EceRefused
from widget.domain.evaluation import State
from widget.domain.instead import Kind, Way
from widget.domain.policy import Policy
from widget.domain.readings import Call

pytestmark = pytest.mark.anyio

CALLBACK, PHONE = Way(Kind.ENTRY_POINT, "callback"), Way(Kind.PHONE, "110")
SALES = Policy("sales", instead=(CALLBACK, PHONE))  # its id is 1001, that of callback 1002


async def kinds(entry_points: EntryPoints) -> list[str]:
    return [way.kind.value for way in (await entry_points.availability.view("sales")).decision.instead]


async def test_the_first_visitor_of_a_closed_chat_is_offered_what_is_open() -> None:
    entry_points = EntryPoints(SALES, Policy("callback"))
    entry_points.ece.shut = {1001}
    assert await kinds(entry_points) == ["entry_point", "phone"]
    assert entry_points.ece.count() == 2


async def test_both_are_waited_for_at_once_and_no_longer_than_for_one() -> None:
    entry_points = EntryPoints(SALES, Policy("callback"), timeout=0.05)
    gate = entry_points.ece.holds()
    began = asyncio.get_running_loop().time()
    assert await kinds(entry_points) == ["phone"], "what nobody knows is not offered"
    assert asyncio.get_running_loop().time() - began < 0.09
    gate.set()
    await entry_points.settle()


async def test_what_closes_is_offered_no_more_after_the_next_refresh() -> None:
    entry_points = EntryPoints(SALES, Policy("callback"))
    entry_points.ece.shut = {1001}
    await kinds(entry_points)
    entry_points.ece.shut = {1001, 1002}
    entry_points.clock.passes(5)
    await kinds(entry_points)
    await entry_points.settle()
    assert await kinds(entry_points) == ["phone"]


async def test_an_open_chat_asks_nothing_of_those_it_would_offer() -> None:
    entry_points = EntryPoints(SALES, Policy("callback"))
    await entry_points.visit("sales")
    for _ in range(3):
        entry_points.clock.passes(5)
        await entry_points.visit("sales")
    assert [id for call, id in entry_points.ece.asked if call is Call.CHAT_ALLOWED].count(1002) == 1


async def test_a_chat_that_is_switched_off_offers_another_no_longer_than_ece_is_trusted() -> None:
    entry_points = EntryPoints(replace(SALES, enabled=False), Policy("callback"))
    view = await entry_points.availability.view("sales")
    assert [way.kind for way in view.decision.instead] == [Kind.ENTRY_POINT, Kind.PHONE]
    assert view.trusted_for == 60
    assert view.valid_for == 5
    entry_points.ece.fails(EceRefused())
    entry_points.clock.passes(61)
    await entry_points.visit("sales")
    view = await entry_points.availability.view("sales")
    assert [way.kind for way in view.decision.instead] == [Kind.PHONE]
    assert view.trusted_for is None


async def test_the_end_of_a_refresh_is_told_to_those_that_offer_it_too() -> None:
    entry_points = EntryPoints(SALES, Policy("callback"), Policy("other"))
    told: list[str] = []
    entry_points.availability.on_change(told.append)
    await entry_points.visit("callback")
    assert told == ["callback", "sales"]


async def test_a_click_on_a_closed_chat_is_offered_what_is_open_at_that_moment() -> None:
    entry_points = EntryPoints(SALES, Policy("callback"))
    entry_points.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    await kinds(entry_points)
    entry_points.ece.recovers()
    entry_points.ece.shut = {1001}
    entry_points.clock.passes(30)
    decision = (await entry_points.availability.view_for_click("sales")).decision
    assert decision.state is State.UNAVAILABLE
    assert decision.instead == (CALLBACK, PHONE)


async def test_what_is_known_is_read_without_a_refresh() -> None:
    entry_points = EntryPoints(SALES, Policy("callback"))
    entry_points.ece.shut = {1001}
    assert entry_points.availability.other_ways_now("sales") == (PHONE,)
    await entry_points.visit("callback")
    await entry_points.visit("sales")
    asked = len(entry_points.ece.asked)
    decision, _ = entry_points.availability.served_now("sales")
    assert decision is not None
    assert decision.instead == entry_points.availability.other_ways_now("sales") == (CALLBACK, PHONE)
    assert entry_points.availability.other_ways_now("nobody") == ()
    assert len(entry_points.ece.asked) == asked
