"""The results of a million surveys over a year: how long the first page takes, and what memory it needs."""

from __future__ import annotations

import asyncio
import random
import resource
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.figures import Figure, at_most
from tests.databases import running_cluster
from widget.application.results import Results, Search
from widget.domain.asked import Chosen, QuestionVersion
from widget.domain.outbox import Answer, OutboxMessage, QueueThen
from widget.domain.results import Scope
from widget.domain.survey import Kind
from widget.store import accepting
from widget.store.choose import choose_database
from widget.store.history import HistoryStore
from widget.store.outbox import open_outbox
from widget.store.results import ResultsStore

SURVEYS, DAYS, BATCH, TIMES = 1_000_000, 365, 2_000, 5
LONGEST = 1000.0  # milliseconds
MOST_MEMORY = 64.0  # MiB above what was there before
END = datetime(2026, 11, 28, tzinfo=UTC)
PLACES = [f"entry_point_{at}" for at in range(5)]
LANGUAGES = ["en", "de", "fr"]
HELPFUL = QuestionVersion(
    "after_chat", "helpful", Kind.RATING, "Helpful?", tuple((str(n), str(n)) for n in range(1, 6))
)
AGAIN = QuestionVersion("after_chat", "again", Kind.NPS, "Again?", tuple((str(n), str(n)) for n in range(11)), 1)
COMMENT = QuestionVersion("after_chat", "comment", Kind.TEXT, "Anything else?", (), 2)


def measure(folder: Path) -> Iterator[Figure]:
    """Fill each database, then show the first page of the whole year, and search for a word that nobody wrote."""
    yield from _pages(f"sqlite:///{folder}/results.db", "SQLite")
    with running_cluster() as cluster:
        yield from _pages(cluster.new_database(), "PostgreSQL")


def _pages(url: str, database: str) -> Iterator[Figure]:
    _fill(url)
    results = Results(ResultsStore(HistoryStore(url)), {})
    year = Scope("after_chat", END.date() - timedelta(days=DAYS), END.date() + timedelta(days=1))

    async def first_page() -> None:
        await results.report(year)
        await results.find(year, Search())

    async def in_vain() -> None:
        await results.find(year, Search("a word that nobody wrote"))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, read in (("the first page of a year", first_page), ("a search in vain", in_vain)):
        times = []
        for _ in range(TIMES):
            begun = time.perf_counter()
            asyncio.run(read())
            times.append(1000 * (time.perf_counter() - begun))
        yield at_most(f"{database}: {name}", statistics.median(times), LONGEST, " ms")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    yield at_most(f"{database}: memory for them", grown, MOST_MEMORY, " MiB")


def _fill(url: str) -> None:
    async def made() -> None:
        await (await open_outbox(url, now=lambda: END)).close()

    asyncio.run(made())
    database, chance = choose_database(url), random.Random(7)
    with database.connect() as connection:
        for start in range(0, SURVEYS, BATCH):
            with connection.begin():
                accepting.enqueue(connection, [_survey(start + each, chance) for each in range(BATCH)])
    database.dispose()


def _survey(number: int, chance: random.Random) -> tuple[OutboxMessage, None, datetime]:
    rating, again = str(chance.randint(1, 5)), str(chance.randint(0, 10))
    at = END - timedelta(days=DAYS) * (1 - number / SURVEYS)
    message = OutboxMessage(
        key=f"key-{number}",
        sid=f"sid-{number}",
        entry_point=chance.choice(PLACES),
        survey="after_chat",
        answers=(
            Answer("helpful", HELPFUL.text, rating),
            Answer("again", AGAIN.text, again),
            Answer("comment", COMMENT.text, f"Comment number {number}, as long as people write them here"),
        ),
        chosen=(Chosen(HELPFUL, (rating,)), Chosen(AGAIN, (again,)), Chosen(COMMENT, ())),
        language=chance.choice(LANGUAGES),
        queue=QueueThen(chance.randrange(600), chance.randrange(10)),
    )
    return message, None, at
