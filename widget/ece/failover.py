"""When ECE's host is looked up anew: after a switch to another site, open connections still lead to the old one."""

from __future__ import annotations

from typing import Protocol

from widget.domain.errors import EceError
from widget.domain.readings import Call, ChatAllowed, Reading, Reason

LOOKED_UP_LATELY = 1.0  # seconds; a younger connection would only be made to the same address


class Connections(Protocol):
    """The open connections to ECE; `older_than` is in seconds."""

    def renew(self, *, older_than: float) -> None: ...


class Failover:
    """Renews the connections once ECE says that it does not run, or every call to it fails."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._answered: dict[tuple[Call, int], bool] = {}

    def heard(self, call: Call, entry_point_id: int, outcome: Reading | EceError) -> None:
        """Take note of how a call ended."""
        if isinstance(outcome, EceError) and outcome.blame == "nobody":
            return
        self._answered[call, entry_point_id] = not isinstance(outcome, EceError)
        not_running = isinstance(outcome, ChatAllowed) and outcome.reason is Reason.SERVICE_NOT_RUNNING
        if not_running or not any(self._answered.values()):
            self._connections.renew(older_than=LOOKED_UP_LATELY)
