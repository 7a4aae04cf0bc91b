"""Which delivery loops beside a SQLite file are certainly gone, so that their leases need not be waited for.

Each loop holds a lock on a file of its own beside the database. The system lets go of it when the process ends, however
it ends, and in whichever container it ran; a process that is only stopped keeps it.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable
from pathlib import Path

_NAME = re.compile(r"[0-9A-Za-z]{1,64}")  # owners are read from a table, and become names of files


class Owners:
    """The lock files beside one database. Raises only OSError."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._held: dict[str, int] = {}

    def enrol(self, owner: str) -> None:
        """Hold the lock of this owner until `withdraw`, or the end of the process."""
        handle = os.open(self._path(owner), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._held[owner] = handle

    def withdraw(self, owner: str) -> None:
        """Let go of the lock and remove its file."""
        if (handle := self._held.pop(owner, None)) is not None:
            self._path(owner).unlink(missing_ok=True)
            os.close(handle)

    def gone(self, owners: Iterable[str]) -> list[str]:
        """Return those whose process has ended. One without a file is not among them: nobody knows."""
        return [owner for owner in owners if _NAME.fullmatch(owner) and owner not in self._held and self._free(owner)]

    def _free(self, owner: str) -> bool:
        try:
            handle = os.open(self._path(owner), os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            self._path(owner).unlink(missing_ok=True)
            return True
        finally:
            os.close(handle)

    def _path(self, owner: str) -> Path:
        return self._database.with_name(f"{self._database.name}-owner-{owner}")
