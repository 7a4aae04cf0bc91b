"""PostgreSQL as the outbox's database, through psycopg 3."""

from __future__ import annotations

import contextlib
from typing import Any

import structlog
from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from widget.store.faults import StoreRefused, took_too_long
from widget.store.migrate import migrate
from widget.store.owners import Owners
from widget.store.schema import outbox

MIGRATION_LOCK = 0x4543_4557_0001  # the advisory lock's number; any, as long as it is always the same
CONNECT_SECONDS = 5
STATEMENT_SECONDS, LOCK_SECONDS = 3.0, 2.0
LONGEST_REWRITE = 60.0  # seconds

log = structlog.get_logger(__name__)


class PostgresDatabase:
    """One database on a server. Every connection it gives confirms a commit only once the server has synced it."""

    name = "postgresql"
    owners: Owners | None = None  # they may run on other machines
    caution: str | None = None

    def __init__(
        self, url: URL, *, statement_seconds: float = STATEMENT_SECONDS, lock_seconds: float = LOCK_SECONDS
    ) -> None:
        self._statement_seconds, self._lock_seconds = statement_seconds, lock_seconds
        # libpq's own settings; what stands in the address wins
        limits: dict[str, Any] = {
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": 10_000,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "application_name": "ece-widget",
            "client_encoding": "utf8",
        }
        try:
            self._engine = create_engine(
                url.set(drivername="postgresql+psycopg"),
                poolclass=NullPool,
                connect_args={name: value for name, value in limits.items() if name not in url.query},
                hide_parameters=True,
            )
        except ImportError as error:
            raise StoreRefused(
                "[storage] url names a PostgreSQL, and its driver is not installed: pip install 'ece-widget[postgres]'"
            ) from error

    def prepare(self) -> None:
        """Bring the database to the newest schema while no other process can."""
        with self._engine.connect() as connection, connection.begin():
            connection.execute(text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": MIGRATION_LOCK})
            migrate(connection)
            _keep_values_out_of_the_planner(connection)

    def tried(self) -> Connection:
        """Open a connection as `connect` does; the tables may be missing."""
        return self.connect()

    def connect(self) -> Connection:
        """Open a connection with bounded waits and durable commits."""
        with contextlib.ExitStack() as unless_ready:
            connection = unless_ready.enter_context(self._engine.connect())
            with connection.begin():
                # one statement for all, then one for each that was in it, must end before a visitor's wait does
                connection.execute(text(f"SET statement_timeout = '{self._statement_seconds:g}s'"))
                connection.execute(text(f"SET lock_timeout = '{self._lock_seconds:g}s'"))
                connection.execute(text("SET idle_in_transaction_session_timeout = '30s'"))
                # A weaker setting of the server would thank visitors for rows that a power cut takes away.
                if connection.execute(text("SHOW synchronous_commit")).scalar() == "off":
                    connection.execute(text("SET synchronous_commit = on"))
                if connection.execute(text("SHOW fsync")).scalar() == "off":
                    log.warning("postgresql_without_fsync")
            unless_ready.pop_all()
        return connection

    def connect_to_read(self) -> Connection:
        """Open a connection that changes nothing, beside the writer's."""
        with contextlib.ExitStack() as unless_ready:
            connection = unless_ready.enter_context(self._engine.connect())
            with connection.begin():
                connection.execute(text("SET statement_timeout = '15s'"))
                connection.execute(text("SET default_transaction_read_only = on"))
            unless_ready.pop_all()
        return connection

    def prove(self) -> None:
        """Nothing to prove: the server answers for its files."""

    def erase_freed(self, within: float | None) -> str | None:
        """Rewrite the table, so that its files hold no deleted value; return None, or a sentence that says why not.

        VACUUM alone marks space as free and leaves the bytes. Nobody can use the table meanwhile, so that is
        bounded, by `within` seconds where it is given. The server's log (pg_wal), its archive and backups are out of
        reach of SQL.
        """
        seconds = within or LONGEST_REWRITE
        node = text(f"SELECT pg_relation_filenode('{outbox.name}')")
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"SET statement_timeout = '{seconds:g}s'"))
            connection.execute(text("SET lock_timeout = '1s'"))
            before = connection.execute(node).scalar()
            try:
                connection.execute(text(f"VACUUM (FULL, ANALYZE) {outbox.name}"))
            except DBAPIError as error:
                if not took_too_long(error):
                    raise
                return (
                    f"The table could not be rewritten within {seconds:g} s; its files may hold what was purged until "
                    f"`VACUUM FULL {outbox.name}` is run in a quiet hour."
                )
            if connection.execute(node).scalar() == before:  # the server only warns
                return f"The user of [storage] url does not own the table {outbox.name}, so it could not be rewritten."
        return None

    def dispose(self) -> None:
        self._engine.dispose()


def _keep_values_out_of_the_planner(connection: Connection) -> None:
    """The server samples columns for its planner and keeps the values: a purge would not reach those in there."""
    sampled = text(
        "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:table AS regclass)"
        " AND attname IN ('sid', 'answers') AND coalesce(attstattarget, -1) <> 0"
        " AND pg_has_role((SELECT relowner FROM pg_class WHERE oid = attrelid), 'USAGE')"
    )
    for column in connection.execute(sampled, {"table": outbox.name}).scalars().all():
        connection.execute(text(f"ALTER TABLE {outbox.name} ALTER COLUMN {column} SET STATISTICS 0"))
