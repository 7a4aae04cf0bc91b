"""Where the ready launchers are found by the path and the query that visitors write."""

from __future__ import annotations

from collections.abc import Iterable

from widget.web.public.cached_answer import Ready

MOST_SPELLINGS = 1024  # of a query, remembered for all paths together
LONGEST_SPELLING = 96


class LauncherTable:
    """A table with a row for each path and a column for each spelling of a query, at most `MOST_SPELLINGS`.

    Not a dictionary by path and query: its keys would lie all over the memory, one for each launcher, where a few
    hundred paths and a few dozen queries stay in the processor's cache.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._rows = {path: at for at, path in enumerate(paths)}
        self._columns: dict[bytes, list[Ready | None]] = {}

    def get(self, path: str, query: bytes) -> Ready | None:
        """Give the launcher, if it is known under this spelling."""
        column, row = self._columns.get(query), self._rows.get(path)
        return None if column is None or row is None else column[row]

    def put(self, path: str, query: bytes, ready: Ready) -> None:
        """Remember a launcher under this spelling unless that is too long; the one kept longest gives way."""
        if len(query) > LONGEST_SPELLING:
            return
        if query not in self._columns:
            if len(self._columns) >= MOST_SPELLINGS:
                del self._columns[next(iter(self._columns))]
            self._columns[query] = [None] * len(self._rows)
        self._columns[query][self._rows[path]] = ready

    def clear(self) -> None:
        """Forget all."""
        self._columns.clear()

    def __len__(self) -> int:
        """Give the number of spellings."""
        return len(self._columns)
