"""What a fleet has in common, on a Valkey or Redis server: rounds of calls, circuit breakers, counts of requests.

Importing this needs the extra `shared`; `services/` does so only where the settings ask for it.
"""

from widget.shared.counts import SharedCounts
from widget.shared.server import LONGEST_WAIT, SharedServer
from widget.shared.state import RedisSharedState

__all__ = ["LONGEST_WAIT", "RedisSharedState", "SharedCounts", "SharedServer"]
