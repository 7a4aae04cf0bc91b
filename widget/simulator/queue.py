"""One entry point's queue: chats arrive, wait, are served by agents, or give up.

Pure: time moves only by `advance`, random numbers come from the generator that is passed in. Two steps of five seconds
have exactly the result of one step of ten: a random number is drawn for each event, never for each step.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

LONGEST_STEP = 900.0  # after a night of standby, the night is not simulated
VISITOR_SILENCE = 45.0  # a visitor whose page stopped asking is removed after this


class Refusal(StrEnum):
    """Why a chat cannot start, as section 13 of the guide names it."""

    QUEUE_DEPTH_REACHED = "queue_depth_reached"
    AGENT_NOT_AVAILABLE = "agent_not_available"
    ENTRY_POINT_INACTIVE = "entry_point_inactive"


@dataclass(slots=True)
class Chat:
    """A chat that waits (`until` is when its visitor gives up) or runs (`until` is when it ends)."""

    number: int
    arrived: float
    until: float
    length: float
    visitor: bool = False


@dataclass(slots=True)
class Queue:
    """The state of the queue. The fields of the first block may be changed between two steps."""

    rng: random.Random
    agents: int = 3
    slots_per_agent: int = 2
    handling_time: float = 120.0
    arrivals_per_minute: float = 3.0
    patience: float = 300.0
    max_chats: int = 30  # waiting and running together, as the guide's "being processed by the queue"
    agents_required: bool = True
    active: bool = True
    away: bool = False
    frozen: bool = False

    now: float = 0.0
    waiting: deque[Chat] = field(default_factory=deque)
    running: list[Chat] = field(default_factory=list)
    arrived: int = 0
    refused: int = 0
    served: int = 0
    given_up: int = 0
    _next_arrival: float = 0.0
    _next_rate: float = -1.0
    _numbers: int = 0

    @property
    def available_agents(self) -> int:
        return 0 if self.away else self.agents

    @property
    def slots(self) -> int:
        return self.available_agents * self.slots_per_agent

    @property
    def free_slots(self) -> int:
        """Return what `capacity` answers: the agents' greatest load minus their load now, never below 0."""
        return max(0, self.slots - len(self.running))

    def refusal(self) -> Refusal | None:
        """Return why a new chat would be refused now; None when it would be accepted."""
        if not self.active:
            return Refusal.ENTRY_POINT_INACTIVE
        if self.agents_required and self.available_agents == 0:
            return Refusal.AGENT_NOT_AVAILABLE
        if len(self.waiting) + len(self.running) >= self.max_chats:
            return Refusal.QUEUE_DEPTH_REACHED
        return None

    def wait_estimate(self, position: int) -> float:
        """Return the seconds until the chat at `position` (1 = next) is served, as an estimate.

        All slots together free one place every handling time / slots; without agents one is assumed, since
        ECE answers with a number then too.
        """
        ahead = max(0, position - self.free_slots)
        return round(ahead * self.handling_time / max(1, self.slots), 1)

    def advance(self, seconds: float) -> None:
        """Let time pass. A frozen queue does not change."""
        if self.frozen or seconds < 0:
            return
        target = self.now + min(seconds, LONGEST_STEP)
        self._plan_arrival()
        self._assign()
        while (at := self._next_event()) <= target:
            self.now = at
            self._end_what_is_over()
            if self._next_arrival <= self.now and self._arrivals_per_second > 0:
                self._arrive()
            self._assign()
        self.now = target

    def join(self, *, visitor: bool = True) -> Chat | Refusal:
        """Append a chat to the queue, or return why it is refused."""
        self.arrived += 1
        if (refusal := self.refusal()) is not None:
            self.refused += 1
            return refusal
        chat = self._append(visitor=visitor)
        self._assign()
        return chat

    def leave(self, number: int) -> None:
        """End a chat, waiting or running. Does nothing for one that has ended."""
        self.waiting = deque(chat for chat in self.waiting if chat.number != number)
        left = [chat for chat in self.running if chat.number != number]
        self.served += len(self.running) - len(left)
        self.running = left
        self._assign()

    def keep(self, number: int, *, seconds: float = VISITOR_SILENCE) -> None:
        """Record that a visitor's page is still open."""
        for chat in (*self.waiting, *self.running):
            if chat.visitor and chat.number == number:
                chat.until = max(chat.until, self.now + seconds)

    def position(self, number: int) -> int | None:
        """Return the position in the queue: 1 for the next, 0 for a running chat, None for one that has ended."""
        if any(chat.number == number for chat in self.running):
            return 0
        return next((place for place, chat in enumerate(self.waiting, 1) if chat.number == number), None)

    def set_depth(self, depth: int) -> None:
        """Make exactly `depth` chats wait: add some, or remove the last of the simulated ones."""
        while len(self.waiting) > depth:
            last = next((chat for chat in reversed(self.waiting) if not chat.visitor), self.waiting[-1])
            self.waiting.remove(last)
        while len(self.waiting) < depth:
            self._append(visitor=False)

    def _append(self, *, visitor: bool) -> Chat:
        self._numbers += 1
        patience = VISITOR_SILENCE if visitor else self.rng.expovariate(1 / self.patience)
        length = self.rng.gammavariate(4, self.handling_time / 4)
        chat = Chat(self._numbers, self.now, self.now + patience, length, visitor)
        self.waiting.append(chat)
        return chat

    def _next_event(self) -> float:
        times = [chat.until for chat in self.waiting]
        times += [chat.until for chat in self.running]
        if self._arrivals_per_second > 0:
            times.append(self._next_arrival)
        return max(self.now, min(times, default=float("inf")))

    @property
    def _arrivals_per_second(self) -> float:
        return self.arrivals_per_minute / 60  # 0 for the smallest rates there are

    def _plan_arrival(self) -> None:
        """Draw the next arrival anew only when the rate was changed."""
        if self._next_rate != self.arrivals_per_minute:
            self._next_rate = self.arrivals_per_minute
            if self._arrivals_per_second > 0:
                self._next_arrival = self.now + self.rng.expovariate(self._arrivals_per_second)

    def _arrive(self) -> None:
        self.join(visitor=False)
        self._next_arrival = self.now + self.rng.expovariate(self._arrivals_per_second)

    def _end_what_is_over(self) -> None:
        running = [chat for chat in self.running if chat.until > self.now]
        waiting = deque(chat for chat in self.waiting if chat.until > self.now)
        self.served += len(self.running) - len(running)
        self.given_up += len(self.waiting) - len(waiting)
        self.running, self.waiting = running, waiting

    def _assign(self) -> None:
        while self.waiting and self.free_slots and not self.frozen:
            chat = self.waiting.popleft()
            chat.until = self.now + (VISITOR_SILENCE if chat.visitor else chat.length)
            self.running.append(chat)
