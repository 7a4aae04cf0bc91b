"""A database that fails while it is in use: nothing is promised, the reason is named, and it comes back by itself."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import os
import resource
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pysqlite3 import dbapi2
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from tests.databases import Cluster
from tests.ports import free_port
from tests.store.test_schema import engine
from widget.domain.errors import OutboxUnavailable
from widget.domain.outbox import MessageState, OutboxMessage
from widget.store.choose import choose_database
from widget.store.faults import STORE_ERRORS, in_words
from widget.store.outbox import Outbox, open_outbox
from widget.store.postgres import LOCK_SECONDS, STATEMENT_SECONDS, PostgresDatabase
from widget.store.sqlite import BUSY_SECONDS, SqliteDatabase

pytestmark = pytest.mark.anyio

Make = Callable[..., OutboxMessage]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
async def outbox(path: Path, clock: Any) -> AsyncIterator[Outbox]:
    outbox = await open_outbox(f"sqlite:///{path}", now=clock.now)
    yield outbox
    await outbox.close()


async def refused(outbox: Outbox, clock: Any, message: OutboxMessage) -> str:
    with pytest.raises(OutboxUnavailable):
        await outbox.enqueue(message)
    clock.passes(seconds=2)
    reason = await outbox.ready()
    assert reason is not None
    return reason


async def well(outbox: Outbox, clock: Any, message: OutboxMessage) -> None:
    """Within five seconds after the fault, without a restart."""
    clock.passes(seconds=2)
    assert await outbox.enqueue(message) is True
    assert await outbox.ready() is None


async def test_a_removed_file_takes_no_promise_and_comes_back_with_the_file(
    outbox: Outbox, path: Path, clock: Any, message: Make
) -> None:
    await outbox.enqueue(message(1))
    path.rename(path.with_suffix(".away"))
    assert await refused(outbox, clock, message(2)) == "the database file was removed or replaced"
    assert await refused(outbox, clock, message(2)) == "the database file was removed or replaced"
    assert not path.exists(), "a new empty file would forget what the old one promised"
    path.with_suffix(".away").rename(path)
    await well(outbox, clock, message(2))
    assert (await outbox.counts()).by_state[MessageState.PENDING] == 2


async def test_a_removed_journal_takes_no_promise_and_loses_none(
    outbox: Outbox, path: Path, clock: Any, message: Make
) -> None:
    await outbox.enqueue(message(1))
    path.with_name(path.name + "-wal").unlink()
    with pytest.raises(OutboxUnavailable, match="removed or replaced"):
        await outbox.enqueue(message(2))
    await well(outbox, clock, message(3))
    assert await outbox.enqueue(message(1)) is False, "what was promised before is still there"


async def test_another_file_of_the_same_name_takes_no_promise(
    outbox: Outbox, path: Path, clock: Any, message: Make
) -> None:
    path.rename(path.with_suffix(".away"))
    path.touch()
    assert "replaced" in await refused(outbox, clock, message(1))
    assert "replaced" in await refused(outbox, clock, message(1))
    assert path.stat().st_size == 0, "and is left as it is"


@contextmanager
def disk_takes_no_more() -> Iterator[None]:
    """Let no file of this process grow beyond 8 KiB: a write past it fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_disk_that_takes_no_more_loses_nothing(outbox: Outbox, clock: Any, message: Make) -> None:
    await outbox.enqueue(message(1))
    with disk_takes_no_more():
        assert await refused(outbox, clock, message(2)) in (
            "the disk is full",
            "the disk failed to read or write",
            "the database file cannot be opened",
        )
    await well(outbox, clock, message(2))
    assert (await outbox.counts()).by_state[MessageState.PENDING] == 2


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EROFS, "the file system is read-only"),
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EIO, "the disk failed to read or write"),
    ],
)
async def test_what_the_system_refuses_is_named_for_what_it_is(number: int, words: str) -> None:
    assert in_words(OSError(number, os.strerror(number), "/secret/place")) == words


async def test_a_lock_of_another_program_is_waited_for_with_a_bound(path: Path, clock: Any, message: Make) -> None:
    assert BUSY_SECONDS <= 5, "a visitor waits for it"
    outbox = Outbox(await asyncio.to_thread(SqliteDatabase, path, busy_seconds=0.5), now=clock.now)
    await outbox.open()
    other = await asyncio.to_thread(dbapi2.connect, str(path), isolation_level=None, check_same_thread=False)
    await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
    loop = asyncio.get_running_loop()
    begun = loop.time()
    outcomes = await asyncio.gather(*[outbox.enqueue(message(n)) for n in range(10)], return_exceptions=True)
    assert all(isinstance(each, OutboxUnavailable) for each in outcomes)
    assert 0.5 <= loop.time() - begun < 4.0, "ten waits did not add up"
    waiting = asyncio.create_task(outbox.enqueue(message(11)))
    loop.call_later(0.1, lambda: loop.run_in_executor(None, other.rollback))
    assert await waiting is True, "a short lock only takes a little longer"
    await asyncio.to_thread(other.close)
    await well(outbox, clock, message(12))
    await outbox.close()


