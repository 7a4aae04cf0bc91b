"""Processes that share a server: one asks ECE, all know; none believes an answer longer than a lone one would."""

from __future__ import annotations

import asyncio
import io

import pytest

from tests.ece_stand_in import CLOSED
from tests.shared.conftest import FRESH_FOR, STALE_FOR, UNHURRIED, Fleet, Member
from tests.shared_server import SharedServerProcess
from tests.waiting import until
from widget.domain.breaker import Closed, Open
from widget.domain.errors import EceRefused, EceStatus
from widget.domain.evaluation import LimitMemory, State
from widget.domain.policy import Policy
from widget.domain.readings import Call, LiveSessionStatus, Reason

pytestmark = pytest.mark.anyio
# The shared server counts the age by its own clock, and hears of a snapshot a moment after it was taken.
STALE = FRESH_FOR + 0.1


async def all_visit(members: list[Member]) -> list[State]:
    return await asyncio.gather(*(member.visit() for member in members))


async def test_a_fleet_asks_once_for_a_thousand_first_visitors_at_four_processes(fleet: Fleet) -> None:
    members = [fleet.member(pace=UNHURRIED) for _ in range(4)]
    states = await asyncio.gather(*(member.state() for member in members for _ in range(250)))
    assert set(states) == {State.AVAILABLE}
    assert sorted(fleet.ece.asked) == [(Call.CHAT_ALLOWED, 1001), (Call.LIVE_SESSION_STATUS, 1001)]


async def test_a_round_is_made_once_in_each_fresh_for(fleet: Fleet) -> None:
    members = [fleet.member() for _ in range(3)]
    begun = members[0].monotonic()
    while fleet.ece.count() < 4:
        assert set(await all_visit(members)) == {State.AVAILABLE}
        await asyncio.sleep(0.01)
    assert fleet.ece.count() <= (members[0].monotonic() - begun) / FRESH_FOR + 1


async def test_a_process_that_starts_takes_the_evaluation_with_its_age_whatever_its_clock_shows(fleet: Fleet) -> None:
    first, second = fleet.member(), fleet.member()
    await first.visit()
    await until(lambda: first.age > FRESH_FOR / 2)
    before = first.age
    assert await second.visit() is State.AVAILABLE
    assert fleet.ece.count() == 1
    assert before <= second.age <= first.age + 0.5
    assert second.entry_point.snapshot is not None
    younger = second.age
    told = (second.now() - second.entry_point.snapshot.as_of).total_seconds()
    assert younger - 0.1 < told < second.age + 0.1


async def test_an_answer_that_was_adopted_never_gets_younger(fleet: Fleet) -> None:
    first, second = fleet.member(), fleet.member()
    await first.visit()
    await second.visit()
    assert first.entry_point.snapshot is not None
    assert second.entry_point.snapshot is not None
    taken = second.entry_point.snapshot.taken_at
    assert taken - second.monotonic() <= first.entry_point.snapshot.taken_at - first.monotonic() + 0.001
    fleet.ece.fails(EceRefused("down"))
    await until(lambda: second.age >= STALE)
    await second.visit()
    assert second.entry_point.snapshot.taken_at == taken


async def test_no_process_says_open_from_readings_older_than_stale_for(fleet: Fleet) -> None:
    first, second = fleet.member(), fleet.member()
    await all_visit([first, second])
    fleet.ece.fails(EceRefused("down"))
    newcomer = fleet.member()
    while first.age < STALE_FOR:
        states = await all_visit([first, second, newcomer])
        assert State.UNAVAILABLE not in states
        await asyncio.sleep(0.05)
    await until(lambda: all(member.age >= STALE_FOR for member in (first, second)))
    assert await all_visit([first, second, newcomer, fleet.member()]) == [State.UNKNOWN] * 4


async def test_an_evaluation_past_stale_for_is_not_shown_by_a_process_that_starts_later(fleet: Fleet) -> None:
    first = fleet.member()
    await first.visit()
    fleet.ece.fails(EceRefused("down"))
    await until(lambda: first.age >= STALE_FOR)
    assert await fleet.member().visit() is State.UNKNOWN


