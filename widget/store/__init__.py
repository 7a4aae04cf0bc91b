"""The outbox in SQL: SQLite or PostgreSQL behind one set of statements."""

from widget.store.faults import StoreRefused
from widget.store.outbox import Outbox, open_outbox

__all__ = ["Outbox", "StoreRefused", "open_outbox"]