async def test_a_file_damaged_meanwhile_takes_no_promise_and_is_named(
    outbox: Outbox, path: Path, clock: Any, message: Make
) -> None:
    await asyncio.gather(*[outbox.enqueue(message(n, answer="x" * 500)) for n in range(500)])
    away = path.with_suffix(".away")
    path.rename(away)
    assert "removed" in await refused(outbox, clock, message(1000))
    away.write_bytes(os.urandom(away.stat().st_size))
    path.with_name(path.name + "-wal").write_bytes(b"")
    away.rename(path)
    assert await refused(outbox, clock, message(1000)) == "the database file is damaged"


async def test_an_error_of_one_moment_is_each_waiters_own(outbox: Outbox, path: Path, message: Make) -> None:
    path.rename(path.with_suffix(".away"))
    outcomes = await asyncio.gather(*[outbox.enqueue(message(n)) for n in range(3)], return_exceptions=True)
    assert len({id(each) for each in outcomes}) == 3


GONE = ("the socket of the database server is not there", "the database server cannot be reached")


@pytest.mark.postgres
async def test_a_restarted_server_is_found_again(cluster: Cluster, clock: Any, message: Make) -> None:
    outbox = await open_outbox(await asyncio.to_thread(cluster.new_database), now=clock.now)
    await outbox.enqueue(message(1))
    await asyncio.to_thread(cluster.stop)
    assert await refused(outbox, clock, message(2)) in GONE
    await asyncio.to_thread(cluster.start)
    await well(outbox, clock, message(2))
    await asyncio.to_thread(cluster.stop)
    await asyncio.to_thread(cluster.start)
    assert await outbox.enqueue(message(3)) is True, "a connection that died while idle is replaced unseen"
    await outbox.close()


@pytest.mark.postgres
async def test_a_start_without_the_server_waits_for_it(cluster: Cluster, clock: Any, message: Make) -> None:
    url = await asyncio.to_thread(cluster.new_database)
    await asyncio.to_thread(cluster.stop)
    outbox = await open_outbox(url, now=clock.now)
    assert await outbox.ready() in GONE
    with pytest.raises(OutboxUnavailable):
        await outbox.hash_key()
    await asyncio.to_thread(cluster.start)
    await well(outbox, clock, message(1))
    assert len(await outbox.hash_key()) == 32
    await outbox.close()


async def test_a_start_waits_no_longer_than_it_says_for_a_database_that_is_prepared_meanwhile(
    path: Path, clock: Any, message: Make, log_lines: io.StringIO
) -> None:
    go_on = threading.Event()

    class Migrated(SqliteDatabase):
        def prepare(self) -> None:
            go_on.wait(30)
            super().prepare()

    outbox = Outbox(await asyncio.to_thread(Migrated, path), now=clock.now)
    await outbox.open(within=0.0)
    assert not path.exists()
    assert '"event": "storage_still_opening"' in log_lines.getvalue()
    go_on.set()
    await well(outbox, clock, message(1))
    await outbox.close()


async def impatient(url: str, clock: Any) -> Outbox:
    """Return an outbox that waits less for PostgreSQL than a server would."""
    database = await asyncio.to_thread(PostgresDatabase, make_url(url), statement_seconds=0.6, lock_seconds=0.4)
    outbox = Outbox(database, now=clock.now)
    await outbox.open()
    return outbox


