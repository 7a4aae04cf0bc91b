"""What a loop does regularly costs the same however many rows were settled: no plan reads the whole table."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event

from tests import settling
from tests.store.conftest import make_message
from tests.store.test_schema import engine
from widget.domain.outbox import Claim, MessageState, Pick
from widget.store.outbox import Outbox

pytestmark = pytest.mark.anyio

SETTLED = 30_000


def settle_many(url: str, now: int) -> None:
    maker = engine(url)
    with maker.begin() as connection:
        numbers = (
            f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {SETTLED})"
            " SELECT n FROM numbers"
        )
        connection.exec_driver_sql(
            "INSERT INTO ece_widget_outbox (key, sid, entry_point, survey, answers, state, attempts, next_attempt_at,"
            " accepted_at, waiting_since, settled_at)"
            " SELECT 'settled-' || n, 'sid-' || n, 'sales', 'after_chat', '[]',"
            f" CASE WHEN n < 10000 THEN 'purged' ELSE 'delivered' END, 1, {now}, {now}, {now}, {now}"
            f" FROM ({numbers}) AS numbers"
        )
    with maker.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    maker.dispose()


class Plans:
    """Asks the database how it would run each statement that the store makes."""

    def __init__(self, outbox: Outbox) -> None:
        self.scans: list[str] = []
        database: Any = outbox._database
        self._is_sqlite = database.name == "sqlite"
        event.listen(database._engine, "before_cursor_execute", self._ask)

    def _ask(self, _c: Any, cursor: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
        if many or statement.split()[0] not in ("SELECT", "UPDATE", "WITH") or "ece_widget_outbox" not in statement:
            return
        words = "EXPLAIN QUERY PLAN " if self._is_sqlite else "EXPLAIN "
        side = cursor.connection.cursor()
        side.execute(words + statement, parameters)
        for row in side.fetchall():
            line = " ".join(map(str, row))
            sqlite_scan = "SCAN ece_widget_outbox" in line and "INDEX" not in line
            if sqlite_scan or "Seq Scan on ece_widget_outbox" in line:
                self.scans.append(f"{line}: {statement}")
        side.close()


async def test_no_regular_statement_reads_settled_rows(outbox: Outbox, url: str, clock: Any) -> None:
    await asyncio.to_thread(settle_many, url, int(clock.now().timestamp() * 1000))
    plans = Plans(outbox)
    await outbox.close()
    outbox = Outbox(outbox._database, now=clock.now)
    await outbox.open()
    await regular_work(outbox, clock)
    assert plans.scans == []
    await outbox.close()


async def regular_work(outbox: Outbox, clock: Any) -> None:
    await outbox.enqueue(make_message(1))
    for pick in Pick:
        taken = await outbox.claim(
            Claim(
                limit=4, owner="o", now=clock.now(), lease=timedelta(seconds=60), pick=pick, untried=pick is Pick.NEWEST
            )
        )
        for each in taken.messages:
            await outbox.settle(
                settling.retried(each, next_attempt_at=clock.now(), reason="x", waits_for_destination=True)
            )
    await outbox.hasten(now=clock.now())
    await outbox.tidy(now=clock.now(), max_age=timedelta(days=7), retention=timedelta(days=90))
    assert (await outbox.counts_of_unsettled()).by_state[MessageState.PENDING] == 1
    await outbox.enrol("owner")
    await outbox.withdraw("owner")


async def test_rows_are_counted_while_the_writer_is_busy(outbox: Outbox) -> None:
    busy, go_on = threading.Event(), threading.Event()

    def hold(_: Connection) -> int:
        busy.set()
        go_on.wait(30)
        return 0

    writing = asyncio.create_task(outbox.change(hold))
    try:
        assert await asyncio.to_thread(busy.wait, 30)
        async with asyncio.timeout(10):
            assert (await outbox.counts_of_unsettled()).by_state[MessageState.PENDING] == 0
    finally:
        go_on.set()
        await writing
