"""What a fleet has in common, on a Valkey or Redis server: rounds of calls, circuit breakers, counts of requests.

Importing this needs the extra `shared`; `services.py` does so only where the settings ask for it.
"""

from widget.shared.board import RedisBoard
from widget.shared.counts import SharedCounts
from widget.shared.server import LONGEST_WAIT, SharedServer

__all__ = ["LONGEST_WAIT", "RedisBoard", "SharedCounts", "SharedServer"]
