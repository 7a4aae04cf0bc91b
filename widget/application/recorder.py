"""Write what this process counts and sees into the history, in batches, while nobody waits for it.

Each process writes its own counts: the difference to what it wrote before. A batch has a number that the database
keeps with it, so that one whose outcome is not known is tried again and counts once. What is not written yet is lost by
a kill: at most what came within `WRITE_EVERY` and the time of one write. While the database is away batches wait here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple, Protocol, TypeVar

from widget import telemetry
from widget.application.availability import Availability
from widget.application.clock import Clock, wait_for
from widget.application.tally import TICKET_OUTCOMES, Tally
from widget.domain.counted import AVAILABLE, Count
from widget.domain.errors import OutboxUnavailable
from widget.domain.evaluation import State
from widget.domain.history import Batch, Begun, Bucket, Change, Counts, Process, Span, start_of

WRITE_EVERY = 5.0  # seconds
SEEN_EVERY = 10.0  # seconds: a process that has nothing to write says so often that it is there
SAMPLE_EVERY = 15.0  # seconds
SAMPLES_KEPT = 240  # an hour
LARGEST_BATCH = 1000  # rows, so that a survey never waits long for the database behind it
MOST_WAITING = 20_000  # buckets in memory: more than a day of 50 entry points
MOST_CHANGES = 10_000
LAST_WRITE = 3.0  # seconds that a stop waits for

_SURVEYS = {"begun": "begun", "accepted": "sent"}
Answered = Mapping[tuple[str, str, str], int]  # entry point, state, reason → public answers since the start
Key = tuple[Span, str, datetime]
Labels = TypeVar("Labels")


class Writes(Protocol):
    """What this needs of the database; raises OutboxUnavailable."""

    async def write(self, batch: Batch) -> bool: ...


class ServedReading(NamedTuple):
    """ECE's numbers at a moment (UTC), as visitors were served by them; `wait_time` and `age` in seconds."""

    at: datetime
    wait_time: int | None
    queue_depth: int | None
    capacity: int | None
    age: float | None


