"""What is the case now: every entry point, ECE, the outbox and the fleet, for the console.

Times are aware and in UTC, waits and ages in seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from widget.application.availability import Availability
from widget.application.breakers import GuardedSource
from widget.application.clock import Clock
from widget.application.history import History
from widget.application.recorder import Recorder, ServedReading
from widget.application.reporting import OutboxWatch
from widget.application.switches import Switches
from widget.application.tally import CallFigures, Tally
from widget.domain.breaker import Breaker
from widget.domain.decision import Decision
from widget.domain.errors import OutboxUnavailable
from widget.domain.evaluation import Evaluation
from widget.domain.history import (
    FIVE_MINUTES,
    Bucket,
    Change,
    Counts,
    Process,
    Span,
    Spread,
    start_of,
)
from widget.domain.outbox import OutboxCounts
from widget.domain.readings import Call
from widget.domain.switches import Switch


class EntryPointNow(NamedTuple):
    """One entry point at this moment.

    `decision` is what a visitor is answered, None before ECE answered for the first time. `evaluation` has ECE's
    numbers, also where pages are not shown them. `since` is when this state with this reason began, None where nobody
    knows. `last_hour` has the oldest first; what was before this process was started is told in means of five minutes.
    """

    entry_point: str
    decision: Decision | None
    since: datetime | None
    evaluation: Evaluation
    age: float | None
    switch: Switch
    last_hour: tuple[ServedReading, ...]


class Now(NamedTuple):
    """What is the case at one moment, `at`.

    `calls` are those to ECE that this process made in the last hour. `breakers` are named by entry point and call, that
    of ECE's host by empty names; of the others those that are in their first state are left out. `outbox` is None
    before the first look at it; `processes` are None while the database is away.
    """

    at: datetime
    entry_points: tuple[EntryPointNow, ...]
    calls: Mapping[Call, CallFigures]
    breakers: Mapping[tuple[str, str], Breaker]
    outbox: OutboxCounts | None
    processes: tuple[Process, ...] | None


class LiveStatus:
    """Reads this process' memory and the fleet's database; while that is away, memory alone."""

    def __init__(
        self,
        history: History,
        recorder: Recorder,
        switches: Switches,
        *,
        availability: Availability,
        source: GuardedSource,
        tally: Tally,
        outbox: OutboxWatch,
        clock: Clock,
    ) -> None:
        self._history, self._recorder, self._switches = history, recorder, switches
        self._availability, self._source, self._tally = availability, source, tally
        self._outbox, self._clock = outbox, clock

    async def now(self) -> Now:
        """Return all that is known at this moment; wait at most `[ece] timeout`.

        ECE is asked for an entry point that nobody visited lately, as for a visitor.
        """
        names = list(self._availability.known)
        await asyncio.gather(*(self._availability.view(name) for name in names))
        changes: dict[str, Change] = {}
        past: dict[str, list[Bucket]] = {}
        processes: tuple[Process, ...] | None = None
        with contextlib.suppress(OutboxUnavailable):  # the page says that the database is away
            changes, past, processes = await asyncio.gather(
                self._history.since(names), self._history.last_hour(names), self._history.processes()
            )
        return Now(
            at=self._clock.now(),
            entry_points=tuple(self._entry_point(name, changes.get(name), past.get(name, [])) for name in names),
            calls=self._tally.calls(),
            breakers={("", ""): self._source.host, **self._source.calls},
            outbox=self._outbox.counts,
            processes=processes,
        )

    def _entry_point(self, name: str, written: Change | None, past: Sequence[Bucket]) -> EntryPointNow:
        decision, evaluation = self._availability.served_now(name)
        known = (written, self._recorder.last_change(name))
        since = next(
            (
                each.at
                for each in known
                if each and decision and each.state_and_reason == (decision.state, decision.reason)
            ),
            None,
        )
        return EntryPointNow(
            entry_point=name,
            decision=decision,
            since=since,
            evaluation=evaluation,
            age=self._availability.age(self._availability.known[name]),
            switch=self._switches.of(name),
            last_hour=_last_hour(past, self._recorder.last_hour(name), self._clock.now()),
        )


def _last_hour(past: Sequence[Bucket], seen: Sequence[ServedReading], now: datetime) -> tuple[ServedReading, ...]:
    """Return what this process has seen in the last hour, and before its start the means that the fleet has written."""
    first = seen[0].at if seen else now
    found = {each.start: each.counts for each in past}
    start = start_of(Span.FIVE_MINUTES, now - timedelta(hours=1), UTC) + FIVE_MINUTES
    before = []
    while start + FIVE_MINUTES <= first:
        counts = found.get(start, Counts())  # without numbers the line has a gap
        before.append(ServedReading(start + FIVE_MINUTES / 2, _whole(counts.wait), _whole(counts.depth), None, None))
        start += FIVE_MINUTES
    return (*before, *seen)


def _whole(spread: Spread) -> int | None:
    return None if spread.mean is None else round(spread.mean)
