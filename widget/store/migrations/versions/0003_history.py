"""Make the tables of the history and of what is switched by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
# As they were named when this table was made; a later count is a column of a later migration.
_REASONS = (
    *("queue_depth_reached", "agent_not_available", "service_not_running", "invalid_entry_point"),
    *("entry_point_inactive", "other", "wait_too_long", "queue_too_deep", "no_capacity", "outside_hours"),
    *("switched_off", "ece_unreachable"),
)
_COUNTS = (
    *(f"answers_{name}" for name in ("available", *_REASONS)),
    *(f"clicks_{name}" for name in ("opened", *_REASONS)),
    *("tickets_issued", "tickets_taken_up", "tickets_refused", "surveys_begun", "surveys_sent", "surveys_delivered"),
)


def upgrade() -> None:
    """Create four tables with their indexes."""
    op.create_table(
        "ece_widget_changes",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("entry_point", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False, server_default=""),
        sa.Column("wait_time", sa.BigInteger),
        sa.Column("queue_depth", sa.BigInteger),
    )
    op.create_index("ece_widget_changes_entry_point", "ece_widget_changes", ["entry_point", "id"])
    op.create_index("ece_widget_changes_at", "ece_widget_changes", ["at"])
    zero = sa.text("0")
    op.create_table(
        "ece_widget_counts",
        sa.Column("entry_point", sa.String(64), primary_key=True),
        sa.Column("span", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("start", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Integer, nullable=False, server_default=zero) for name in _COUNTS),
        *(
            column
            for spread in ("wait", "depth")
            for column in (
                sa.Column(f"{spread}_samples", sa.BigInteger, nullable=False, server_default=zero),
                sa.Column(f"{spread}_total", sa.BigInteger, nullable=False, server_default=zero),
                sa.Column(f"{spread}_lowest", sa.BigInteger),
                sa.Column(f"{spread}_highest", sa.BigInteger),
            )
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ece_widget_counts_start", "ece_widget_counts", ["span", "start"])
    op.create_table(
        "ece_widget_processes",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("batch", sa.BigInteger, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "ece_widget_switches",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("entry_point", sa.String(64), nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("by_whom", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("words", sa.Text),
        sa.Column("day", sa.String(10)),
        sa.Column("ranges", sa.Text),
    )
