"""The same outbox on both databases, and a clock set by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.databases import Cluster, running_cluster
from tests.hand_clock import HandClock
from widget.domain.outbox import Answer, OutboxMessage
from widget.store.outbox import Outbox, open_outbox


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/outbox.db"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.new_database()


@pytest.fixture
async def outbox(url: str, clock: HandClock) -> AsyncIterator[Outbox]:
    outbox = await open_outbox(url, now=clock.now)
    yield outbox
    await outbox.close()


@pytest.fixture
def message() -> Callable[..., OutboxMessage]:
    return make_message


def make_message(number: int | str = 1, *, answer: str = "very good") -> OutboxMessage:
    """A message whose key and sid follow from its number."""
    return OutboxMessage(
        key=f"key-{number}",
        sid=f"1234_{number}",
        entry_point="sales",
        survey="after_chat",
        answers=(Answer("helpful", "How helpful was the agent?", "5"), Answer("comment", "Anything else?", answer)),
    )
