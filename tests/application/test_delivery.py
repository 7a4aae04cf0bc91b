"""The delivery loop between a real outbox and an ECE that does what a test wants."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests import settling
from tests.hand_clock import HandClock
from tests.waiting import until
from widget.application.delivery import Delivery, DeliveryRules, Destination
from widget.application.reporting import delivery_samples
from widget.domain.errors import (
    EceBusy,
    EceError,
    EceRefused,
    EceReset,
    EceStatus,
    EceTimeout,
    EceUnreadable,
    OutboxUnavailable,
)
from widget.domain.outbox import Answer, Claim, MessageState, OutboxMessage, Settlement
from widget.domain.pace import Mode
from widget.store.command_outbox import command_outbox
from widget.store.operating import Selection
from widget.store.outbox import Outbox, open_outbox
from widget.store.sqlite import choose_driver

pytestmark = pytest.mark.anyio


class Refusal(EceError):
    retryable = False
    code = "ece_refuses_survey"


@dataclass
class Ece:
    """Takes surveys; `answer` may raise or wait."""

    answer: Callable[[OutboxMessage], Awaitable[None]] | None = None
    taken: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    now_inside: int = 0
    most_inside: int = 0

    async def submit(self, message: OutboxMessage) -> None:
        self.asked.append(message.sid)
        self.now_inside += 1
        self.most_inside = max(self.most_inside, self.now_inside)
        try:
            await asyncio.sleep(0)
            if self.answer is not None:
                await self.answer(message)
            self.taken.append(message.sid)
        finally:
            self.now_inside -= 1

    def fails_with(self, error: Callable[[], EceError]) -> None:
        async def fail(_: OutboxMessage) -> None:
            raise error()

        self.answer = fail

    def hangs(self) -> asyncio.Event:
        released = asyncio.Event()

        async def hang(_: OutboxMessage) -> None:
            await released.wait()

        self.answer = hang
        return released


@dataclass
class Gate:
    open: bool = True
    asked: int = 0

    def may_send(self) -> bool:
        self.asked += 1
        return self.open


@dataclass
class World:
    clock: HandClock
    outbox: Outbox
    url: str
    ece: Ece = field(default_factory=Ece)
    gate: Gate = field(default_factory=Gate)
    elsewhere: list[Destination] = field(default_factory=list)

    def delivery(self, *, queue: Any = None, owner: str = "one", concurrency: int = 4) -> Delivery:
        return Delivery(
            queue or self.outbox,
            [Destination("ece", self.ece, concurrency, timedelta(seconds=0.3), self.gate.may_send), *self.elsewhere],
            rules=DeliveryRules(max_age=timedelta(days=7), retention=timedelta(days=90)),
            owner=owner,
            clock=self.clock.clock,
        )

    async def accept(self, *numbers: int) -> None:
        for number in numbers:
            answers = (Answer("q", "How?", "5"),)
            await self.outbox.enqueue(OutboxMessage(f"key-{number}", str(number), "sales", "after_chat", answers))
            self.clock.passes(0.001)

    async def execute(self, statement: str) -> None:
        """Change the table behind the outbox's back."""

        def change() -> None:
            driver = choose_driver()
            connection = driver.connect(self.url.removeprefix("sqlite:///"), isolation_level=None)
            connection.execute(statement)
            connection.close()

        await asyncio.to_thread(change)

    async def states(self) -> dict[MessageState, int]:
        return {state: number for state, number in (await self.outbox.counts()).by_state.items() if number}

    async def row(self) -> Any:
        def only() -> Any:
            with command_outbox(self.url) as store:
                (row,) = store.rows(Selection(everything=True))
                return row

        return await asyncio.to_thread(only)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock, url = HandClock(), f"sqlite:///{tmp_path}/outbox.db"
    outbox = await open_outbox(url, now=clock.now)
    yield World(clock, outbox, url)
    await outbox.close()


@asynccontextmanager
async def running(delivery: Delivery) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(delivery.run())
    try:
        yield task
    finally:
        delivery.stop()
        async with asyncio.timeout(30):
            await task


