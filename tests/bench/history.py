"""The history of 50 entry points over 90 days: how long each read and each page of the console takes, and what keeping
it costs public answers.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Connection, text

from tests.bench.figures import Figure, at_least, at_most
from tests.bench.load import Target, compare
from tests.bench.product import running_product
from tests.databases import running_cluster
from widget.application.clock import Clock
from widget.application.history import History
from widget.domain.counted import COUNTS
from widget.store.choose import choose_database
from widget.store.history import HistoryStore
from widget.store.schema import count_column

ENTRY_POINTS, DAYS, TIMES = 50, 90, 5
LONGEST = 300.0  # milliseconds
CHANGES_EVERY = 20 * 60 * 1000  # milliseconds, of each entry point
END = datetime(2026, 11, 28, tzinfo=UTC)
START = END - timedelta(days=DAYS)
NAMES = [f"entry_point_{at:03}" for at in range(ENTRY_POINTS)]
PAIRS = 15
TOKEN = "operator-token-for-tests"
_SPREADS = ("wait", "depth")


def measure(folder: Path) -> Iterator[Figure]:
    """Time reads and pages on both databases, then compare rates in alternated bursts."""
    with running_cluster() as cluster:
        for url, database in ((f"sqlite:///{folder}/history.db", "SQLite"), (cluster.new_database(), "PostgreSQL")):
            yield from _reads(url, database)
            yield from _pages(folder, url, database)
    on, off = "[history]\nenabled = true\n", "[history]\nenabled = false\n"
    with running_product(folder, more=on) as kept, running_product(folder, more=off) as bare:
        targets = Target(kept.url("/v1/status/sales")), Target(bare.url("/v1/status/sales"))
        yield at_least("status, history on / off", compare(*targets, pairs=PAIRS), 0.98)


def _reads(url: str, database: str) -> Iterator[Figure]:
    _fill(url)
    history = History(HistoryStore(url), dict.fromkeys(NAMES, UTC), kept=True, clock=Clock())
    week, day = END - timedelta(days=7), END - timedelta(days=1)
    one = NAMES[25]
    reads: dict[str, Callable[[], Awaitable[Any]]] = {
        "since when, of all": lambda: history.since(NAMES),
        "the newest changes": lambda: history.changes(since=START, until=END),
        "changes of one, a day long ago": lambda: history.changes(
            since=START, until=START + timedelta(days=1), entry_point=one
        ),
        "a day of one in five minutes": lambda: history.buckets(since=day, until=END, entry_point=one),
        "a day of all in five minutes": lambda: history.buckets(since=day, until=END),
        "a week of one as a picture": lambda: history.week(one, week.date()),
        "clicks in vain of all, 90 days": lambda: history.in_vain(since=START, until=END),
        "clicks in vain of one, 90 days": lambda: history.in_vain(since=START, until=END, entry_point=one),
        "totals of all, 90 days by week": lambda: history.totals(since=START, until=END, by="week"),
        "totals of one, 7 days and a bit": lambda: history.totals(
            since=week - timedelta(minutes=7), until=END - timedelta(minutes=3), entry_points=[one]
        ),
    }
    for what, read in reads.items():
        yield at_most(f"{database}: {what}", asyncio.run(_time(read)), LONGEST, " ms")


def _pages(folder: Path, url: str, database: str) -> Iterator[Figure]:
    """Time whole pages as a browser of somebody who is signed in asks for them."""
    env = {"ECE_WIDGET_STORAGE__URL": url, "ECE_WIDGET_SECURITY__OPERATOR_TOKENS": f'["{TOKEN}"]'}
    day = (END - timedelta(days=1)).date()
    pages = {
        "now": "/console/now",
        "a day of all": f"/console/history?day={day}",
        "a day of one": f"/console/history?day={day}&entry_point={NAMES[25]}",
        "its first day": f"/console/history?day={START.date()}&entry_point={NAMES[25]}",
        "results": "/console/results",
        "outbox": "/console/outbox",
    }
    with (
        running_product(folder, entry_points=ENTRY_POINTS, more="[console]\nenabled = true\n", env=env) as served,
        httpx.Client(base_url=served.url(""), timeout=30) as browser,
    ):
        signed_in = browser.post("/console", data={"token": TOKEN, "name": ""})
        assert signed_in.status_code == 303
        for what, path in pages.items():
            yield at_most(f"{database}: page: {what}", _time_page(browser, path), LONGEST, " ms")


def _time_page(browser: httpx.Client, path: str) -> float:
    """Return the milliseconds that the middle one of some pages took, after a first one."""
    took = []
    for _ in range(TIMES + 1):
        begun = time.perf_counter()
        page = browser.get(path)
        took.append((time.perf_counter() - begun) * 1000)
        assert page.status_code == 200
    return statistics.median(took[1:])


async def _time(read: Callable[[], Awaitable[Any]]) -> float:
    """Return the milliseconds that the middle one of some reads took, after a first one."""
    took = []
    for _ in range(TIMES + 1):
        begun = time.perf_counter()
        found = await read()
        took.append((time.perf_counter() - begun) * 1000)
        assert found, "there is something to read"
    return statistics.median(took[1:])


def _fill(url: str) -> None:
    """Fill the tables by SQL, with numbers that differ by entry point and time."""
    database = choose_database(url)
    database.prepare()
    with database.connect() as connection, connection.begin():
        sqlite = connection.dialect.name == "sqlite"
        if not sqlite:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        for name in NAMES:
            _five_minutes(connection, name, sqlite=sqlite)
            _changes(connection, name, sqlite=sqlite)
        _sum_up(connection, 3600)
        _sum_up(connection, 86400)
    if not sqlite:
        with database.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("ANALYZE"))
    database.dispose()


def _series(every: int, *, sqlite: bool) -> str:
    first, last = (int(each.timestamp() * 1000) for each in (START, END))
    if not sqlite:
        return f"(SELECT at FROM generate_series({first}, {last - every}, {every}) AS at) AS series"
    return (
        f"(WITH RECURSIVE series(at) AS (SELECT {first} UNION ALL SELECT at + {every} FROM series"
        f" WHERE at < {last - every}) SELECT at FROM series) AS series"
    )


def _five_minutes(connection: Connection, name: str, *, sqlite: bool) -> None:
    numbers = {
        "answers_available": "100 + at / 300000 % 900",
        "answers_outside_hours": "at / 300000 % 7 * 10",
        "clicks_opened": "at / 300000 % 11",
        "clicks_wait_too_long": "at / 300000 % 3",
        "tickets_issued": "at / 300000 % 11",
        "surveys_sent": "at / 300000 % 5",
    }
    for spread in _SPREADS:
        numbers |= {f"{spread}_samples": "60", f"{spread}_total": "60 * (at / 300000 % 300)"}
        numbers |= {f"{spread}_lowest": "at / 300000 % 300", f"{spread}_highest": "at / 300000 % 300 + 50"}
    series = _series(300_000, sqlite=sqlite)
    connection.execute(
        text(
            f"INSERT INTO ece_widget_counts (entry_point, span, start, {', '.join(numbers)})"
            f" SELECT '{name}', 300, at, {', '.join(numbers.values())} FROM {series}"
        )
    )


def _changes(connection: Connection, name: str, *, sqlite: bool) -> None:
    series = _series(CHANGES_EVERY, sqlite=sqlite)
    connection.execute(
        text(
            "INSERT INTO ece_widget_changes (entry_point, at, state, reason)"
            f" SELECT '{name}', at, CASE at / {CHANGES_EVERY} % 2 WHEN 0 THEN 'available' ELSE 'unavailable' END,"
            f" CASE at / {CHANGES_EVERY} % 2 WHEN 0 THEN '' ELSE 'wait_too_long' END FROM {series}"
        )
    )


def _sum_up(connection: Connection, span: int) -> None:
    sums = [count_column(count) for count in COUNTS]
    sums += [f"{spread}_{part}" for spread in _SPREADS for part in ("samples", "total")]
    ends = [(f"{spread}_{part}", of) for spread in _SPREADS for part, of in (("lowest", "min"), ("highest", "max"))]
    names = ", ".join([*sums, *(name for name, _ in ends)])
    values = ", ".join([*(f"sum({name})" for name in sums), *(f"{of}({name})" for name, of in ends)])
    start = f"start / {span * 1000} * {span * 1000}"
    connection.execute(
        text(
            f"INSERT INTO ece_widget_counts (entry_point, span, start, {names})"
            f" SELECT entry_point, {span}, {start}, {values} FROM ece_widget_counts WHERE span = 300"
            f" GROUP BY entry_point, {start}"
        )
    )
