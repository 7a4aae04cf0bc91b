"""What stands behind a listener: the application, and what answers for it without a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from starlette.types import ASGIApp, Scope


class FastExit(Protocol):
    """What answers from memory while the head is read."""

    def at_once(self, scope: Scope) -> tuple[bytes, ...] | None:
        """Return an answer as HTTP/1.1 writes it, or None: the application has to be asked.

        The first piece is the status line and whole header lines; the server writes Date and Connection behind it.
        """


@dataclass(slots=True)
class CurrentApplication:
    """What the connections of a listener ask; a reload puts a new application here, also for those that are open."""

    app: ASGIApp
    fast_exit: FastExit | None = None
