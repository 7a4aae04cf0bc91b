"""Two releases as processes on one database: beside each other, and back to the older one on the newer one's schema.

The newer one is this release with a version of its own and one migration more, which adds as every migration may.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.databases import running_cluster
from tests.fleet_processes import ROOT, FleetOfProcesses, Process, fleet_of_processes, get
from tests.store.test_schema import engine
from tests.waiting import wait_until
from widget.store.schema import HEAD, VERSION_TABLE

MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "9000", "{head}", None, None


def upgrade() -> None:
    op.add_column("ece_widget_outbox", sa.Column("colour", sa.Text, nullable=False, server_default="blue"))
    op.create_table("ece_widget_colours", sa.Column("name", sa.Text, primary_key=True))
    op.create_index("ece_widget_outbox_colour", "ece_widget_outbox", ["colour"])
"""
# The newer one fills its column by itself, as a release does for which it was added.
LAST = '    Column("queue_depth", BigInteger),\n'  # of the outbox first
COLUMN = LAST + '    Column("colour", Text, nullable=False, default="red", server_default="blue"),\n'


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("newer")
    for name in ("widget", "static", "templates"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    version = folder / "widget" / "__init__.py"
    version.write_text(version.read_text() + '\n__version__ = "99.0.0"\n')
    schema = folder / "widget" / "store" / "schema.py"
    changed = schema.read_text().replace(f'HEAD = "{HEAD}"', 'HEAD = "9000"')
    changed = changed.replace(LAST, COLUMN, 1)
    assert changed.count("9000") == changed.count("colour") == 1
    schema.write_text(changed)
    versions = folder / "widget" / "store" / "migrations" / "versions"
    (versions / "9000_colour.py").write_text(MIGRATION.format(head=HEAD))
    return folder


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/outbox.db"
    else:
        with running_cluster() as cluster:
            yield cluster.new_database()


def answer_survey(fleet: FleetOfProcesses, process: Process, sid: str) -> None:
    status, body, _ = get(process.port, fleet.survey_path(sid), method="POST", body="helpful=5")
    assert status in (200, 303), body


def rows(url: str) -> tuple[str, dict[str, int]]:
    """Return the schema's revision, and how many rows were delivered by colour."""
    maker = engine(url)
    with maker.connect() as connection:
        revision = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one()
        found = connection.execute(
            text("SELECT colour, count(*) FROM ece_widget_outbox WHERE state = 'delivered' GROUP BY colour")
        )
        colours = {str(colour): int(count) for colour, count in found}
    maker.dispose()
    return revision, colours


def test_an_older_release_works_beside_a_newer_one_and_again_after_it(url: str, newer: Path, tmp_path: Path) -> None:
    with fleet_of_processes(tmp_path, members=2, storage_url=url, delivery=True) as fleet:
        older, upgraded = fleet.members
        answer_survey(fleet, older, "before")
        assert upgraded.stop() == 0
        arguments = upgraded.command[upgraded.command.index("-m") + 2 :]
        start = f"import sys; sys.path.insert(0, {str(newer)!r}); from widget.cli import main; main()"
        upgraded.command = [sys.executable, "-c", start, *arguments]
        upgraded.start()
        assert '"version": "99.0.0"' in upgraded.log.read_text()

        for number in range(3):  # beside each other
            answer_survey(fleet, older, f"old-{number}")
            answer_survey(fleet, upgraded, f"new-{number}")
        wait_until(lambda: rows(url) == ("9000", {"blue": 4, "red": 3}), "all are delivered", older.log)

        assert upgraded.stop() == 0  # and back
        assert older.restart() == 0
        assert "schema_is_newer" in older.log.read_text()
        assert get(older.port, "/readyz")[0] == 200
        answer_survey(fleet, older, "back")
        answer_survey(fleet, older, "new-1")  # answered at the newer one: thanked again, stored once
        wait_until(lambda: rows(url) == ("9000", {"blue": 5, "red": 3}), "the last is delivered", older.log)
