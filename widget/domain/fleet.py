"""What the processes of a fleet share about one id in ECE, as values.

Times are the reader's own monotonic seconds: the adapter that carries these values between machines translates them, so
that clocks which differ do not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from widget.domain.breaker import Breaker, Closed
from widget.domain.evaluation import Evaluation, LimitMemory
from widget.domain.readings import Call


class SharedEvaluations(NamedTuple):
    """The newest evaluations of the fleet for one id in ECE, by entry point, each with the memory of its limits.

    `round` is the round that found them, `taken_at` never later than they were taken.
    """

    round: str
    evaluations: Mapping[str, tuple[Evaluation, LimitMemory]]
    taken_at: float


@dataclass(frozen=True, slots=True)
class Lease:
    """What the fleet stores about one id in ECE, as a process reads it whose own snapshots are stale.

    A *round* is one set of calls for one id; of the whole fleet one process makes it. `held` says that it is
    this one, until `ends` at the latest. Else another process' round lasts until `ends`; once it is `over`, nobody
    asks again before.
    """

    round: str
    held: bool
    over: bool
    failed: bool
    ends: float
    known: SharedEvaluations | None = None
    host: Breaker = field(default_factory=Closed)
    calls: Mapping[Call, Breaker] = field(default_factory=dict)


class RoundResult(NamedTuple):
    """How a round ended: with new evaluations, or with none. Nobody begins the next one before `next_from`."""

    found: SharedEvaluations | None
    calls: Mapping[Call, Breaker]
    next_from: float
