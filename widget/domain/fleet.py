"""What the processes of a fleet share about one entry point, as values.

Times are the reader's own monotonic seconds: the adapter that carries these values between machines translates them, so
that clocks which differ do not matter.
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
class Lease:
    """What the fleet stores about one entry point, as a process reads it whose own snapshot is stale.

    A *round* is one set of calls for one entry point; of the whole fleet one process makes it. `held` says that it is
    this one, until `ends` at the latest. Else another process' round lasts until `ends`; once it is `over`, nobody
    asks again before.
    """

    round: str
    held: bool
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
