"""Run the migrations on the connection that `migrate.py` hands over, inside its transaction and under its lock."""

from alembic import context

from widget.store.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
