"""Closing by hand: in force here and in every other process, as long as the log says so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.entry_points import EntryPoints
from tests.hand_clock import NOON
from widget.application.switches import Switches
from widget.domain.errors import OutboxUnavailable
from widget.domain.evaluation import State
from widget.domain.hours import read_range
from widget.domain.policy import Policy
from widget.domain.readings import Reason
from widget.domain.switches import Entry, NotAllowed

pytestmark = pytest.mark.anyio


@dataclass
class Log:
    """The log of a fleet, in memory."""

    entries: list[Entry] = field(default_factory=list)
    away: bool = False
    looks: int = 0
    looked_thrice: asyncio.Event = field(default_factory=asyncio.Event)

    async def append(self, entry: Entry) -> int:
        self._answer()
        self.entries.append(replace(entry, id=len(self.entries) + 1))
        return len(self.entries)

    async def log_after(self, known: int) -> tuple[int, list[Entry]] | None:
        self.looks += 1
        if self.looks == 3:
            self.looked_thrice.set()
        self._answer()
        return None if known == len(self.entries) else (len(self.entries), list(self.entries))

    async def log(
        self, since: datetime, until: datetime, entry_point: str | None = None, limit: int | None = None
    ) -> list[Entry]:
        self._answer()
        return self.entries[::-1]

    def _answer(self) -> None:
        if self.away:
            raise OutboxUnavailable("the database server cannot be reached")


class Member(EntryPoints):
    """One process of a fleet."""

    def __init__(self, log: Log, fresh_for: float = 5.0) -> None:
        policies = {name: Policy(name) for name in ("sales", "support")}
        super().__init__(*policies.values())
        follow, now = self.availability.follow, self.clock.now
        self.switches = Switches(log, policies, follow, now=now, fresh_for=fresh_for)

    async def reason(self, name: str = "sales") -> Reason | None:
        return (await self.availability.view(name)).decision.reason


async def test_what_is_closed_here_is_closed_at_once_and_elsewhere_at_the_next_look() -> None:
    log = Log()
    here, there = Member(log), Member(log)
    for member in (here, there):
        await member.switches.look()
        assert await member.visit() is State.AVAILABLE
    await here.switches.close("sales", by="Ada", words={"de": "Feuer", "en": " "})
    assert await here.reason() is Reason.SWITCHED_OFF
    assert await there.reason() is None
    await there.switches.look()
    decision = (await there.availability.view("sales")).decision
    assert decision.reason is Reason.SWITCHED_OFF
    assert decision.words is not None
    assert dict(decision.words.by_language) == {"de": "Feuer"}
    assert await there.reason("support") is None
    await there.switches.reopen("sales", by="Bob")
    await here.switches.look()
    assert [await member.reason() for member in (here, there)] == [None, None]
    assert [each.by for each in log.entries] == ["Ada", "Bob"]


async def test_a_new_process_follows_what_was_closed_before_it_started() -> None:
    log = Log()
    await Member(log).switches.close("sales", by="Ada")
    new = Member(log)
    await new.switches.first_look()
    assert await new.reason() is Reason.SWITCHED_OFF
    assert new.ece.asked == [], "ECE has no word in it"


async def test_while_the_database_is_away_the_last_word_stands_and_nothing_new_is_taken(log_lines: Any) -> None:
    log = Log()
    member = Member(log)
    await member.switches.close("sales", by="Ada")
    log.away = True
    for _ in range(3):
        await member.switches.look()
    was_away = member.switches.away
    assert await member.reason() is Reason.SWITCHED_OFF
    with pytest.raises(OutboxUnavailable):
        await member.switches.reopen("sales", by="Ada")
    assert await member.reason() is Reason.SWITCHED_OFF
    log.away = False
    await member.switches.look()
    assert (was_away, member.switches.away) == (True, False)
    said = log_lines.getvalue()
    assert said.count("switches_not_read") == said.count("switches_read_again") == 1


async def test_a_day_is_set_and_cleared() -> None:
    member = Member(Log())
    await member.switches.set_day("sales", NOON.date(), [read_range("13:00-14:00")], by="Ada")
    decision = (await member.availability.view("sales")).decision
    assert (decision.reason, decision.opens_at) == (Reason.OUTSIDE_HOURS, NOON + timedelta(hours=1))
    assert member.switches.of("sales").days == {NOON.date(): (read_range("13:00-14:00"),)}
    await member.switches.clear_day("sales", NOON.date(), by="Ada")
    assert await member.visit() is State.AVAILABLE


@pytest.mark.parametrize(
    ("field_", "asked"),
    [
        ("entry_point", {"entry_point": "unknown"}),
        ("entry_point", {"entry_point": "<script>"}),
        ("words", {"words": {"de": "x" * 5000}}),
        ("until", {"until": NOON - timedelta(minutes=1)}),
        ("by", {"by": ""}),
    ],
)
async def test_what_must_not_be_is_refused_in_words_and_nothing_is_logged(field_: str, asked: dict[str, Any]) -> None:
    log = Log()
    member = Member(log)
    with pytest.raises(NotAllowed) as refused:
        await member.switches.close(**{"entry_point": "sales", "by": "Ada", **asked})
    assert refused.value.field == field_
    assert str(refused.value).endswith(".")
    assert log.entries == []


async def test_looks_are_often_enough_for_fresh_for_and_seldom_enough_for_the_database() -> None:
    assert Member(Log(), fresh_for=0.3).switches._pause == pytest.approx(0.1)
    assert Member(Log(), fresh_for=300).switches._pause == 2.0


async def test_the_loop_looks_until_it_is_stopped() -> None:
    log = Log()
    member = Member(log, fresh_for=0.003)
    running = asyncio.create_task(member.switches.run())
    async with asyncio.timeout(30):
        await log.looked_thrice.wait()
        member.switches.stop()
        await running
