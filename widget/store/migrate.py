"""Bring a database to the newest schema: at start, inside the caller's transaction and under its lock.

An interrupted run leaves nothing behind, since both databases roll back table changes too.
"""

from __future__ import annotations

from pathlib import Path

import structlog
from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, text

from widget.store.schema import HEAD, VERSION_TABLE, metadata

MIGRATIONS = Path(__file__).parent / "migrations"

log = structlog.get_logger(__name__)

_versions = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))  # as Alembic makes it


def version(connection: Connection) -> str | None:
    """Return the revision of the schema, or None where there is none of ours yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 — a constant
    return None if found is None else str(found)


def migrate(connection: Connection) -> None:
    """Bring the schema to `HEAD` inside the running transaction; a schema newer than this release is used as it is.

    A newer one means that a later release was started on this database. Its migrations only added, so this release
    goes on working beside it (a rolling upgrade) or after it (a way back).
    """
    found = version(connection)
    if found == HEAD:
        return
    if found is None and connection.dialect.name == "sqlite":
        _create(connection)
    else:
        upgrade(connection, found)


def _create(connection: Connection) -> None:
    """Make the newest tables at once: a first start takes a sixth longer when Alembic makes them one by one.

    Not for PostgreSQL, whose partial indexes are whole in the migrations alone.
    """
    metadata.create_all(connection, checkfirst=False)
    _versions.create(connection, checkfirst=True)
    connection.execute(_versions.insert(), {"version_num": HEAD})
    log.info("schema_migrated", before=None, after=HEAD)


def upgrade(connection: Connection, found: str | None) -> None:
    """Run the migrations that are newer than the revision `found`."""
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
