"""Bring a database to the newest schema: at start, inside the caller's transaction and under its lock.

An interrupted run leaves nothing behind, since both databases roll back table changes too.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, select

from widget import telemetry
from widget.store.schema import HEAD, VERSION_TABLE, metadata, versions

MIGRATIONS = Path(__file__).parent / "migrations"

log = telemetry.logger()


def version(connection: Connection) -> str | None:
    """Return the revision of the schema, or None where there is none of ours yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(select(versions.c.version_num)).scalar()
    return found


def migrate(connection: Connection) -> None:
    """Upgrade to `HEAD` inside the running transaction; a schema newer than this release is used as it is.

    A newer one means that a later release was started on this database. Its migrations only added, so this release
    goes on working beside it (a rolling upgrade) or after it (a way back).
    """
    found = version(connection)
    if found == HEAD:
        return
    # A new file gets the tables at once, without Alembic: a start on one takes an eighth less. The schema has all that
    # SQLite needs, and of PostgreSQL's indexes not everything.
    if found is None and connection.dialect.name == "sqlite":
        metadata.create_all(connection, checkfirst=False)
        connection.execute(versions.insert().values(version_num=HEAD))
        log.info("schema_migrated", before=found, after=HEAD)
    else:
        run_migrations(connection, found)


def run_migrations(connection: Connection, found: str | None) -> None:
    """Run those that come after the revision that was found."""
    # Imported here: Alembic costs more to load than the rest of the store, and most starts need no migration.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        log.warning("schema_is_newer", found=found, ours=HEAD)
        return
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    log.info("schema_migrated", before=found, after=HEAD)
