"""How fast rows go to a destination: forged rows hold up nobody, and a destination that fails often is asked seldom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from widget.domain import pace, retry
from widget.domain.errors import EceError, EceGatewayDown, EceRefused, EceReset, EceStatus, EceTimeout, EceTlsFailure
from widget.domain.outbox import Pick
from widget.domain.pace import Mode, Pace, Take, Wait

EPOCH = datetime(2026, 11, 24, tzinfo=UTC)
STEP = 0.02
SLOTS = 4


@dataclass
class Row:
    accepted: float
    forged: bool
    due: float = 0.0
    attempts: int = 0
    entry_point: str = "sales"
    ends: float | None = None  # of the sending that is under way
    taken_at: float | None = None


@dataclass
class Destination:
    """The rule on a clock of its own: rows are claimed as `plan` says, and sent by so many slots."""

    fault: Callable[[], EceError]
    fault_seconds: float = STEP
    takes: Callable[[Row, float], bool] = lambda row, now: not row.forged
    rows: list[Row] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)
    now: float = 0.0
    random: Random = field(default_factory=lambda: Random(7))
    failures: list[float] = field(default_factory=list)

    def run(self, seconds: float, *, arriving: Callable[[float], list[Row]] = lambda now: []) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += STEP
            self.rows += arriving(self.now)
            for row in [row for row in self.rows if row.ends is not None and row.ends <= self.now]:
                self._end(row)
            if pace.may_hasten(self.pace, self.now):
                self.pace = pace.hastened(self.pace, self.now)
                for row in self.rows:
                    row.due = min(row.due, self.now)
            while self._claim():
                continue

    def _claim(self) -> bool:
        held = [row for row in self.rows if row.ends is not None]
        planned = pace.plan(
            self.pace, self.now, slots=SLOTS, held=len(held), tried_before=sum(row.attempts > 0 for row in held)
        )
        free = SLOTS - len(held)
        if isinstance(planned, Wait) or free <= 0:
            return False
        due = [row for row in self.rows if row.ends is None and row.taken_at is None and row.due <= self.now]
        if planned.untried:
            due = [row for row in due if row.attempts == 0]
        due.sort(key=lambda row: _order(planned.pick, row, self.pace.last_taken))
        chosen = due[: min(planned.limit, free)]
        for row in chosen:
            row.ends = self.now + (STEP if self.takes(row, self.now) else self.fault_seconds)
        if chosen:
            self.pace = pace.claimed(self.pace, planned, self.now)
        return bool(chosen)

    def _end(self, row: Row) -> None:
        row.ends = None
        if self.takes(row, self.now):
            row.taken_at = self.now
            self.pace = pace.taken(self.pace, row.entry_point, self.now)
            return
        error = self.fault()
        row.attempts += 1
        self.failures.append(self.now)
        self.pace = pace.failed(self.pace, error, self.now, chance=self.random.random())
        decided = retry.after_failure(
            error,
            attempts=row.attempts,
            waiting_since=EPOCH,
            now=EPOCH + timedelta(seconds=self.now),
            max_age=timedelta(days=7),
            chance=self.random.random(),
        )
        assert isinstance(decided, retry.Again)
        row.due = (decided.at - EPOCH).total_seconds()


def _order(pick: Pick, row: Row, last_taken: str) -> tuple[float, ...]:
    match pick:
        case Pick.OLDEST:
            return (row.accepted,)
        case Pick.LEAST_TRIED:
            return (row.attempts, row.accepted)
        case Pick.NEWEST:
            return (row.attempts, -row.accepted)
        case Pick.LIKE_LAST_TAKEN:
            return (row.entry_point != last_taken, row.attempts, -row.accepted)


FAULTS = {
    "500": (lambda: EceStatus(status=500), STEP),
    "hangs up": (lambda: EceReset(maybe_received=True), STEP),
    "never answers": (lambda: EceTimeout(maybe_received=True), 2.0),
    "502": (lambda: EceGatewayDown(status=502, maybe_received=True), STEP),
}


def waits(destination: Destination) -> list[float]:
    return [(row.taken_at or 1e9) - row.accepted for row in destination.rows if not row.forged]


@pytest.mark.parametrize("fault", FAULTS)
def test_honest_rows_wait_less_than_five_seconds_while_forged_ones_come_for_hours(fault: str) -> None:
    destination = Destination(*FAULTS[fault])
    forged_every, honest_every, hour = 3.0, 97.0, 3600.0
    due = {"forged": 0.0, "honest": 10.0}

    def arriving(now: float) -> list[Row]:
        new = []
        for who, every in (("forged", forged_every), ("honest", honest_every)):
            if now >= due[who]:
                due[who] += every
                new.append(Row(now, who == "forged"))
        return new

    destination.run(hour / 4, arriving=arriving)
    assert max(waits(destination)) < 5.0
    assert sum(row.forged for row in destination.rows) > 250


@pytest.mark.parametrize("fault", ["500", "hangs up", "502"])
@pytest.mark.parametrize("honest", [1, 10, 60])
def test_honest_rows_within_a_backlog_of_forged_ones_are_taken_within_five_seconds(fault: str, honest: int) -> None:
    destination = Destination(*FAULTS[fault])
    rows = [Row(0.0, forged=True) for _ in range(200)]
    for number in range(honest):
        rows.insert(number * len(rows) // honest, Row(0.0, forged=False))
    for place, row in enumerate(rows):
        row.accepted = place * 1e-6
    destination.rows = rows
    destination.run(6.0)
    assert max(waits(destination)) < 5.0


@pytest.mark.parametrize("fault", ["500", "hangs up", "502"])
def test_a_destination_that_fails_over_every_row_meets_a_burst_and_then_one_row_a_second(fault: str) -> None:
    destination = Destination(FAULTS[fault][0], takes=lambda row, now: now > 600.0)
    destination.rows = [Row(0.0, forged=False) for _ in range(500)]  # more than meet it in that time
    destination.run(300.0)
    early = [moment for moment in destination.failures if moment < 100.0]
    late = [moment for moment in destination.failures if moment >= 100.0]
    assert len(early) <= pace.BURST + 100 * pace.PER_SECOND + SLOTS
    assert len(late) <= 200 * pace.PER_SECOND + SLOTS
    destination.now = 601.0
    destination.run(60.0)
    assert sum(row.taken_at is not None for row in destination.rows) > 475, "and is used in full once it is back"


@pytest.mark.parametrize(
    ("error", "nobody"),
    [
        (EceRefused(), True),
        (EceTlsFailure(), True),
        (EceGatewayDown(status=503), True),
        (EceStatus(status=429), True),
        (EceTimeout(), True),
        (EceTimeout(maybe_received=True), False),
        (EceGatewayDown(status=502, maybe_received=True), False),
        (EceReset(maybe_received=True), False),
        (EceStatus(status=500), False),
        (EceStatus(status=404), False),
    ],
)
def test_what_stops_everybody_is_told_from_what_holds_up_one_row(error: EceError, nobody: bool) -> None:
    assert pace.serves_nobody(error) is nobody
    state = Pace()
    for _ in range(50):
        state = pace.failed(state, error, 0.0, chance=0.5)
    assert state.mode is (Mode.STOPPED if nobody else Mode.IN_DOUBT)
    assert isinstance(pace.plan(state, 0.0, slots=4, held=0, tried_before=0), Wait if nobody else Take)


def test_a_probe_goes_to_another_row_each_time() -> None:
    state = Pace()
    for _ in range(5):
        state = pace.failed(state, EceRefused(), 0.0, chance=0.5)
    picks = []
    for number in range(1, 4):
        now = number * 1000.0
        planned = pace.plan(state, now, slots=4, held=0, tried_before=0)
        assert isinstance(planned, Take)
        assert (planned.limit, planned.probe) == (1, True)
        picks.append(planned.pick)
        state = pace.claimed(state, planned, now)
        assert isinstance(pace.plan(state, now, slots=4, held=0, tried_before=0), Wait), "one at a time"
        state = pace.failed(state, EceRefused(), now, chance=0.5)
    assert set(picks) == {Pick.LEAST_TRIED, Pick.NEWEST, Pick.LIKE_LAST_TAKEN}


def test_a_probe_that_the_destination_answers_with_an_error_frees_the_others() -> None:
    state = Pace()
    for _ in range(5):
        state = pace.failed(state, EceRefused(), 0.0, chance=0.5)
    probe = pace.plan(state, 1000.0, slots=4, held=0, tried_before=0)
    assert isinstance(probe, Take)
    state = pace.failed(pace.claimed(state, probe, 1000.0), EceStatus(status=500), 1000.1, chance=0.5)
    assert state.mode is Mode.FREE
    assert pace.may_hasten(state, 1000.1)


def test_rows_that_failed_before_leave_half_of_the_slots() -> None:
    state = Pace()
    for _ in range(8):
        state = pace.failed(state, EceStatus(status=500), 0.0, chance=0.5)
    planned = pace.plan(state, 0.0, slots=4, held=2, tried_before=2)
    assert isinstance(planned, Take)
    assert planned.untried