class Recorder:
    """One for each process. `zones` are those of the entry points; `keeps` is False where only the process is noted.

    `availability` is None in a process that answers no visitor. `answered` returns the public answers so far, and
    `delivered` the surveys that were delivered, by entry point.
    """

    def __init__(
        self,
        store: Writes,
        tally: Tally,
        *,
        process: Process,
        clock: Clock,
        zones: Mapping[str, tzinfo],
        keeps: bool,
        write_every: float = WRITE_EVERY,
        last_write: float = LAST_WRITE,
        most_waiting: int = MOST_WAITING,
        availability: Availability | None = None,
        answered: Callable[[], Answered] = dict,
        delivered: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._store, self._tally, self._process, self._clock = store, tally, process, clock
        self._zones, self._keeps = zones, keeps
        self._write_every, self._last_write, self._most_waiting = write_every, last_write, most_waiting
        self._availability, self._answered, self._delivered = availability, answered, delivered
        self._written: dict[str, Counter[Any]] = {}
        self._waiting: dict[Key, Counts] = {}
        self._begun: Counter[tuple[date, str, str, str]] = Counter()
        self._changes: deque[Change] = deque(maxlen=MOST_CHANGES)
        self._seen: dict[str, Change] = {}
        self._measured: dict[str, float] = {}
        self._last_hour: dict[str, deque[ServedReading]] = {}
        self._collected = clock.now()
        self._sampled = self._noted = float("-inf")
        self._number = 0
        self._trying: Batch | None = None
        self._away = False
        self._stopped = asyncio.Event()
        if availability is not None:
            availability.on_change(self.look)

    async def run(self) -> None:
        """Collect and write every `WRITE_EVERY` seconds, and at the end of each five minutes, until `stop`."""
        while not self._stopped.is_set():
            await wait_for(self._stopped, self._pause())
            self.collect()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._last_write if self._stopped.is_set() else None):
                    await self.write()

    def stop(self) -> None:
        """Let `run` write a last time and return."""
        self._stopped.set()

    def last_hour(self, entry_point: str) -> tuple[ServedReading, ...]:
        """Return ECE's numbers of the last hour as this process saw them, the oldest first."""
        since = self._clock.now() - timedelta(hours=1)
        return tuple(each for each in self._last_hour.get(entry_point, ()) if each.at >= since)

    def last_change(self, entry_point: str) -> Change | None:
        """Return the last change that this process saw."""
        return self._seen.get(entry_point)

    def look(self, entry_point: str) -> None:
        """Note the state that visitors are served now if it is another one, and ECE's numbers if they are new."""
        assert self._availability is not None
        decision, evaluation = self._availability.served_now(entry_point)
        if decision is None:
            return
        now, last = self._clock.now(), self._seen.get(entry_point)
        if last is None or last.state_and_reason != (decision.state, decision.reason):
            change = Change(
                entry_point, now, decision.state, decision.reason, evaluation.wait_time, evaluation.queue_depth
            )
            self._seen[entry_point] = change
            self._changes.append(change)
        snapshot = self._availability.known[entry_point].snapshot
        if snapshot is None or self._measured.get(entry_point) == snapshot.taken_at:
            return
        self._measured[entry_point] = snapshot.taken_at
        counts = Counts()
        if evaluation.wait_time is not None:
            counts.wait.add(evaluation.wait_time)
        if evaluation.queue_depth is not None:
            counts.depth.add(evaluation.queue_depth)
        self._add(entry_point, counts, now)

    def collect(self) -> None:
        """Take what was counted since the last time into the bucket of that time."""
        if self._availability is not None:
            for name in self._availability.known:
                self.look(name)
            if self._clock.monotonic() - self._sampled >= SAMPLE_EVERY:
                self._sampled = self._clock.monotonic()
                self._sample(self._availability)
        found: dict[str, Counts] = {}
        for entry_point, (group, name), number in self._new_counts():
            found.setdefault(entry_point, Counts()).add(group, name, number)
        for entry_point, counts in found.items():
            self._add(entry_point, counts, self._collected)
        for labels, number in self._since("begun", self._tally.begun):
            self._begun[self._collected.date(), *labels] += number
        self._collected = self._clock.now()
        if not self._keeps:
            self._waiting.clear()
            self._begun.clear()
            self._changes.clear()

    async def write(self) -> None:
        """Write what waits, batch by batch; while the database is away it goes on waiting."""
        while batch := self._next_batch():
            self._trying = batch
            try:
                await self._store.write(batch)
            except OutboxUnavailable as error:
                if not self._away:
                    telemetry.logger().warning("history_not_written", reason=str(error))
                self._away = True
                self._drop_oldest()
                return
            if self._away:
                telemetry.logger().info("history_written_again")
            self._away, self._trying, self._number = False, None, batch.number
            self._noted = self._clock.monotonic()

    def _next_batch(self) -> Batch | None:
        if self._trying is not None:
            return self._trying
        keys = list(self._waiting)[:LARGEST_BATCH]
        changes = [self._changes.popleft() for _ in range(min(LARGEST_BATCH, len(self._changes)))]
        begun = [Begun(*labels, number) for labels, number in self._begun.items()]
        self._begun.clear()
        if not keys and not changes and not begun and self._clock.monotonic() - self._noted < SEEN_EVERY:
            return None
        counts = [(span, Bucket(name, start, self._waiting.pop((span, name, start)))) for span, name, start in keys]
        return Batch(replace(self._process, seen=self._clock.now()), self._number + 1, counts, changes, begun)

    def _drop_oldest(self) -> None:
        """Give up detail, never totals: buckets of five minutes go first, those of an hour and a day have the same."""
        too_many = len(self._waiting) - self._most_waiting
        if too_many > 0:
            small = sorted((key for key in self._waiting if key[0] is Span.FIVE_MINUTES), key=lambda key: key[2])
            for key in small[:too_many]:
                del self._waiting[key]
            telemetry.logger().warning("history_dropped", buckets=len(small[:too_many]))

    def _pause(self) -> float:
        passed = self._clock.now().timestamp() % Span.FIVE_MINUTES
        return min(self._write_every, Span.FIVE_MINUTES - passed)

    def _add(self, entry_point: str, counts: Counts, moment: datetime) -> None:
        if not counts:
            return
        for span in Span:
            key = (span, entry_point, start_of(span, moment, self._zones.get(entry_point, UTC)))
            self._waiting.setdefault(key, Counts()).merge(counts)

    def _new_counts(self) -> Iterable[tuple[str, Count, int]]:
        """Yield what was counted since the last time: entry point, what, how many."""
        for (name, state, reason), number in self._since("answers", self._answered()):
            yield name, ("answers", AVAILABLE if state == State.AVAILABLE else reason), number
        for (name, outcome), number in self._since("clicks", self._tally.clicks):
            yield name, ("clicks", outcome), number
        for (name, outcome), number in self._since("tickets", self._tally.tickets):
            if name:
                yield name, ("tickets", outcome if outcome in TICKET_OUTCOMES else "refused"), number
        for (name, outcome), number in self._since("surveys", self._tally.surveys):
            if outcome in _SURVEYS:
                yield name, ("surveys", _SURVEYS[outcome]), number
        for name, number in self._since("delivered", self._delivered()):
            yield name, ("surveys", "delivered"), number

    def _since(self, what: str, counted: Mapping[Labels, int]) -> Iterable[tuple[Labels, int]]:
        written = self._written.setdefault(what, Counter())
        new = Counter(counted) - written
        written.update(new)
        return new.items()

    def _sample(self, availability: Availability) -> None:
        now = self._clock.now()
        for name, known in availability.known.items():
            decision, evaluation = availability.served_now(name)
            age = None if decision is None else availability.age(known)  # nobody asked lately, and nobody is served it
            reading = ServedReading(now, evaluation.wait_time, evaluation.queue_depth, evaluation.capacity, age)
            self._last_hour.setdefault(name, deque(maxlen=SAMPLES_KEPT)).append(reading)
