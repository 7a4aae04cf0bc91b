"""PostgreSQL as the outbox's database, through psycopg 3."""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.pool import NullPool

from widget.store.faults import StoreRefused
from widget.store.migrate import migrate

MIGRATION_LOCK = 0x4543_4557_0001  # the advisory lock's number; any, as long as it is always the same
CONNECT_SECONDS = 5

log = structlog.get_logger(__name__)


class PostgresDatabase:
    """One database on a server. Every connection it gives confirms a commit only once the server has synced it."""

    name = "postgresql"

    def __init__(self, url: URL) -> None:
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

    def connect(self) -> Connection:
        """Open a connection with bounded waits and durable commits."""
        connection = self._engine.connect()
        try:
            with connection.begin():
                connection.execute(text("SET statement_timeout = '15s'"))
                connection.execute(text("SET lock_timeout = '5s'"))
                connection.execute(text("SET idle_in_transaction_session_timeout = '30s'"))
                # A weaker setting of the server would thank visitors for rows that a power cut takes away.
                if connection.execute(text("SHOW synchronous_commit")).scalar() == "off":
                    connection.execute(text("SET synchronous_commit = on"))
                if connection.execute(text("SHOW fsync")).scalar() == "off":
                    log.warning("postgresql_without_fsync")
        except BaseException:
            connection.close()
            raise
        return connection

    def connect_to_read(self) -> Connection:
        """Open a connection that changes nothing, beside the writer's."""
        connection = self._engine.connect()
        try:
            with connection.begin():
                connection.execute(text("SET statement_timeout = '15s'"))
                connection.execute(text("SET default_transaction_read_only = on"))
        except BaseException:
            connection.close()
            raise
        return connection

    def prove(self) -> None:
        """Nothing to prove: the server answers for its files."""

    def erase_freed(self, connection: Connection) -> bool:
        """Leave it to VACUUM, which the server runs by itself: deleted values are in no answer and no dump."""
        return True

    def dispose(self) -> None:
        self._engine.dispose()
