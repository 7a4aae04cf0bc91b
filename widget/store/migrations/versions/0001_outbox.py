"""Make the outbox, the bound tickets and what is remembered between runs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the three tables."""
    op.create_table(
        "ece_widget_outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("key", sa.String(200), nullable=False, unique=True),
        sa.Column("sid", sa.Text),
        sa.Column("entry_point", sa.Text, nullable=False),
        sa.Column("survey", sa.Text, nullable=False),
        sa.Column("answers", sa.Text),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger, nullable=False),
        sa.Column("waits_for_ece", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("lease_owner", sa.Text),
        sa.Column("leased_until", sa.BigInteger),
        sa.Column("accepted_at", sa.BigInteger, nullable=False),
        sa.Column("waiting_since", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger),
        sa.Column("reason", sa.Text),
        sa.Column("possible_doubles", sa.Integer, nullable=False, server_default=sa.text("0")),
    )
    waiting = sa.text("state IN ('pending', 'leased')")
    op.create_index(
        "ece_widget_outbox_waiting",
        "ece_widget_outbox",
        ["accepted_at", "id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_table(
        "ece_widget_tickets",
        sa.Column("ticket", sa.String(200), primary_key=True),
        sa.Column("sid_hash", sa.String(200), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ece_widget_tickets_expiry", "ece_widget_tickets", ["expires_at"])
    op.create_table(
        "ece_widget_remembered",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
