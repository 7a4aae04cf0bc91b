"""The tables, as the newest migration leaves them.

Migrations only ever add (a table, a column with a default, an index), so that the release before goes on working on the
schema of the release after it. Moments are whole milliseconds since 1970 (UTC): the same type, order and arithmetic in
both databases.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TextClause,
    false,
    text,
)

from widget.domain.counted import COUNTS, Count

HEAD = "0004"  # the newest revision in migrations/versions; a test holds it to Alembic's own answer
VERSION_TABLE = "ece_widget_version"
APPLICATION_ID = 0x45434557  # "ECEW" in the header of a SQLite file: by which a file is known as ours

metadata = MetaData()

_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER PRIMARY KEY

outbox = Table(
    "ece_widget_outbox",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("key", String(200), nullable=False, unique=True),  # stays when the rest of the row is purged
    Column("sid", Text),  # null once purged
    Column("entry_point", Text, nullable=False),
    Column("survey", Text, nullable=False),
    Column("answers", Text),  # JSON in ASCII, so that no text a visitor types can be refused; null once purged
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", BigInteger, nullable=False),
    Column("waits_for_ece", Boolean, nullable=False, server_default=false()),  # for whatever destination the row has
    Column("lease_owner", Text),
    Column("leased_until", BigInteger),
    Column("accepted_at", BigInteger, nullable=False),
    Column("waiting_since", BigInteger, nullable=False),  # accepted_at, or the moment an operator sent it again
    Column("settled_at", BigInteger),  # delivered, given up or purged
    Column("reason", Text),
    Column("possible_doubles", Integer, nullable=False, server_default=text("0")),
    # What `answers` holds and who takes it. A release delivers only the kinds and to the destinations that it knows.
    Column("kind", String(32), nullable=False, server_default="survey"),
    Column("destination", String(100), nullable=False, server_default="ece"),
    # Of a survey: the language that the visitor read, and ECE's numbers when the chat was opened; null once purged.
    Column("language", Text),
    Column("wait_time", BigInteger),
    Column("queue_depth", BigInteger),
)
Index("ece_widget_outbox_survey", outbox.c.survey, outbox.c.accepted_at, outbox.c.id)

# In these very words, without parameters, or neither database sees that the index of the same words may be used.
is_waiting = text("state IN ('pending', 'leased')")
is_dead = text("state = 'dead'")
is_settled = text("state IN ('delivered', 'dead')")
has_unknown_state = text("state NOT IN ('pending', 'leased', 'delivered', 'dead', 'purged')")  # of a later release


def _partial_index(name: str, where: TextClause, *columns: Column[Any]) -> None:
    # PostgreSQL's has the same words, in the migration alone: here they would load its dialect, 20 ms of every start.
    Index(f"ece_widget_outbox_{name}", *columns, sqlite_where=where)


_partial_index("waiting", is_waiting, outbox.c.accepted_at, outbox.c.id)
_partial_index("dead", is_dead, outbox.c.id)
_partial_index("settled", is_settled, outbox.c.settled_at)
_partial_index("unknown", has_unknown_state, outbox.c.id)

tickets = Table(
    "ece_widget_tickets",
    metadata,
    Column("ticket", String(200), primary_key=True),
    Column("sid_hash", String(200), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
Index("ece_widget_tickets_expiry", tickets.c.expires_at)

remembered = Table(
    "ece_widget_remembered",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# --- results ---

questions = Table(
    "ece_widget_questions",
    metadata,
    Column("version", String(16), primary_key=True),
    Column("survey", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("text", Text, nullable=False),  # JSON in ASCII, as the next
    Column("options", Text, nullable=False),
    Column("place", Integer, nullable=False),
)
answer_totals = Table(
    "ece_widget_answer_totals",
    metadata,
    Column("survey", Text, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # days since 1970, UTC
    Column("entry_point", Text, primary_key=True),
    Column("language", Text, primary_key=True),
    Column("question", String(16), primary_key=True),  # its version; empty for whole surveys
    Column("value", Text, primary_key=True),  # empty for those who answered at all
    Column("number", BigInteger, nullable=False),
)

# --- history, and what is switched by hand ---

changes = Table(
    "ece_widget_changes",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("entry_point", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(64), nullable=False, server_default=""),
    Column("wait_time", BigInteger),
    Column("queue_depth", BigInteger),
)
Index("ece_widget_changes_entry_point", changes.c.entry_point, changes.c.id)
Index("ece_widget_changes_at", changes.c.at)


def count_column(count: Count) -> str:
    """Return the column of a count, as `clicks_opened`."""
    return "_".join(count)


SPREADS = ("wait", "depth")
counts = Table(
    "ece_widget_counts",
    metadata,
    Column("entry_point", String(64), primary_key=True),
    Column("span", Integer, primary_key=True, autoincrement=False),  # seconds
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    *(Column(count_column(each), Integer, nullable=False, server_default=text("0")) for each in COUNTS),
    *(
        Column(f"{spread}_{part}", BigInteger, nullable=part in ("lowest", "highest"), server_default=default)
        for spread in SPREADS
        for part, default in (("samples", text("0")), ("total", text("0")), ("lowest", None), ("highest", None))
    ),
    sqlite_with_rowid=False,  # so that the buckets of one entry point lie side by side
)
Index("ece_widget_counts_start", counts.c.span, counts.c.start)

processes = Table(
    "ece_widget_processes",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("batch", BigInteger, nullable=False),  # the number of the last that was written
    Column("role", String(16), nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("version", String(64), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

switches = Table(
    "ece_widget_switches",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("entry_point", String(64), nullable=False),
    Column("act", String(16), nullable=False),
    Column("by_whom", Text, nullable=False),
    Column("until", BigInteger),
    Column("words", Text),  # JSON in ASCII by language
    Column("day", String(10)),
    Column("ranges", Text),
)