@pytest.mark.postgres
@pytest.mark.parametrize("why", ["a statement that takes too long", "a lock that another holds"])
async def test_a_statement_whose_time_is_over_fails_alone(
    cluster: Cluster, clock: Any, message: Make, why: str
) -> None:
    url = await asyncio.to_thread(cluster.new_database)
    outbox = await impatient(url, clock)
    maker = engine(url)

    def slow_down() -> Any:
        connection = maker.connect()
        if why.startswith("a statement"):
            connection.exec_driver_sql(
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN IF NEW.key = 'key-3' THEN PERFORM pg_sleep(30); END IF; RETURN NEW; END $$"
            )
            connection.exec_driver_sql(
                "CREATE TRIGGER slow BEFORE INSERT ON ece_widget_outbox FOR EACH ROW EXECUTE FUNCTION slow()"
            )
            connection.commit()
        else:
            connection.exec_driver_sql(
                "INSERT INTO ece_widget_outbox"
                " (key, entry_point, survey, state, attempts, next_attempt_at, accepted_at, waiting_since)"
                " VALUES ('key-3', '', '', 'purged', 0, 0, 0, 0)"
            )
        return connection

    connection = await asyncio.to_thread(slow_down)
    outcomes = await asyncio.gather(*[outbox.enqueue(message(n)) for n in range(8)], return_exceptions=True)
    assert isinstance(outcomes[3], OutboxUnavailable)
    assert [outcome for n, outcome in enumerate(outcomes) if n != 3] == [True] * 7
    clock.passes(2)
    assert await outbox.ready() is None
    await asyncio.to_thread(connection.close)
    maker.dispose()
    await outbox.close()


@pytest.mark.postgres
async def test_a_database_that_is_slow_for_everybody_lets_nobody_wait_for_long(
    cluster: Cluster, clock: Any, message: Make
) -> None:
    assert LOCK_SECONDS < STATEMENT_SECONDS <= 3, "a visitor waits for it"
    url = await asyncio.to_thread(cluster.new_database)
    outbox = await impatient(url, clock)
    maker = engine(url)
    connection = await asyncio.to_thread(maker.connect)
    await asyncio.to_thread(connection.exec_driver_sql, "LOCK TABLE ece_widget_outbox IN EXCLUSIVE MODE")
    loop = asyncio.get_running_loop()
    begun = loop.time()
    outcomes = await asyncio.gather(*[outbox.enqueue(message(n)) for n in range(50)], return_exceptions=True)
    assert all(isinstance(outcome, OutboxUnavailable) for outcome in outcomes)
    assert loop.time() - begun < 6.0, "fifty waits did not add up"
    await asyncio.to_thread(connection.close)
    await well(outbox, clock, message(1))
    maker.dispose()
    await outbox.close()


def admin(cluster: Cluster, statement: str) -> None:
    maker = create_engine(f"postgresql+psycopg://postgres@/postgres?host={cluster.folder}", poolclass=NullPool)
    with maker.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(statement)
    maker.dispose()


class Stranger:
    """A server at an address of its own that gives one answer to whoever connects, or none."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._held: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.recv(100)
                self._held.append(connection)
                if self._answer:
                    connection.sendall(self._answer)

    def close(self) -> None:
        self._listener.close()
        for each in self._held:
            each.close()


@pytest.mark.postgres
def test_every_fault_of_a_server_has_a_sentence_of_its_own(cluster: Cluster) -> None:
    folder, url = cluster.folder, cluster.new_database()
    name = url.split("/")[3].split("?")[0]
    without_tls, silent = Stranger(b"N"), Stranger(b"")
    cluster.let_in_by_password("guarded")
    for statement in (
        "CREATE ROLE guarded LOGIN PASSWORD 'right'",
        "CREATE ROLE crowded LOGIN CONNECTION LIMIT 0",
        "CREATE DATABASE standby",
        "ALTER DATABASE standby SET default_transaction_read_only = on",
    ):
        admin(cluster, statement)
    ours, elsewhere = f"@/{name}?host={folder}", "x@127.0.0.1"
    tls = f"{elsewhere}:{without_tls.port}/x?sslmode=require"
    sentences = {
        f"guarded:wrong{ours}": "the database server refused the password",
        f"guarded{ours}": "the database server wants a password, and [storage] url has none",
        f"stranger{ours}": "the database server refused the user",
        f"crowded{ours}": "the database server has too many connections",
        f"postgres@/nowhere?host={folder}": "the database does not exist on its server",
        f"postgres@/standby?host={folder}": "the database is read-only, as on a standby server",
        f"x@/x?host={folder}/nowhere": "the socket of the database server is not there",
        "x@no-such-host.invalid/x": "the name of the database server is unknown",
        f"{elsewhere}:{free_port()}/x": "the database server refuses connections: nothing listens at its address",
        tls: "the database server speaks no TLS, and sslmode asks for it",
        f"{elsewhere}:{silent.port}/x?connect_timeout=2": "the database server does not answer",
    }
    for address, sentence in sentences.items():
        with pytest.raises(STORE_ERRORS) as failure:
            choose_database(f"postgresql://{address}").prepare()
        assert in_words(failure.value) == sentence, address
    assert len(set(sentences.values())) == len(sentences)
    without_tls.close()
    silent.close()
