"""After a purge a planted answer is nowhere: not in a file, not in a dump, not in an export."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import settling
from tests.databases import Cluster
from tests.store.test_schema import engine
from widget.domain.outbox import Claim, MessageState, OutboxMessage
from widget.store.command_outbox import command_outbox
from widget.store.operating import Selection
from widget.store.outbox import Outbox, open_outbox

pytestmark = pytest.mark.anyio

Make = Callable[..., OutboxMessage]
CANARY = "canary-7f3a-"


def everywhere(url: str, request: pytest.FixtureRequest) -> bytes:
    """All bytes in which an answer could be left: every file of a SQLite, of a PostgreSQL all but its log."""
    if url.startswith("sqlite"):
        folder = Path(url.removeprefix("sqlite:///")).parent
        return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.dump(url).encode() + cluster.files(url)


async def rows_in_every_state(outbox: Outbox, clock: Any, message: Make, number: int) -> None:
    """Many rows that grew, shrank and moved, so that pages were split and copies could have been left behind."""
    await asyncio.gather(*[outbox.enqueue(message(n, answer=f"{CANARY}{n} " * (n % 90))) for n in range(1, number)])
    taken = await outbox.claim(Claim(limit=number // 2, owner="o" * 40, now=clock.now(), lease=timedelta(seconds=60)))
    for n, each in enumerate(taken.messages):
        if n % 3 == 0:
            await outbox.settle(settling.delivered(each, now=clock.now()))
        elif n % 3 == 1:
            await outbox.settle(settling.dead(each, now=clock.now(), reason="a rather long reason " * 4))
        else:
            await outbox.settle(settling.retried(each, next_attempt_at=clock.now(), reason="another reason " * 9))


async def test_after_a_purge_of_everything_a_planted_answer_is_nowhere(
    outbox: Outbox, url: str, clock: Any, message: Make, request: pytest.FixtureRequest
) -> None:
    await rows_in_every_state(outbox, clock, message, 400)
    assert CANARY.encode() in await asyncio.to_thread(everywhere, url, request)

    def purge() -> int:
        with command_outbox(url) as store:
            done = sum(store.purge(Selection(everything=True), now=clock.now()))
            assert store.erase_freed() is None
            assert all(row.answers is None and row.fingerprint == "" for row in store.rows(Selection(everything=True)))
            return done

    assert await asyncio.to_thread(purge) == 399
    left = await asyncio.to_thread(everywhere, url, request)
    assert left.count(CANARY.encode()) == 0
    assert left.count(b"1234_") == 0, "no sid either"
    assert await outbox.enqueue(message(7)) is False
    assert (await outbox.counts()).by_state[MessageState.PURGED] == 399


async def test_one_persons_answers_go_and_the_others_stay(
    outbox: Outbox, url: str, clock: Any, message: Make, request: pytest.FixtureRequest
) -> None:
    for number in range(60):
        await outbox.enqueue(message(number, answer=f"{CANARY}{number}-"))

    def purge() -> None:
        with command_outbox(url) as store:
            assert sum(store.purge(Selection(sid="1234_17"), now=clock.now())) == 1
            assert store.erase_freed() is None

    await asyncio.to_thread(purge)
    left = await asyncio.to_thread(everywhere, url, request)
    assert left.count(f"{CANARY}17-".encode()) == 0
    assert all(f"{CANARY}{number}-".encode() in left for number in range(60) if number != 17)


async def test_a_message_purged_while_it_is_sent_is_not_settled(
    outbox: Outbox, url: str, clock: Any, message: Make
) -> None:
    await outbox.enqueue(message())
    (claimed,) = (
        await outbox.claim(Claim(limit=1, owner="one", now=clock.now(), lease=timedelta(seconds=60)))
    ).messages

    def purge() -> None:
        with command_outbox(url) as store:
            assert sum(store.purge(Selection(sid="1234_1"), now=clock.now())) == 1

    await asyncio.to_thread(purge)
    assert await outbox.settle(settling.retried(claimed, next_attempt_at=clock.now(), reason="x")) is False
    assert (await outbox.counts()).by_state[MessageState.PURGED] == 1


async def test_dead_rows_are_sent_again_with_all_their_time(
    outbox: Outbox, url: str, clock: Any, message: Make
) -> None:
    await outbox.enqueue(message())
    (claimed,) = (
        await outbox.claim(Claim(limit=1, owner="one", now=clock.now(), lease=timedelta(seconds=60)))
    ).messages
    await outbox.settle(settling.dead(claimed, now=clock.now(), reason="ece_status 400"))
    clock.passes(days=10)

    def retry() -> int:
        with command_outbox(url) as store:
            return store.send_again(Selection(states=(MessageState.DEAD,)), now=clock.now())

    assert await asyncio.to_thread(retry) == 1
    (again,) = (await outbox.claim(Claim(limit=1, owner="one", now=clock.now(), lease=timedelta(seconds=60)))).messages
    assert (again.attempts, again.waiting_since) == (0, clock.now())
    assert again.accepted_at == claimed.accepted_at


async def test_the_retention_of_the_loop_leaves_nothing_in_any_file(
    outbox: Outbox, url: str, clock: Any, message: Make, request: pytest.FixtureRequest
) -> None:
    await rows_in_every_state(outbox, clock, message, 400)
    stays = message("stays", answer="this one waits")
    await outbox.enqueue(stays)
    claimed = await outbox.claim(Claim(limit=400, owner="o", now=clock.now(), lease=timedelta(seconds=60)))
    for each in claimed.messages:
        if each.message.key != stays.key:
            await outbox.settle(settling.delivered(each, now=clock.now()))
    if url.startswith("postgres"):
        await asyncio.to_thread(analyze, url)
    clock.passes(days=91)
    assert CANARY.encode() in await asyncio.to_thread(everywhere, url, request)
    await outbox.tidy(now=clock.now(), max_age=timedelta(days=7), retention=timedelta(days=90))
    left = await asyncio.to_thread(everywhere, url, request)
    assert (left.count(CANARY.encode()), left.count(b"this one waits") > 0) == (0, True)
    assert await outbox.enqueue(message(1)) is False


def analyze(url: str) -> None:
    """Let the server sample the columns for its planner, as it does by itself from time to time."""
    maker = engine(url)
    with maker.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.exec_driver_sql("CHECKPOINT")
    maker.dispose()


async def test_a_purge_that_was_killed_before_the_files_were_clean_is_finished_by_the_next_loop(
    outbox: Outbox, url: str, clock: Any, message: Make, request: pytest.FixtureRequest
) -> None:
    await rows_in_every_state(outbox, clock, message, 300)

    def purge_without_end() -> None:
        with command_outbox(url) as store:
            assert sum(store.purge(Selection(everything=True), now=clock.now())) == 299

    await asyncio.to_thread(purge_without_end)
    await outbox.close()
    again = await open_outbox(url, now=clock.now)
    await again.tidy(now=clock.now(), max_age=timedelta(days=7), retention=timedelta(days=90))
    left = await asyncio.to_thread(everywhere, url, request)
    await again.close()
    assert left.count(CANARY.encode()) == 0


async def test_a_reader_in_the_way_is_named_and_the_files_are_cleaned_once_it_is_gone(
    tmp_path: Path, clock: Any, message: Make, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/outbox.db"
    outbox = await open_outbox(url, now=clock.now)
    await rows_in_every_state(outbox, clock, message, 100)

    def purge_beside_a_reader() -> str | None:
        maker = engine(url)
        with maker.connect() as reader, command_outbox(url) as store:
            reader.exec_driver_sql("BEGIN")
            reader.exec_driver_sql("SELECT count(*) FROM ece_widget_outbox").scalar()
            sum(store.purge(Selection(everything=True), now=clock.now()))
            left = store.erase_freed()
        maker.dispose()
        return left

    assert "Another program is reading" in str(await asyncio.to_thread(purge_beside_a_reader))
    await outbox.tidy(now=clock.now(), max_age=timedelta(days=7), retention=timedelta(days=90))
    assert (await asyncio.to_thread(everywhere, url, request)).count(CANARY.encode()) == 0
    await outbox.close()
