"""The outbox and the history in SQL: SQLite or PostgreSQL behind one set of statements."""