async def test_everything_is_delivered_the_oldest_first_never_more_at_once_than_allowed(world: World) -> None:
    await world.accept(*range(60))
    async with running(world.delivery(concurrency=3)):
        await until(lambda: len(world.ece.taken) == 60)
        await until(lambda: _is(world, {MessageState.DELIVERED: 60}))
    assert world.ece.asked == [str(n) for n in range(60)]
    assert world.ece.most_inside == 3


async def test_a_new_survey_is_sent_at_once_not_at_the_next_look(world: World) -> None:
    delivery = world.delivery()
    world.outbox.when_new(delivery.wake)
    async with running(delivery):
        await until(lambda: _is(world, {}))
        begun = asyncio.get_running_loop().time()
        await world.accept(1)
        await until(lambda: world.ece.taken == ["1"])
        assert asyncio.get_running_loop().time() - begun < 1.0


async def test_a_failed_survey_waits_and_is_sent_again(world: World) -> None:
    await world.accept(1)
    world.ece.fails_with(lambda: EceStatus(status=500))
    delivery = world.delivery()
    async with running(delivery):
        await until(lambda: delivery.counts.retried == 1)
        await until(lambda: _is(world, {MessageState.PENDING: 1}))
        row = await world.row()
        assert (row.attempts, row.reason) == (1, "ece_status 500")
        assert row.next_attempt_at == world.clock.now().replace(microsecond=1000) + timedelta(seconds=1)
        world.ece.answer = None
        world.clock.passes(1.1)
        delivery.wake()
        await until(lambda: _is(world, {MessageState.DELIVERED: 1}))
    assert (await world.row()).attempts == 2


async def test_a_survey_that_ece_refuses_for_good_is_dead_and_named(world: World) -> None:
    await world.accept(1)
    world.ece.fails_with(lambda: Refusal(status=400))
    delivery = world.delivery()
    async with running(delivery):
        await until(lambda: _is(world, {MessageState.DEAD: 1}))
    row = await world.row()
    assert (row.reason, delivery.counts.dead) == ("ece_refuses_survey 400", 1)
    assert row.answers is not None


async def test_nothing_is_sent_and_no_attempt_used_while_the_host_does_not_serve(world: World) -> None:
    world.gate.open = False
    await world.accept(1)
    delivery = world.delivery()
    async with running(delivery):
        await until(lambda: world.gate.asked > 0)
        assert world.ece.asked == []
        assert (await world.row()).attempts == 0
        world.gate.open = True
        delivery.wake()
        await until(lambda: world.ece.taken == ["1"])


async def test_a_time_out_is_counted_and_named_a_possible_double(world: World) -> None:
    await world.accept(1)
    world.ece.fails_with(lambda: EceTimeout(maybe_received=True))
    delivery = world.delivery()
    async with running(delivery):
        await until(lambda: _is(world, {MessageState.PENDING: 1}) if delivery.counts.retried else False)
    row = await world.row()
    assert (delivery.counts.possible_doubles, row.possible_doubles, row.reason) == (1, 1, "ece_timeout")


async def test_a_lost_lease_is_not_settled(world: World) -> None:
    await world.accept(1)
    released = world.ece.hangs()
    delivery = world.delivery()
    async with running(delivery):
        await until(lambda: world.ece.now_inside == 1)
        world.clock.is_set(by=timedelta(seconds=3600 * 24))
        (taken,) = (
            await world.outbox.claim(Claim(limit=1, owner="two", now=world.clock.now(), lease=timedelta(seconds=60)))
        ).messages
        released.set()
        await until(lambda: delivery.counts.lost_leases == 1)
        assert await world.outbox.settle(settling.delivered(taken, now=world.clock.now())) is True


async def test_a_leap_of_the_clock_does_not_send_twice_what_is_on_its_way(world: World) -> None:
    await world.accept(1)
    released = world.ece.hangs()
    delivery = world.delivery()
    async with running(delivery):
        await until(lambda: world.ece.now_inside == 1)
        world.clock.is_set(by=timedelta(seconds=3600 * 24))
        delivery.wake()
        await until(lambda: _doubles(world, 1))
        released.set()
        await until(lambda: _is(world, {MessageState.DELIVERED: 1}))
    assert world.ece.asked == ["1"]


