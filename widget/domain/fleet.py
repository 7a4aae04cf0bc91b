"""What the processes of a fleet tell each other about one entry point, as values.

Times are the reader's own monotonic seconds: whoever carries these values between machines translates them, so that
clocks which differ do not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from widget.domain.breaker import Breaker, Closed
from widget.domain.decision import LimitMemory, Verdict
from widget.domain.readings import Call


@dataclass(frozen=True, slots=True)
class SharedVerdict:
    """The newest verdict of the fleet; `round` is the round that found it, `taken_at` never later than it was taken."""

    round: str
    verdict: Verdict
    memory: LimitMemory
    taken_at: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What a process learns that found its own snapshot stale.

    A *round* is one set of calls for one entry point; of the whole fleet one process makes it. `ours` says that it is
    this one, until `ends` at the latest. Else somebody else's round stands until `ends`; once it is `over`, nobody
    asks again before.
    """

    round: str
    ours: bool
    over: bool
    failed: bool
    ends: float
    known: SharedVerdict | None = None
    host: Breaker = field(default_factory=Closed)
    calls: Mapping[Call, Breaker] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoundResult:
    """How a round ended: with a new verdict, or with none. Nobody begins the next one before `next_from`."""

    found: SharedVerdict | None
    calls: Mapping[Call, Breaker]
    next_from: float
