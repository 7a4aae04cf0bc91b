"""Ten thousand surveys through four processes, and a backlog through one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.store.conftest import make_message
from tests.store.killing import keys_in
from widget.application.clock import Clock
from widget.application.delivery import Delivery, DeliveryRules, Destination
from widget.domain.outbox import MessageState, OutboxMessage
from widget.store.command_outbox import command_outbox
from widget.store.operating import Selection
from widget.store.outbox import Outbox, open_outbox

pytestmark = pytest.mark.soak

ROWS = 10_000
PROCESSES = 4


async def fill(outbox: Outbox, rows: int) -> None:
    numbers = iter(range(rows))

    async def client() -> None:
        for number in numbers:
            await outbox.enqueue(make_message(number))

    await asyncio.gather(*[client() for _ in range(64)])


def fill_and_close(url: str, rows: int) -> None:
    async def run() -> None:
        outbox = await open_outbox(url, now=lambda: datetime.now(UTC))
        await fill(outbox, rows)
        await outbox.close()

    asyncio.run(run())


@pytest.mark.parametrize("lose_one_in", [0, 100])
def test_four_processes_deliver_each_survey_once_or_as_often_as_an_answer_was_lost(url: str, lose_one_in: int) -> None:
    fill_and_close(url, ROWS)
    begun = time.monotonic()
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.soak.delivering", url, str(lose_one_in)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    lines = [line.split() for process in processes for line in process.communicate(timeout=600)[0].splitlines()]
    assert [process.returncode for process in processes] == [0] * PROCESSES
    taken = Counter(key for _, key in lines)
    lost = sum(word == "lost" for word, _ in lines)
    doubles = sum(taken.values()) - len(taken)
    with command_outbox(url) as store:
        counts = store.counts()
        assert store.number_of(Selection(states=(MessageState.DELIVERED,))) == ROWS
    print(
        f"\n{url.split(':')[0]}: {PROCESSES} processes, {ROWS} surveys in {time.monotonic() - begun:.1f} s,"
        f" {lost} answers lost, {doubles} doubles, {counts.possible_doubles} named possible"
    )
    assert len(taken) == ROWS
    assert doubles <= lost
    assert counts.possible_doubles == lost


class TimedEce:
    """Takes a survey in a known time; down until it is told otherwise."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.inside = 0
        self.most_inside = 0
        self.order: list[str] = []
        self.busy_seconds = 0.0

    async def submit(self, message: OutboxMessage) -> None:
        self.order.append(message.key)
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        begun = time.monotonic()
        await asyncio.sleep(self._seconds)
        self.busy_seconds += time.monotonic() - begun
        self.inside -= 1


class Gate:
    is_open = False

    def may_send(self) -> bool:
        return self.is_open


@pytest.mark.anyio
async def test_a_backlog_drains_at_the_speed_of_ece_oldest_first(url: str) -> None:
    seconds, concurrency = 0.02, 4
    outbox = await open_outbox(url, now=lambda: datetime.now(UTC))
    await fill(outbox, ROWS)
    ece, gate = TimedEce(seconds), Gate()
    delivery = Delivery(
        outbox,
        [Destination("ece", ece, concurrency, timedelta(seconds=2), gate.may_send)],
        rules=DeliveryRules(max_age=timedelta(days=7), retention=timedelta(days=90)),
        owner="drain",
        clock=Clock(),
    )
    running = asyncio.create_task(delivery.run())
    gate.is_open = True
    begun = time.monotonic()
    delivery.wake()
    while delivery.counts.delivered < ROWS:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    took = time.monotonic() - begun
    delivery.stop()
    await running
    await outbox.close()
    accepted = list(await asyncio.to_thread(keys_in, url))
    share = ece.busy_seconds / concurrency / took  # of the time that the slots could have been at ECE
    places = {key: place for place, key in enumerate(accepted)}
    furthest = max(abs(places[key] - place) for place, key in enumerate(ece.order))
    print(
        f"\n{url.split(':')[0]}: drained {ROWS} in {took:.1f} s, {share:.2f} of what ECE and the cap allow;"
        f" furthest from its turn: {furthest}"
    )
    assert ece.most_inside == concurrency
    assert furthest <= 8 * concurrency
    assert share >= 0.85