async def test_a_stop_finishes_what_is_on_its_way_and_gives_back_the_rest(world: World) -> None:
    await world.accept(*range(10))
    released = world.ece.hangs()
    delivery = world.delivery(concurrency=2)
    async with running(delivery) as task:
        await until(lambda: world.ece.now_inside == 2)
        delivery.stop()
        asyncio.get_running_loop().call_later(0.05, released.set)
        await task
    assert await world.states() == {MessageState.DELIVERED: 2, MessageState.PENDING: 8}
    assert (await world.outbox.counts()).possible_doubles == 0


async def test_a_stop_does_not_wait_for_ever_and_names_what_it_broke_off(world: World) -> None:
    await world.accept(1, 2)
    world.ece.hangs()
    delivery = world.delivery(concurrency=1)
    async with running(delivery) as task:
        await until(lambda: world.ece.now_inside == 1)
        delivery.stop()
        async with asyncio.timeout(30):
            await task
    assert await world.states() == {MessageState.PENDING: 2}
    assert (await world.outbox.counts()).possible_doubles == 1


class Flaky:
    """An outbox whose named methods fail so many times."""

    def __init__(self, outbox: Outbox, error: Exception, **times: int) -> None:
        self._outbox = outbox
        self._error = error
        self._times = times

    def __getattr__(self, name: str) -> Any:
        if self._times.get(name, 0) > 0:
            self._times[name] -= 1

            async def fail(*_: Any, **__: Any) -> None:
                raise self._error

            return fail
        return getattr(self._outbox, name)


async def test_a_database_that_is_away_while_settling_makes_no_double(world: World) -> None:
    await world.accept(1)
    flaky = Flaky(world.outbox, OutboxUnavailable("away"))
    calls = []

    async def settle(settlement: Settlement) -> bool:
        calls.append(1)
        if len(calls) < 3:
            raise OutboxUnavailable("away")
        return await world.outbox.settle(settlement)

    flaky.settle = settle  # type: ignore[attr-defined]
    async with running(world.delivery(queue=flaky)):
        await until(lambda: _is(world, {MessageState.DELIVERED: 1}))
    assert world.ece.asked == ["1"]


@pytest.mark.parametrize("error", [OutboxUnavailable("away"), RuntimeError("a mistake of ours")])
async def test_nothing_ends_the_loop(world: World, error: Exception) -> None:
    await world.accept(1)
    async with running(world.delivery(queue=Flaky(world.outbox, error, claim=1, tidy=1))):
        await until(lambda: world.ece.taken == ["1"])


async def test_a_sender_that_breaks_on_one_message_delivers_the_others(world: World, log_lines: io.StringIO) -> None:
    await world.accept(1, 2, 3)

    async def break_on_two(message: OutboxMessage) -> None:
        if message.sid == "2":
            raise ZeroDivisionError

    world.ece.answer = break_on_two
    delivery = world.delivery()
    async with running(delivery):
        await until(lambda: _is(world, {MessageState.DELIVERED: 2, MessageState.PENDING: 1}))
    assert "delivery_failed" in log_lines.getvalue()


async def test_our_own_limit_of_connections_uses_no_attempt(world: World) -> None:
    await world.accept(1)
    world.ece.fails_with(EceBusy)
    async with running(world.delivery()):
        await until(lambda: len(world.ece.asked) >= 2)
        world.ece.answer = None
        await until(lambda: _is(world, {MessageState.DELIVERED: 1}))
    assert (await world.row()).attempts == 1


