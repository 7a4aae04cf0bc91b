"""The simulator's state: entry points with their queues, the faults that are switched on, what was received."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from widget.simulator.faults import Fault, FaultKind
from widget.simulator.queue import Chat, Queue, Refusal
from widget.simulator.surveys import ReceivedSurvey
from widget.simulator.wire import Wire

GET_CALLS = ("agentAvailability", "capacity", "liveSessionStatus", "checkEligibility", "chatAllowed")
SURVEY = "survey"
CALLS = (*GET_CALLS, SURVEY)
ALL = "all"
SURVEYS_KEPT = 20_000
COMPLAINTS_KEPT = 50
WARM_UP = 900.0


@dataclass(slots=True)
class EntryPoint:
    id: int
    name: str
    note: str
    queue: Queue
    fixed_wait: float | None = None
    fixed_depth: int | None = None
    forced_reason: str | None = None

    @property
    def depth(self) -> int:
        return len(self.queue.waiting) if self.fixed_depth is None else self.fixed_depth

    @property
    def wait(self) -> float:
        return self.queue.wait_estimate(self.depth + 1) if self.fixed_wait is None else self.fixed_wait


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something received that ECE would refuse, or that a careful client does not send."""

    at: datetime
    call: str
    what: str


@dataclass(slots=True)
class VisitorChat:
    """A chat of the small chat page. `sid` has ECE's form, activity id and token; clients treat it as opaque."""

    sid: str
    entry_point: EntryPoint
    chat: Chat


@dataclass(slots=True)
class Traffic:
    """Count one call's requests; `peak` is the largest number that ran at once."""

    received: int = 0
    under_way: int = 0
    peak: int = 0
    statuses: Counter[int] = field(default_factory=Counter)

    def begin(self) -> None:
        self.received += 1
        self.under_way += 1
        self.peak = max(self.peak, self.under_way)

    def end(self) -> None:
        self.under_way -= 1


class World:
    """Everything that changes; the clock that is passed in moves it."""

    def __init__(
        self, *, clock: Callable[[], float], now: Callable[[], datetime], seed: int | None, warm_up: bool
    ) -> None:
        self._clock = clock
        self.now = now
        self._rng = random.Random(seed)  # noqa: S311 - simulated traffic, the same for the same seed
        self._warm_up = warm_up
        self.reset()

    def reset(self) -> None:
        """Restore the state of the start; received surveys are removed."""
        self._last = self._clock()
        self.entry_points = {each.id: each for each in _entry_points(self._rng)}
        if self._warm_up:
            for each in self.entry_points.values():
                each.queue.advance(WARM_UP)
        self.wire = Wire()
        self.service_running = True
        self.faults: dict[str, Fault] = {}
        self.traffic = {call: Traffic() for call in CALLS}
        self.surveys: deque[ReceivedSurvey] = deque(maxlen=SURVEYS_KEPT)
        self.surveys_received = 0
        self.complaints: deque[Complaint] = deque(maxlen=COMPLAINTS_KEPT)
        self.chats: dict[str, VisitorChat] = {}
        self._activities = 100_000 + self._rng.randrange(800_000)

    def catch_up(self) -> None:
        """Advance every queue to the present. Each request begins with this, so no background task is needed."""
        now = self._clock()
        elapsed, self._last = max(0.0, now - self._last), now
        for each in self.entry_points.values():
            each.queue.advance(elapsed)

    def skip(self, seconds: float) -> None:
        """Advance the queues by so many seconds; visitors on the chat page stay."""
        for chat in self.chats.values():
            chat.entry_point.queue.keep(chat.chat.number, seconds=seconds + 60)
        for each in self.entry_points.values():
            each.queue.advance(seconds)

    def take_fault(self, call: str) -> Fault | None:
        """Return the fault for this request and count it. A fault of one call precedes a fault of all."""
        key = call if call in self.faults else ALL
        fault = self.faults.get(key)
        if fault is not None and fault.times is not None:
            self.set_fault(key, replace(fault, times=fault.times - 1) if fault.times > 1 else None)
        return fault

    def set_fault(self, call: str, fault: Fault | None) -> None:
        """Set the fault of one call or of all; None or the kind `none` removes it."""
        if fault is None or fault.kind is FaultKind.NONE:
            self.faults.pop(call, None)
        else:
            self.faults[call] = fault

    def refusal(self, entry_point: EntryPoint) -> str | None:
        """Return why a new chat would be refused now; None when it would be accepted."""
        stopped = None if self.service_running else "service_not_running"
        return entry_point.forced_reason or stopped or entry_point.queue.refusal()

    def complain(self, call: str, what: str) -> None:
        self.complaints.appendleft(Complaint(self.now(), call, what))

    def join(self, entry_point: EntryPoint) -> VisitorChat | Refusal:
        """Start a chat of the chat page, with a new session id."""
        chat = entry_point.queue.join()
        if isinstance(chat, Refusal):
            return chat
        self._activities += 1
        started = VisitorChat(f"{self._activities}_{self._rng.getrandbits(96):024x}", entry_point, chat)
        self.chats[started.sid] = started
        return started


def _entry_points(rng: random.Random) -> list[EntryPoint]:
    def queue(**values: Any) -> Queue:
        return Queue(random.Random(rng.getrandbits(64)), **values)  # noqa: S311 - as above

    return [
        EntryPoint(1001, "Sales", "a busy queue", queue(arrivals_per_minute=3.2)),
        EntryPoint(
            1002,
            "Support",
            "mostly free",
            queue(agents=4, slots_per_agent=3, arrivals_per_minute=2.0, handling_time=240),
        ),
        EntryPoint(1003, "Night desk", "entry point not active", queue(active=False)),
        EntryPoint(
            1004,
            "Advice",
            "agent availability “not required”, nobody logged in",
            queue(agents=0, agents_required=False, arrivals_per_minute=0.5, max_chats=10),
        ),
        EntryPoint(
            1005,
            "Clearance",
            "queue at its maximum",
            queue(agents=1, slots_per_agent=1, arrivals_per_minute=12, handling_time=600, patience=900, max_chats=5),
        ),
    ]
