"""Migrations, other people's files, and old libraries."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from widget.domain.outbox import OutboxMessage
from widget.store.choose import choose_database
from widget.store.faults import StoreRefused
from widget.store.migrate import MIGRATIONS, migrate, upgrade, version
from widget.store.outbox import open_outbox
from widget.store.schema import HEAD, VERSION_TABLE, metadata
from widget.store.sqlite import SqliteDatabase, choose_driver
from widget.store.trial import try_storage

pytestmark = pytest.mark.anyio

Make = Callable[..., OutboxMessage]


def engine(url: str) -> Any:
    # The same SQLite library as the product's: two in one process would drop each other's locks.
    library = {"module": choose_driver()} if url.startswith("sqlite") else {}
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool, **library)


def test_the_newest_migration_is_the_one_the_code_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_prepared_database_has_exactly_the_tables_of_the_schema(url: str) -> None:
    database = choose_database(url)
    database.prepare()
    with database.connect() as connection, connection.begin():
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_a_new_file_is_made_as_the_migrations_would_make_it(tmp_path: Path) -> None:
    def described(connection: Connection) -> dict[str, Any]:
        found = inspect(connection)
        bare = text("SELECT name FROM pragma_table_list WHERE wr")
        return {"without row numbers": sorted(connection.scalars(bare))} | {
            table: {
                "columns": {each["name"]: {**each, "type": str(each["type"])} for each in found.get_columns(table)},
                "key": found.get_pk_constraint(table)["constrained_columns"],
                "unique": sorted(each["column_names"] for each in found.get_unique_constraints(table)),
                "indexes": {
                    each["name"]: (each["column_names"], str(each["dialect_options"].get("sqlite_where")))
                    for each in found.get_indexes(table)
                },
            }
            for table in found.get_table_names()
        }

    at_once, step_by_step = (engine(f"sqlite:///{tmp_path}/{name}.db") for name in ("at_once", "step_by_step"))
    with at_once.begin() as connection:
        migrate(connection)
        made = described(connection)
        assert version(connection) == HEAD
    with step_by_step.begin() as connection:
        upgrade(connection, None)
        assert made == described(connection)


def test_migrations_only_add_so_that_the_release_before_goes_on_working() -> None:
    scripts = list((MIGRATIONS / "versions").glob("*.py"))
    assert len(scripts) >= int(HEAD)
    for script in scripts:
        words = script.read_text()
        for verb in ("drop_", "alter_column", "rename_table", "batch_alter_table", "execute("):
            assert verb not in words, f"{script.name} changes what an older release relies on"


async def test_a_migration_that_was_interrupted_half_way_is_made_whole(url: str, clock: Any, message: Make) -> None:
    def break_off() -> None:
        from widget.store import migrate as module

        database = choose_database(url)
        if isinstance(database, SqliteDatabase):
            database.path.touch()
        with database._engine.connect() as connection:
            connection.begin()
            module.migrate(connection)
            connection.rollback()  # what a kill leaves to the database's own recovery

    await asyncio.to_thread(break_off)
    outbox = await open_outbox(url, now=clock.now)
    assert await outbox.enqueue(message()) is True
    await outbox.close()


async def test_many_processes_that_start_at_once_migrate_once(url: str, clock: Any, message: Make) -> None:
    all_of_them = await asyncio.gather(*[open_outbox(url, now=clock.now) for _ in range(6)])
    outcomes = [await each.enqueue(message(n)) for n, each in enumerate(all_of_them)]
    assert outcomes == [True] * 6
    assert len({await each.hash_key() for each in all_of_them}) == 1
    for each in all_of_them:
        await each.close()


async def test_this_release_works_on_the_schema_of_a_later_one(url: str, clock: Any, message: Make) -> None:
    outbox = await open_outbox(url, now=clock.now)

    def later_release() -> None:
        with engine(url).begin() as connection:
            connection.execute(text("ALTER TABLE ece_widget_outbox ADD COLUMN colour text DEFAULT 'blue'"))
            connection.execute(text("CREATE TABLE ece_widget_later (id integer)"))
            connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))

    await asyncio.to_thread(later_release)
    assert await outbox.enqueue(message(1)) is True, "one that runs goes on"
    await outbox.close()
    again = await open_outbox(url, now=clock.now)
    assert await again.enqueue(message(2)) is True, "one that starts does too"
    assert await again.ready() is None
    await again.close()


@pytest.mark.parametrize(
    "content", [b"this is a letter, not a database\n" * 100, b"SQLite format 3\0" + b"\xff" * 4096]
)
async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(
    tmp_path: Path, clock: Any, content: bytes
) -> None:
    path = tmp_path / "letter.db"
    path.write_bytes(content)
    with pytest.raises(StoreRefused, match=r"letter\.db is no SQLite database, or a damaged one\. It was left"):
        await open_outbox(f"sqlite:///{path}", now=clock.now)
    assert path.read_bytes() == content
    assert [each.name for each in tmp_path.iterdir()] == ["letter.db"]


async def test_a_folder_in_the_place_of_the_file_is_refused_by_the_name_of_the_setting(
    tmp_path: Path, clock: Any
) -> None:
    with pytest.raises(StoreRefused) as refusal:
        await open_outbox(f"sqlite:///{tmp_path}", now=clock.now)
    assert str(refusal.value) == f"[storage] url names a folder, {tmp_path}; let it name a file in it."


async def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path, clock: Any) -> None:
    path = tmp_path / "books.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE books (title text)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreRefused, match="of another program"):
        await open_outbox(f"sqlite:///{path}", now=clock.now)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite://", "must name a file"),
        ("mysql://root:secret@db/x", "sqlite:/// and postgresql://"),
        ("no address secret", "is no address"),
        ("sqlite:////nowhere/at/all/x.db", "folder of .* does not exist: /nowhere/at/all"),
    ],
)
async def test_an_address_that_cannot_be_used_is_refused_in_one_sentence(url: str, words: str, clock: Any) -> None:
    with pytest.raises(StoreRefused, match=words) as refusal:
        await open_outbox(url, now=clock.now)
    assert "secret" not in str(refusal.value)


def library(version: str) -> Any:
    """Return this machine's SQLite under the name of another version."""
    driver = choose_driver()
    names = {name: getattr(driver, name) for name in dir(driver)}
    numbers = tuple(int(number) for number in version.split("."))
    return SimpleNamespace(**(names | {"sqlite_version_info": numbers, "sqlite_version": version}))