async def test_a_failed_round_is_not_repeated_by_another_process_before_fresh_for_is_over(fleet: Fleet) -> None:
    fleet.ece.fails(EceStatus("500", status=500))
    members = [fleet.member(pace=UNHURRIED) for _ in range(4)]
    assert set(await all_visit(members)) == {State.UNKNOWN}
    for _ in range(5):
        await all_visit(members)
    assert fleet.ece.count() == 1


async def test_the_death_of_the_refresher_costs_one_lease(fleet: Fleet) -> None:
    first, second = fleet.member(), fleet.member()
    await all_visit([first, second])
    await until(lambda: first.age >= STALE and second.age >= STALE)
    gate = fleet.ece.holds()
    await first.state()
    await until(lambda: fleet.ece.count() == 2)
    await first.availability.aclose()  # it holds the lease and says nothing any more
    fleet.ece.gate = None
    gate.set()
    assert await second.state() is State.AVAILABLE, "answered from the stale snapshot meanwhile"
    await until(lambda: second.age < FRESH_FOR, seconds=STALE_FOR)
    assert fleet.ece.count() == 3


async def test_breakers_are_common_and_the_fleet_probes_a_dead_host_once_a_period(fleet: Fleet) -> None:
    fleet.ece.fails(EceRefused("down"))
    members = [fleet.member(policy=Policy(f"entry_point_{at}"), id=1001 + at) for at in range(6)]
    await all_visit(members)
    await until(lambda: any(isinstance(member.source.host, Open) for member in members))
    newcomer = fleet.member(policy=Policy("entry_point_9"), id=1009)
    asked = len(fleet.ece.asked)
    assert await newcomer.visit() is State.UNKNOWN
    assert isinstance(newcomer.source.host, Open), "it learned that the host is down without asking"
    assert len(fleet.ece.asked) == asked


async def test_of_all_processes_one_gets_the_probe(fleet: Fleet, server: SharedServerProcess) -> None:
    members = [fleet.member(policy=Policy(f"entry_point_{at}"), id=1001 + at) for at in range(4)]
    due = Open(members[0].monotonic() - 0.01, 5.0)
    await members[0].shared.change_host(lambda host: due)
    gate = fleet.ece.holds()
    visits = [asyncio.create_task(member.visit()) for member in members]
    await until(lambda: len(fleet.ece.asked) >= 1)
    losers = [member for member in members if not member.entry_point.refresh]
    await until(lambda: sum(member.entry_point.refresh is not None for member in members) == 1)
    assert len(fleet.ece.asked) == 1
    assert len(losers) <= 3
    fleet.ece.gate = None
    gate.set()
    await asyncio.gather(*visits)
    assert await members[0].shared.change_host(lambda host: host) == Closed()


async def test_a_recovered_host_is_asked_again_by_all(fleet: Fleet) -> None:
    members = [fleet.member(policy=Policy(f"entry_point_{at}"), id=1001 + at) for at in range(3)]
    await members[0].shared.change_host(lambda host: Open(members[0].monotonic() - 0.01, 5.0))

    async def all_are_served() -> bool:
        return set(await all_visit(members)) == {State.AVAILABLE}

    await until(all_are_served)
    assert all(member.source.host == Closed() for member in members)


async def test_the_memory_of_the_limits_is_common_so_that_the_button_does_not_flicker(fleet: Fleet) -> None:
    policy = Policy("sales", max_queue_depth=2)
    first, second = fleet.member(policy=policy), fleet.member(policy=policy)
    fleet.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=60, queue_depth=3)
    await first.visit()
    fleet.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=60, queue_depth=2)
    await until(lambda: first.age >= STALE)
    await second.visit()
    assert fleet.ece.count() == 2
    assert second.entry_point.snapshot is not None
    assert second.entry_point.snapshot.evaluation.reason is Reason.QUEUE_TOO_DEEP, "the first set within the limit"
    assert second.entry_point.memory == LimitMemory(Reason.QUEUE_TOO_DEEP, 1)
    await until(lambda: second.age >= STALE)
    await first.visit()
    assert await first.state() is State.AVAILABLE


