"""Make the tables of results, and the columns of the outbox that tell what surveys were answered to."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create two tables, three columns and an index."""
    op.add_column("ece_widget_outbox", sa.Column("language", sa.Text))
    op.add_column("ece_widget_outbox", sa.Column("wait_time", sa.BigInteger))
    op.add_column("ece_widget_outbox", sa.Column("queue_depth", sa.BigInteger))
    op.create_index("ece_widget_outbox_survey", "ece_widget_outbox", ["survey", "accepted_at", "id"])
    op.create_table(
        "ece_widget_questions",
        sa.Column("version", sa.String(16), primary_key=True),
        sa.Column("survey", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
    )
    op.create_table(
        "ece_widget_answer_totals",
        sa.Column("survey", sa.Text, primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("entry_point", sa.Text, primary_key=True),
        sa.Column("language", sa.Text, primary_key=True),
        sa.Column("question", sa.String(16), primary_key=True),
        sa.Column("value", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
