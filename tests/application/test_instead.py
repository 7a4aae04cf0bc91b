"""An entry point that another one offers: asked with it, offered while it is open, never longer than that is known."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.ece_stand_in import CLOSED
from tests.house import House
from widget.domain.errors import EceRefused
from widget.domain.instead import Kind, Way
from widget.domain.policy import Policy
from widget.domain.readings import Call
from widget.domain.verdict import State

pytestmark = pytest.mark.anyio

CALLBACK, PHONE = Way(Kind.ENTRY_POINT, "callback"), Way(Kind.PHONE, "110")
SALES = Policy("sales", instead=(CALLBACK, PHONE))  # its id is 1001, that of callback 1002


async def kinds(house: House) -> list[str]:
    return [way.kind.value for way in (await house.availability.view("sales")).decision.instead]


async def test_the_first_visitor_of_a_closed_chat_is_offered_what_is_open() -> None:
    house = House(SALES, Policy("callback"))
    house.ece.shut = {1001}
    assert await kinds(house) == ["entry_point", "phone"]
    assert house.ece.count() == 2


async def test_both_are_waited_for_at_once_and_no_longer_than_for_one() -> None:
    house = House(SALES, Policy("callback"), timeout=0.05)
    gate = house.ece.holds()
    began = asyncio.get_running_loop().time()
    assert await kinds(house) == ["phone"], "what nobody knows is not offered"
    assert asyncio.get_running_loop().time() - began < 0.09
    gate.set()
    await house.settle()


async def test_what_closes_is_offered_no_more_after_the_next_refresh() -> None:
    house = House(SALES, Policy("callback"))
    house.ece.shut = {1001}
    await kinds(house)
    house.ece.shut = {1001, 1002}
    house.clock.passes(5)
    await kinds(house)
    await house.settle()
    assert await kinds(house) == ["phone"]


async def test_an_open_chat_asks_nothing_of_those_it_would_offer() -> None:
    house = House(SALES, Policy("callback"))
    await house.visit("sales")
    for _ in range(3):
        house.clock.passes(5)
        await house.visit("sales")
    assert [id for call, id in house.ece.asked if call is Call.CHAT_ALLOWED].count(1002) == 1


async def test_a_chat_that_is_switched_off_offers_another_no_longer_than_ece_is_trusted() -> None:
    house = House(replace(SALES, enabled=False), Policy("callback"))
    view = await house.availability.view("sales")
    assert [way.kind for way in view.decision.instead] == [Kind.ENTRY_POINT, Kind.PHONE]
    assert view.trusted_for == 60
    assert view.valid_for == 5
    house.ece.fails(EceRefused())
    house.clock.passes(61)
    await house.visit("sales")
    view = await house.availability.view("sales")
    assert [way.kind for way in view.decision.instead] == [Kind.PHONE]
    assert view.trusted_for is None


async def test_the_end_of_a_refresh_is_told_to_those_that_offer_it_too() -> None:
    house = House(SALES, Policy("callback"), Policy("other"))
    told: list[str] = []
    house.availability.on_change(told.append)
    await house.visit("callback")
    assert told == ["callback", "sales"]


async def test_a_click_on_a_closed_chat_is_offered_what_is_open_at_that_moment() -> None:
    house = House(SALES, Policy("callback"))
    house.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    await kinds(house)
    house.ece.recovers()
    house.ece.shut = {1001}
    house.clock.passes(30)
    decision = (await house.availability.view_for_click("sales")).decision
    assert decision.state is State.UNAVAILABLE
    assert decision.instead == (CALLBACK, PHONE)


async def test_what_is_known_is_read_without_a_refresh() -> None:
    house = House(SALES, Policy("callback"))
    house.ece.shut = {1001}
    assert house.availability.other_ways_now("sales") == (PHONE,)
    await house.visit("callback")
    await house.visit("sales")
    asked = len(house.ece.asked)
    decision, _ = house.availability.served_now("sales")
    assert decision is not None
    assert decision.instead == house.availability.other_ways_now("sales") == (CALLBACK, PHONE)
    assert house.availability.other_ways_now("nobody") == ()
    assert len(house.ece.asked) == asked
