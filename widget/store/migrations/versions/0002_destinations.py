"""Add a kind and a destination to each row, and find dead, settled and unknown rows without reading all others."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TABLE = "ece_widget_outbox"


def upgrade() -> None:
    """Add two columns whose defaults are what a release that does not know them writes, and three partial indexes."""
    op.add_column(TABLE, sa.Column("kind", sa.String(32), nullable=False, server_default="survey"))
    op.add_column(TABLE, sa.Column("destination", sa.String(100), nullable=False, server_default="ece"))
    for name, column, where in (
        ("ece_widget_outbox_dead", "id", "state = 'dead'"),
        ("ece_widget_outbox_settled", "settled_at", "state IN ('delivered', 'dead')"),
        ("ece_widget_outbox_unknown", "id", "state NOT IN ('pending', 'leased', 'delivered', 'dead', 'purged')"),
    ):
        op.create_index(name, TABLE, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))