def old_library() -> Any:
    """Return it as a version with the corruption bug."""
    return library("3.51.2")


def mode_of(path: Path) -> str:
    database = SqliteDatabase(path)
    with database._engine.connect() as connection:
        return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())


@pytest.mark.parametrize(
    ("version", "mode"),
    [("3.34.1", "delete"), ("3.51.2", "delete"), ("3.51.3", "wal"), ("3.52.0", "wal"), ("4.0.0", "wal")],
)
def test_the_journal_follows_the_version_and_an_old_one_is_told_once_in_a_sentence(
    tmp_path: Path, log_lines: io.StringIO, version: str, mode: str
) -> None:
    database = SqliteDatabase(tmp_path / "outbox.db", driver=library(version))
    database.prepare()
    with database.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == mode
    told = [
        line["note"] for line in map(json.loads, log_lines.getvalue().splitlines()) if "without_wal" in line["event"]
    ]
    assert told == ([] if mode == "wal" else [database.caution])
    assert try_storage(database).caution == database.caution
    assert mode == "wal" or f"SQLite {version} can damage a database in WAL mode" in told[0]


def test_without_the_package_that_carries_a_newer_sqlite_the_interpreters_own_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pysqlite3.dbapi2", None)
    assert choose_driver() is sqlite3.dbapi2


def test_an_old_sqlite_gets_a_rollback_journal_also_on_a_file_that_had_a_wal(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    SqliteDatabase(path).prepare()
    assert mode_of(path) == "wal"
    old = SqliteDatabase(path, driver=old_library())
    old.prepare()
    with old.connect() as connection:
        old.prove()
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_an_old_sqlite_refuses_a_wal_that_another_program_keeps_open(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    new = SqliteDatabase(path)
    new.prepare()
    with new.connect(), pytest.raises((StoreRefused, Exception)) as refusal:
        SqliteDatabase(path, driver=old_library()).prepare()
    assert "journal mode" in str(refusal.value) or "locked" in str(refusal.value)


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    database = SqliteDatabase(path)
    database.prepare()
    with database.connect() as connection:
        assert path.stat().st_mode & 0o077 == 0
        assert path.with_name("outbox.db-wal").stat().st_mode & 0o077 == 0
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("secure_delete", 1)):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
