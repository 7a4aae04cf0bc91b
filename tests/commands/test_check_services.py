"""`check` opens the storage and the shared server: what it tells, what it finds wrong, and that it changes nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, text

from tests.commands.test_check import Ece, config, ece
from tests.databases import Cluster, running_cluster
from tests.ports import free_port
from tests.shared_server import SharedServerProcess, running_shared_server
from tests.store.test_schema import engine
from widget.cli import main
from widget.store.choose import choose_database
from widget.store.schema import HEAD, VERSION_TABLE, outbox

__all__ = ["Ece", "config", "ece"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


def run(config: Path, *arguments: str, storage: str = "", shared: str = "") -> Result:
    environ = {"ECE_WIDGET_STORAGE__URL": storage, "ECE_WIDGET_SHARED__URL": shared}
    given = {name: value for name, value in environ.items() if value}
    return CliRunner().invoke(main, ["check", "--config", str(config), *arguments], env=given)


def as_json(config: Path, **urls: str) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(run(config, "--json", **urls).stdout)
    return table


def prepared(url: str) -> str:
    database = choose_database(url)
    database.prepare()
    database.dispose()
    return url


def execute(url: str, *statements: str) -> None:
    maker = engine(url)
    with maker.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    maker.dispose()


def row_for(key: str, destination: str) -> dict[str, Any]:
    """Return a message that waits, as the table has it."""
    moments = dict.fromkeys(("next_attempt_at", "accepted_at", "waiting_since"), 1)
    row = {"key": key, "state": "pending", "destination": destination, "attempts": 0, "kind": "message"}
    return row | moments | {"entry_point": "sales", "survey": "", "sid": "ada@example.com", "answers": "[]"}


def test_a_file_that_the_first_start_makes_is_well_and_is_not_made(config: Path) -> None:
    before = sorted(config.parent.iterdir())
    result = run(config)
    assert result.exit_code == 0, result.output
    assert f"storage: SQLite; no tables yet, the first start makes those of schema {HEAD}" in result.output
    assert sorted(config.parent.iterdir()) == before


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
@pytest.mark.parametrize(
    ("revision", "said"),
    [
        (HEAD, f"schema {HEAD}; every right"),
        ("0000", f"schema 0000, which the next start brings to {HEAD}; every right"),
        ("9999", "schema 9999 of a later release, which is used as it is; every right"),
    ],
)
def test_the_schema_and_the_rights_are_told_and_left_as_they_are(
    config: Path, request: pytest.FixtureRequest, kind: str, revision: str, said: str
) -> None:
    empty = f"sqlite:///{config.parent}/outbox.db" if kind == "sqlite" else request.getfixturevalue("cluster")
    url = prepared(empty if isinstance(empty, str) else empty.new_database())
    execute(url, f"UPDATE {VERSION_TABLE} SET version_num = '{revision}'")
    result = run(config, storage=url)
    assert result.exit_code == 0, result.output
    assert said in result.output
    table = as_json(config, storage=url)
    assert (table["allWell"], table["storage"]["schema"], table["storage"]["newestSchema"]) == (True, revision, HEAD)
    assert table["storage"]["findings"] == []


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_rows_whose_destination_is_not_in_the_settings_are_wrong(
    config: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    file = f"sqlite:///{config.parent}/outbox.db"
    url = prepared(file if kind == "sqlite" else request.getfixturevalue("cluster").new_database())
    maker = engine(url)
    rows = [row_for("a", "ece"), row_for("b", "webhooks.old"), row_for("c", "webhooks.old")]
    with maker.begin() as connection:
        connection.execute(insert(outbox), rows)
    maker.dispose()
    result = run(config, storage=url)
    assert result.exit_code == 1
    said = " ".join(result.output.split())
    assert "2 rows wait for webhooks.old, which is not in the settings" in said
    assert "Write [webhooks.old] again" in said
    assert "for ece" not in said


@pytest.mark.postgres
def test_an_empty_database_stays_empty(config: Path, cluster: Cluster) -> None:
    url = cluster.new_database()
    result = run(config, storage=url)
    assert result.exit_code == 0, result.output
    assert "storage: PostgreSQL " in result.output
    assert "no tables yet" in result.output
    assert "ece_widget" not in cluster.dump(url)


@pytest.fixture
def reader(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """A prepared database as its owner, and as a user who may do nothing in it but log in."""
    owner = prepared(cluster.new_database())
    execute(owner, "CREATE ROLE reader LOGIN")
    yield owner, owner.replace("postgres@", "reader@")
    execute(owner, "DROP OWNED BY reader", "DROP ROLE reader")


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("granted", "revision", "lacking"),
    [
        ("SELECT, INSERT, UPDATE", HEAD, "DELETE on ece_widget_outbox"),
        ("SELECT, DELETE", HEAD, "INSERT on ece_widget_outbox, UPDATE on ece_widget_outbox"),
        ("SELECT, INSERT, UPDATE, DELETE", "0000", "ownership of ece_widget_outbox"),
        ("SELECT, INSERT, UPDATE, DELETE", HEAD, ""),
    ],
)
def test_a_right_that_is_missing_is_named_with_its_table(
    config: Path, reader: tuple[str, str], granted: str, revision: str, lacking: str
) -> None:
    owner, url = reader
    execute(
        owner,
        f"GRANT {granted} ON ALL TABLES IN SCHEMA public TO reader",
        f"UPDATE {VERSION_TABLE} SET version_num = '{revision}'",
    )
    result = run(config, storage=url)
    assert result.exit_code == (1 if lacking else 0), result.output
    assert ("its user lacks" in result.output, lacking in result.output) == (bool(lacking), True)


@pytest.mark.postgres
def test_a_user_who_may_make_no_tables_is_told(config: Path, cluster: Cluster) -> None:
    url = cluster.new_database()
    execute(url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC", "CREATE ROLE guest LOGIN")
    result = run(config, storage=url.replace("postgres@", "guest@"))
    assert result.exit_code == 1
    assert "its user lacks CREATE in the schema" in result.output


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("postgres@", "nobody@"), "storage: the database server"),
        (("/test", "/no_such_database"), "storage: the database"),
        (("?host=/", "?host=/nowhere/"), "storage: the "),
    ],
)
def test_a_database_that_does_not_let_us_in_is_not_well_and_no_secret_is_said(
    config: Path, cluster: Cluster, change: tuple[str, str], said: str
) -> None:
    url = cluster.new_database().replace(*change).replace("@/", ":hunter2@/")
    result = run(config, storage=url)
    assert result.exit_code == 1
    assert f"Wrong: {said}" in result.output
    assert "All well" not in result.output
    assert "hunter2" not in result.output
    table = as_json(config, storage=url)
    assert table["allWell"] is False
    assert table["storage"]["findings"][0]["severity"] == "wrong"


@pytest.mark.postgres
def test_a_database_that_only_reads_is_not_well(config: Path, cluster: Cluster) -> None:
    url = prepared(cluster.new_database())
    execute(
        url,
        "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on',"
        " current_database()); END$$",
    )
    result = run(config, storage=url)
    assert result.exit_code == 1
    assert "read-only" in result.output


@pytest.mark.parametrize(
    ("content", "said"), [(b"a letter, no database\n" * 100, "is no SQLite database"), (None, "names a folder")]
)
def test_a_file_that_cannot_be_used_is_not_well_and_is_left_as_it_is(
    config: Path, content: bytes | None, said: str
) -> None:
    path = config.parent / "letter.db"
    path.mkdir() if content is None else path.write_bytes(content)
    result = run(config, storage=f"sqlite:///{path}")
    assert result.exit_code == 1
    assert said in result.output
    assert content is None or path.read_bytes() == content


def test_a_shared_server_is_tried_by_a_script(config: Path) -> None:
    with running_shared_server() as server:
        result = run(config, shared=server.url)
        assert result.exit_code == 0, result.output
        assert "shared: scripts run" in result.output
        assert as_json(config, shared=server.url)["shared"]["findings"] == []


def test_a_shared_server_that_is_dead_is_not_well(config: Path) -> None:
    url = f"redis://:hunter2@127.0.0.1:{free_port()}/0"
    result = run(config, shared=url)
    assert result.exit_code == 1
    assert "Wrong: shared: the shared server does not answer" in result.output
    assert "hunter2" not in result.output
    table = as_json(config, shared=url)
    assert (table["allWell"], table["shared"]["findings"][0]["severity"]) == (False, "wrong")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--requirepass", "x"], "refuses the user or password"),
        (["--rename-command", "EVALSHA", ""], "forbids scripts"),
    ],
)
def test_a_shared_server_that_cannot_be_used_is_not_well(config: Path, options: list[str], said: str) -> None:
    server = SharedServerProcess(options=options)
    server.start()
    try:
        result = run(config, shared=server.url)
    finally:
        server.stop()
    assert result.exit_code == 1
    assert f"Wrong: shared: the shared server {said}" in result.output


@pytest.mark.parametrize("arguments", [[], ["--offline"], ["--json"]])
@pytest.mark.parametrize(
    ("library", "urls", "said"),
    [
        ("psycopg", {"storage": "postgresql://u:hunter2@h/d"}, "pip install 'ece-widget[postgres]'"),
        ("redis", {"shared": "redis://:hunter2@h/0"}, "pip install 'ece-widget[shared]'"),
    ],
)
def test_a_driver_that_is_missing_is_a_fault_of_the_settings(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    library: str,
    urls: dict[str, str],
    said: str,
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    result = run(config, *arguments, **urls)
    assert result.exit_code == 2
    assert said in result.output
    assert "hunter2" not in result.output


@pytest.mark.parametrize(
    "url", ["mysql://root:hunter2@db/x", "sqlite:///:memory:", "no address hunter2", "oracle+x://hunter2"]
)
def test_an_address_that_is_no_known_database_is_a_fault_of_the_settings(config: Path, url: str) -> None:
    result = run(config, "--offline", storage=url)
    assert result.exit_code == 2
    assert "storage.url" in result.output
    assert "hunter2" not in result.output


def test_offline_asks_neither_storage_nor_shared_server(config: Path) -> None:
    urls = {"storage": "postgresql://nobody.invalid/x", "shared": "redis://nobody.invalid/0"}
    assert run(config, "--offline", **urls).exit_code == 0


@pytest.mark.parametrize("arguments", [[], ["--offline"], ["--json"], ["--offline", "--json"]])
def test_holidays_that_have_all_passed_are_told(config: Path, arguments: list[str]) -> None:
    hours = (
        '\n[entry_points.sales.hours]\ntimezone = "Europe/Berlin"\nmonday = ["08:00-18:00"]\nclosed = ["2020-12-25"]\n'
    )
    config.write_text(config.read_text() + hours)
    result = run(config, *arguments)
    assert "every day of closed and special has passed, the last was 2020-12-25" in result.output
    assert result.exit_code == 0, result.output