async def test_names_with_one_id_share_one_round_in_the_whole_fleet(fleet: Fleet) -> None:
    strict = Policy("strict", max_queue_depth=1)
    members = [fleet.member(also=[strict], pace=UNHURRIED) for _ in range(3)]
    for member in members:
        assert await member.state("strict") is State.UNAVAILABLE
        assert await member.state("sales") is State.AVAILABLE
    assert sorted(fleet.ece.asked) == [(Call.CHAT_ALLOWED, 1001), (Call.LIVE_SESSION_STATUS, 1001)]


async def test_processes_with_other_rules_share_no_evaluation(fleet: Fleet) -> None:
    await fleet.member(pace=UNHURRIED).visit()
    await fleet.member(policy=Policy("sales", max_queue_depth=2), pace=UNHURRIED).visit()
    assert fleet.ece.count() == 2


async def test_a_killed_server_leaves_each_process_alone_and_is_joined_again(
    fleet: Fleet, server: SharedServerProcess, log_lines: io.StringIO
) -> None:
    members = [fleet.member() for _ in range(3)]
    await all_visit(members)
    server.kill()
    try:
        await until(lambda: all(member.age >= FRESH_FOR for member in members))
        assert set(await all_visit(members)) == {State.AVAILABLE}
        assert all(member.age < FRESH_FOR for member in members)
        assert fleet.ece.count() == 4, "one for the fleet, then one for each"
        assert all(member.link.away for member in members)
        assert await members[0].link.trouble() is not None
    finally:
        server.start()
    await until(lambda: not any(member.link.away for member in members))
    await until(lambda: all(member.age >= FRESH_FOR for member in members))
    await all_visit(members)
    assert fleet.ece.count() == 5
    assert log_lines.getvalue().count("shared_server_away") == 3, "once for each process"
    assert log_lines.getvalue().count("shared_server_back") == 3


async def test_a_server_that_answers_nothing_costs_a_bounded_moment_once(
    fleet: Fleet, server: SharedServerProcess
) -> None:
    longest_wait = 1.0
    member = fleet.member(longest_wait=longest_wait)
    await member.visit()
    server.freeze()
    try:
        await until(lambda: member.age >= STALE)
        begun = member.monotonic()
        assert await member.state() is State.AVAILABLE
        assert member.monotonic() - begun < longest_wait, "a visitor is answered from memory"
        await member.settle()
        assert member.monotonic() - begun < 2 * longest_wait
        assert member.age < FRESH_FOR, "it asked ECE by itself"
        assert member.link.away
    finally:
        server.thaw()
    await until(lambda: not member.link.away)


async def test_a_server_that_forgets_everything_costs_one_round(fleet: Fleet, server: SharedServerProcess) -> None:
    members = [fleet.member() for _ in range(2)]
    await all_visit(members)
    server.say("FLUSHALL")
    server.say("SCRIPT", "FLUSH")
    await until(lambda: all(member.age >= FRESH_FOR for member in members))
    fleet.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    await all_visit(members)
    assert [await member.state() for member in members] == [State.UNAVAILABLE] * 2
    assert fleet.ece.count() == 2


async def test_what_stands_there_and_cannot_be_read_counts_as_not_there(
    fleet: Fleet, server: SharedServerProcess
) -> None:
    await fleet.member(pace=UNHURRIED).visit()
    keys = [line for line in server.say("KEYS", "ece-widget:2:entry-point:*").split("\r\n") if line.startswith("ece-")]
    (record,) = [key for key in keys if not key.endswith(":lease")]
    server.say("HSET", record, "evaluations", "nonsense", "calls", "[1,2]")
    server.say("DEL", f"{record}:lease")
    server.say("HDEL", record, "taken")
    assert await fleet.member(pace=UNHURRIED).visit() is State.AVAILABLE
    assert fleet.ece.count() == 2
    server.say("HSET", record, "taken", "99999999999999999")
    server.say("DEL", f"{record}:lease")
    assert await fleet.member(pace=UNHURRIED).visit() is State.AVAILABLE
    assert fleet.ece.count() == 3, "an evaluation from the server's future has no known age"