async def test_an_ece_that_is_down_is_asked_seldom_and_the_backlog_then_goes_out_oldest_first(world: World) -> None:
    await world.accept(*range(100))
    world.ece.fails_with(EceRefused)
    delivery = world.delivery(concurrency=4)
    async with running(delivery):
        await until(lambda: delivery.modes()["ece"] is Mode.STOPPED)
        await until(lambda: world.ece.now_inside == 0)
        assert len(world.ece.asked) <= 12, "a handful, then none until the probe"
        for _ in range(3):
            world.ece.asked.clear()
            world.clock.passes(70)
            delivery.wake()
            await until(lambda: len(world.ece.asked) > 0)
            assert len(world.ece.asked) == 1, "one probe"
        world.ece.answer = None
        world.clock.passes(70)
        delivery.wake()
        await until(lambda: _is(world, {MessageState.DELIVERED: 100}))
    order = [int(sid) for sid in world.ece.taken]
    late = [sid for place, sid in enumerate(order) if abs(sid - place) > 16]
    assert not late, "what was tried in vain is not sent behind all others"


async def test_surveys_that_ece_cannot_take_do_not_hold_up_the_others(world: World) -> None:
    await world.accept(*range(40))

    async def cannot_take_the_first_ten(message: OutboxMessage) -> None:
        if int(message.sid) < 10:
            raise EceStatus(status=500)

    world.ece.answer = cannot_take_the_first_ten
    delivery = world.delivery(concurrency=2)

    def all_others_are_taken() -> bool:
        world.clock.passes(3)
        delivery.wake()
        return len(world.ece.taken) == 30

    async with running(delivery):
        await until(all_others_are_taken)
    assert sorted(int(sid) for sid in world.ece.taken) == list(range(10, 40))


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize(
    "fault", [lambda: EceStatus(status=500), lambda: EceReset(maybe_received=True)], ids=["500", "hangs up"]
)
async def test_honest_surveys_among_two_hundred_forged_ones_are_delivered_within_seconds(
    world: World, fault: Callable[[], EceError], concurrency: int
) -> None:
    honest, begun = {1000 + number for number in range(10)}, world.clock.passed
    for number in range(200):
        await world.accept(number)
        if number % 20 == 10:
            await world.accept(1000 + number // 20)

    async def takes_honest_ones(message: OutboxMessage) -> None:
        if int(message.sid) < 1000:
            raise fault()

    world.ece.answer = takes_honest_ones
    delivery = world.delivery(concurrency=concurrency)
    world.outbox.when_new(delivery.wake)
    begun = world.clock.passed
    async with running(delivery):
        await until(lambda: {int(sid) for sid in world.ece.taken} == honest)
        assert world.clock.passed - begun < 1.0, "without a pause of the destination"
        for number in (2000, 2001):
            await world.accept(number)
            await until(lambda: str(number) in world.ece.taken)  # noqa: B023
        assert delivery.modes()["ece"] is not Mode.STOPPED
    said = {(name, labels): value for name, labels, value in delivery_samples(delivery)}
    assert said["ece_widget_deliveries_total", ("failed_over_row",)] >= 4
    assert said["ece_widget_deliveries_total", ("failed_whatever_the_row",)] == 0
    assert said["ece_widget_destination_state", ("ece",)] < Mode.STOPPED


async def test_what_was_claimed_ahead_is_given_back_when_forged_surveys_hang(world: World) -> None:
    await world.accept(*range(40))
    released = asyncio.Event()

    async def hang_on_forged(message: OutboxMessage) -> None:
        if int(message.sid) < 1000:
            await released.wait()
            raise EceTimeout(maybe_received=True)

    world.ece.answer = hang_on_forged
    delivery = world.delivery(concurrency=4)
    world.outbox.when_new(delivery.wake)
    async with running(delivery):
        await until(lambda: world.ece.now_inside == 4)
        released.set()
        await until(lambda: delivery.modes()["ece"] is Mode.IN_DOUBT)
        released.clear()
        await world.accept(1000)
        asked = len(world.ece.asked)
        released.set()
        await until(lambda: world.ece.taken == ["1000"])
        assert len(world.ece.asked) - asked <= 12, "it did not wait behind the thirty that were claimed before it"


async def test_one_destination_that_hangs_or_is_down_holds_up_no_other(world: World) -> None:
    mail = Ece()
    world.elsewhere = [Destination("smtp", mail, concurrency=1, send_limit=timedelta(seconds=0.3))]
    await world.accept(*range(40))
    world.ece.fails_with(EceRefused)
    delivery = world.delivery()
    async with running(delivery):
        await until(lambda: delivery.modes() == {"ece": Mode.STOPPED, "smtp": Mode.FREE})
        world.ece.hangs()
        await world.execute("UPDATE ece_widget_outbox SET destination = 'smtp' WHERE sid = '39'")
        delivery.wake()
        await until(lambda: mail.taken == ["39"])
    assert world.ece.taken == []


async def test_sendings_that_hang_take_the_slots_of_their_own_destination_alone(world: World) -> None:
    mail = Ece()
    world.elsewhere = [Destination("smtp", mail, concurrency=1, send_limit=timedelta(seconds=0.3))]
    released = world.ece.hangs()
    await world.accept(*range(9))
    async with running(world.delivery(concurrency=4)):
        await until(lambda: world.ece.now_inside == 4)
        await world.outbox.enqueue(OutboxMessage("key-mail", "mail", "sales", "", (), destination="smtp"))
        await until(lambda: mail.taken == ["mail"])
        assert world.ece.taken == []
        released.set()


async def test_a_row_that_cannot_be_read_is_counted_and_named_and_the_others_go_on(world: World) -> None:
    await world.accept(1, 2, 3)
    await world.execute("UPDATE ece_widget_outbox SET answers = 'no json' WHERE id = 2")
    delivery = world.delivery()
    with capture_logs() as logs:
        async with running(delivery):
            await until(lambda: _is(world, {MessageState.DELIVERED: 2, MessageState.DEAD: 1}))
    assert delivery.counts.unreadable == 1
    (said,) = [line for line in logs if line["event"] == "row_set_aside"]
    assert (said["row"], said["reason"]) == (2, "unreadable: answers is no JSON")


async def test_surveys_that_die_by_age_are_counted_and_named(world: World) -> None:
    await world.accept(1)
    world.ece.fails_with(lambda: EceStatus(status=500))
    first = world.delivery()
    async with running(first):
        await until(lambda: first.counts.retried == 1)
    world.clock.is_set(by=timedelta(seconds=3600 * 24 * 8))
    second = world.delivery(owner="two")
    with capture_logs() as logs:
        async with running(second):
            await until(lambda: second.counts.died_of_age == 1)
    assert await world.states() == {MessageState.DEAD: 1}
    (said,) = [line for line in logs if line["event"] == "row_given_up"]
    assert (said["row"], said["reason"]) == (1, "max_age; last: ece_status 500")


async def test_nothing_is_said_to_be_given_up_before_a_sending_that_succeeds(world: World) -> None:
    await world.accept(1)
    await world.execute("UPDATE ece_widget_outbox SET attempts = 9, waiting_since = 0")
    delivery = world.delivery(queue=Flaky(world.outbox, OutboxUnavailable("away"), tidy=1000))
    with capture_logs() as logs:
        async with running(delivery):
            await until(lambda: _is(world, {MessageState.DELIVERED: 1}))
    assert not [line for line in logs if line["event"] == "row_given_up"]
    assert delivery.counts.dead == 0


async def test_a_doubtful_success_is_repeated_a_few_times_only(world: World) -> None:
    await world.accept(1)
    world.ece.fails_with(lambda: EceUnreadable(status=200, maybe_received=True))
    delivery = world.delivery()
    async with running(delivery):
        for sent in (1, 2):
            await until(lambda: delivery.counts.retried == sent)  # noqa: B023
            world.clock.passes(301)
            delivery.wake()
        await until(lambda: _is(world, {MessageState.DEAD: 1}))
    assert len(world.ece.asked) == 3
    row = await world.row()
    assert (row.state, row.reason) == (MessageState.DEAD, "doubtful_success 200: ECE may have it 3 times")


async def _is(world: World, states: dict[MessageState, int]) -> bool:
    return await world.states() == states


async def _doubles(world: World, number: int) -> bool:
    return (await world.outbox.counts()).possible_doubles == number
