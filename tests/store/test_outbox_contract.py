"""What an outbox promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests import settling
from widget.domain.outbox import Answer, Claim, ClaimedMessage, MessageState, OutboxMessage, RowKind
from widget.store.outbox import Outbox, open_outbox

pytestmark = pytest.mark.anyio

Make = Callable[..., OutboxMessage]
LEASE = timedelta(seconds=60)


async def claim(
    outbox: Outbox, clock: Any, *, limit: int = 10, owner: str = "one", destination: str = "ece"
) -> list[ClaimedMessage]:
    taken = await outbox.claim(Claim(limit=limit, owner=owner, now=clock.now(), lease=LEASE, destination=destination))
    return taken.messages


async def test_a_message_comes_out_as_it_went_in(outbox: Outbox, clock: Any) -> None:
    hostile = "\x00 \ud800 \u202e </answer> ]]> '; DROP TABLE x; -- 😀 \r\n"
    sent = OutboxMessage("key", "1_ä😀'\"", "sales", "after_chat", (Answer("q", hostile, hostile),))
    assert await outbox.enqueue(sent) is True
    (claimed,) = await claim(outbox, clock)
    assert claimed.message == sent
    assert (claimed.attempts, claimed.accepted_at) == (0, clock.now())


async def test_the_same_key_makes_one_row_however_often_it_comes(outbox: Outbox, clock: Any, message: Make) -> None:
    outcomes = await asyncio.gather(*[outbox.enqueue(message(1, answer=str(n))) for n in range(64)])
    assert sorted(outcomes) == [False] * 63 + [True]
    assert await outbox.enqueue(message(1)) is False
    assert (await outbox.counts()).by_state[MessageState.PENDING] == 1
    (claimed,) = await claim(outbox, clock)
    assert claimed.message.answers[1].answer == str(outcomes.index(True))


async def test_a_value_that_the_database_refuses_fails_alone(outbox: Outbox, message: Make) -> None:
    from widget.domain.errors import OutboxUnavailable

    bad = OutboxMessage("bad", "sid\ud800", "sales", "after_chat", ())
    outcomes = await asyncio.gather(
        *[outbox.enqueue(each) for each in (message(1), bad, message(2))], return_exceptions=True
    )
    assert outcomes[0] is True
    assert isinstance(outcomes[1], OutboxUnavailable)
    assert outcomes[2] is True
    assert await outbox.ready() is None


async def test_the_oldest_are_claimed_first_and_only_once(outbox: Outbox, clock: Any, message: Make) -> None:
    for number in range(5):
        await outbox.enqueue(message(number))
        clock.passes(seconds=1)
    first = await claim(outbox, clock, limit=2)
    second = await claim(outbox, clock, limit=10, owner="two")
    assert [each.message.sid for each in first + second] == [f"1234_{n}" for n in range(5)]
    assert await claim(outbox, clock, owner="three") == []


async def test_a_lease_that_ran_out_is_taken_over_and_named_a_possible_double(
    outbox: Outbox, clock: Any, message: Make
) -> None:
    await outbox.enqueue(message())
    (lost,) = await claim(outbox, clock)
    clock.passes(seconds=59)
    assert await claim(outbox, clock, owner="two") == [], "the lease is not over"
    clock.passes(seconds=2)
    (taken,) = await claim(outbox, clock, owner="two")
    assert taken.id == lost.id
    assert (await outbox.counts()).possible_doubles == 1
    assert await outbox.settle(settling.delivered(lost, now=clock.now())) is False
    assert await outbox.settle(settling.retried(lost, next_attempt_at=clock.now(), reason="x")) is False
    assert await outbox.settle(settling.dead(lost, now=clock.now(), reason="x")) is False
    assert await outbox.settle(settling.released(lost)) is False
    assert await outbox.settle(settling.delivered(taken, now=clock.now())) is True
    assert await outbox.settle(settling.delivered(taken, now=clock.now())) is False


async def test_a_failed_attempt_waits_for_its_moment(outbox: Outbox, clock: Any, message: Make) -> None:
    await outbox.enqueue(message())
    (claimed,) = await claim(outbox, clock)
    due = clock.now() + timedelta(seconds=30)
    assert await outbox.settle(
        settling.retried(claimed, next_attempt_at=due, reason="ece_status 500", possible_double=True)
    )
    assert await claim(outbox, clock) == []
    clock.passes(seconds=30)
    (again,) = await claim(outbox, clock)
    assert again.attempts == 1
    assert (await outbox.counts()).possible_doubles == 1


async def test_a_released_message_is_due_at_once_and_used_no_attempt(outbox: Outbox, clock: Any, message: Make) -> None:
    await outbox.enqueue(message())
    (claimed,) = await claim(outbox, clock)
    assert await outbox.settle(settling.released(claimed)) is True
    (again,) = await claim(outbox, clock, owner="two")
    assert again.attempts == 0
    assert (await outbox.counts()).possible_doubles == 0


async def test_only_rows_that_wait_for_their_destination_are_hastened(
    outbox: Outbox, clock: Any, message: Make
) -> None:
    for number in (1, 2):
        await outbox.enqueue(message(number))
    waits, asked = await claim(outbox, clock)
    later = clock.now() + timedelta(seconds=200)
    await outbox.settle(
        settling.retried(waits, next_attempt_at=later, reason="ece_refused", waits_for_destination=True)
    )
    await outbox.settle(settling.retried(asked, next_attempt_at=later, reason="ece_status 429"))
    assert await outbox.hasten(now=clock.now()) == 1
    (due,) = await claim(outbox, clock)
    assert due.id == waits.id


async def test_a_clock_set_back_holds_up_nothing(outbox: Outbox, clock: Any, message: Make) -> None:
    for number in (1, 2):
        await outbox.enqueue(message(number))
    _held, tried = await claim(outbox, clock, limit=2)
    await outbox.settle(settling.retried(tried, next_attempt_at=clock.now() + timedelta(seconds=5), reason="x"))
    clock.passes(days=-1)
    assert len(await claim(outbox, clock, owner="two")) == 2


async def test_a_binding_is_made_once_and_cleaned_after_its_expiry(outbox: Outbox, clock: Any) -> None:
    expires = clock.now() + timedelta(hours=1)
    assert await outbox.bind_ticket("ticket", "one", expires) == "one"
    assert await outbox.bind_ticket("ticket", "two", expires) == "one"
    both = await asyncio.gather(outbox.bind_ticket("t2", "a", expires), outbox.bind_ticket("t2", "b", expires))
    assert both[0] == both[1]
    await outbox.tidy(now=clock.now(), max_age=timedelta(days=7), retention=timedelta(days=90))
    assert await outbox.bind_ticket("ticket", "two", expires) == "one"
    clock.passes(hours=2)
    await outbox.tidy(now=clock.now(), max_age=timedelta(days=7), retention=timedelta(days=90))
    assert await outbox.bind_ticket("ticket", "two", expires) == "two"


async def test_what_is_remembered_outlives_a_restart(outbox: Outbox, url: str, clock: Any) -> None:
    key = await outbox.hash_key()
    assert len(key) == 32
    assert await outbox.load_dialect() is None
    await outbox.save_dialect("entrypoint namespace")
    await outbox.save_dialect("endpoint plain")
    again = await open_outbox(url, now=clock.now)
    assert await again.hash_key() == key
    assert await again.load_dialect() == "endpoint plain"
    await again.close()


async def test_settled_rows_are_purged_by_age_undelivered_ones_never(outbox: Outbox, clock: Any, message: Make) -> None:
    for number in range(3):
        await outbox.enqueue(message(number))
    delivered, dead, _waiting = await claim(outbox, clock)
    await outbox.settle(settling.delivered(delivered, now=clock.now()))
    await outbox.settle(settling.dead(dead, now=clock.now(), reason="ece_status 400"))
    clock.passes(days=91)
    await outbox.tidy(now=clock.now(), max_age=timedelta(days=7), retention=timedelta(days=90))
    counts = (await outbox.counts()).by_state
    assert (counts[MessageState.PURGED], counts[MessageState.LEASED]) == (2, 1)
    assert await outbox.enqueue(message(0)) is False, "a replay changes nothing, also after the purge"


async def test_what_was_tried_for_too_long_is_given_up_what_was_never_tried_is_not(
    outbox: Outbox, clock: Any, message: Make
) -> None:
    for number in range(2):
        await outbox.enqueue(message(number))
    tried, untried = await claim(outbox, clock)
    await outbox.settle(settling.retried(tried, next_attempt_at=clock.now(), reason="ece_timeout"))
    await outbox.settle(settling.released(untried))
    clock.passes(days=8)
    await outbox.tidy(now=clock.now(), max_age=timedelta(days=7), retention=timedelta(days=90))
    counts = (await outbox.counts()).by_state
    assert (counts[MessageState.DEAD], counts[MessageState.PENDING]) == (1, 1)


async def test_what_is_being_sent_is_not_given_up_however_old_it_is(outbox: Outbox, clock: Any, message: Make) -> None:
    await outbox.enqueue(message())
    (tried,) = await claim(outbox, clock)
    await outbox.settle(settling.retried(tried, next_attempt_at=clock.now(), reason="ece_timeout"))
    clock.passes(days=8)
    (claimed,) = await claim(outbox, clock)
    assert await outbox.tidy(now=clock.now(), max_age=timedelta(days=7), retention=timedelta(days=90)) == []
    assert await outbox.settle(settling.delivered(claimed, now=clock.now())) is True


async def test_a_new_message_raises_the_alarm_and_a_known_one_does_not(outbox: Outbox, message: Make) -> None:
    alarms: list[int] = []
    outbox.when_new(lambda: alarms.append(1))
    await outbox.enqueue(message())
    await outbox.enqueue(message())
    assert alarms == [1]


async def test_several_processes_share_the_rows_without_a_double(
    outbox: Outbox, url: str, clock: Any, message: Make
) -> None:
    await asyncio.gather(*[outbox.enqueue(message(number)) for number in range(400)])
    others = [await open_outbox(url, now=clock.now) for _ in range(3)]

    async def deliver(queue: Outbox, owner: str) -> list[str]:
        taken = []
        while claimed := await claim(queue, clock, limit=8, owner=owner):
            taken += [each.message.sid for each in claimed]
            assert all(
                await asyncio.gather(*[queue.settle(settling.delivered(each, now=clock.now())) for each in claimed])
            )
        return taken

    shares = await asyncio.gather(*[deliver(each, str(n)) for n, each in enumerate([outbox, *others])])
    for other in others:
        await other.close()
    assert sorted(sid for share in shares for sid in share) == sorted(f"1234_{n}" for n in range(400))
    assert (await outbox.counts()).by_state[MessageState.DELIVERED] == 400


async def test_an_alert_is_accepted_with_its_survey_and_never_after_it(
    outbox: Outbox, clock: Any, message: Make
) -> None:
    survey, told = message(1), replace(message(1), key="alert-1", kind=RowKind.ALERT, destination="smtp")
    assert await outbox.enqueue(survey, told)
    assert not await outbox.enqueue(survey, replace(told, key="alert-later")), "a replay of the survey tells nobody"
    (claimed,) = await claim(outbox, clock, destination="smtp")
    assert (claimed.message, claimed.message.kind) == (told, RowKind.ALERT)
    (claimed,) = await claim(outbox, clock)
    assert claimed.message == survey
    assert await outbox.holds("alert-1")
    assert not await outbox.holds("alert-later")


async def test_a_destination_that_is_back_hastens_its_own_rows_alone(outbox: Outbox, clock: Any, message: Make) -> None:
    for number, destination in enumerate(("ece", "smtp"), 1):
        row = replace(message(number), kind=RowKind.MESSAGE if destination == "smtp" else RowKind.SURVEY)
        assert await outbox.enqueue(replace(row, destination=destination))
        (claimed,) = await claim(outbox, clock, destination=destination)
        later = clock.now() + timedelta(minutes=5)
        await outbox.settle(settling.retried(claimed, next_attempt_at=later, reason="down", waits_for_destination=True))
    assert await outbox.hasten(destination="smtp", now=clock.now()) == 1
    assert await claim(outbox, clock) == []
    assert len(await claim(outbox, clock, destination="smtp")) == 1
