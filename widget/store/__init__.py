"""The outbox and the history in SQL: SQLite or PostgreSQL behind one set of statements."""

from widget.store.desk import OutboxDesk
from widget.store.faults import StoreRefused
from widget.store.history import HistoryStore
from widget.store.operating import Selection
from widget.store.operator import OperatorStore, operator_store
from widget.store.outbox import Outbox, open_outbox
from widget.store.results import ResultsStore

__all__ = [
    "HistoryStore",
    "OperatorStore",
    "Outbox",
    "OutboxDesk",
    "ResultsStore",
    "Selection",
    "StoreRefused",
    "open_outbox",
    "operator_store",
]
