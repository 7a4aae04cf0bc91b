"""Time that passes when a test says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from widget.application.clock import Clock

MORNING = datetime(2026, 11, 24, 8, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass
class HandClock:
    """Time that passes when the test says so. `clock` is what the product takes; its parts fit where one is taken."""

    wall: datetime = MORNING
    passed: float = 1000.0  # seconds, as a monotonic clock counts them
    slept: list[float] = field(default_factory=list)

    @property
    def clock(self) -> Clock:
        return Clock(self.monotonic, self.now, self.chance)

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.passed

    def chance(self) -> float:
        return 0.5

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once, and note how much."""
        self.slept.append(seconds)
        self.passes(seconds)

    def passes(self, seconds: float = 0.0, **more: float) -> None:
        """Let time pass; `more` as `timedelta` takes it, for example `days=8`."""
        span = timedelta(seconds=seconds, **more)
        self.wall += span
        self.passed += span.total_seconds()

    def is_set(self, *, by: timedelta) -> None:
        """Change what the wall clock shows, without any time passing."""
        self.wall += by
