"""A stand-in for ECE behind the port: it answers, hangs, refuses or fails as the test says, and counts every call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from widget.domain.errors import EceError, EceTimeout
from widget.domain.readings import (
    AgentAvailability,
    Call,
    Capacity,
    ChatAllowed,
    Eligibility,
    LiveSessionStatus,
    Reading,
    Reason,
)

OPEN: dict[Call, Reading] = {
    Call.CHAT_ALLOWED: ChatAllowed(allowed=True),
    Call.CHECK_ELIGIBILITY: Eligibility(reason=None),
    Call.AGENT_AVAILABILITY: AgentAvailability(available=True),
    Call.CAPACITY: Capacity(count=4),
    Call.LIVE_SESSION_STATUS: LiveSessionStatus(wait_time=180, queue_depth=2),
}
CLOSED = ChatAllowed(allowed=False, reason=Reason.AGENT_NOT_AVAILABLE)


@dataclass
class EceStandIn:
    """Fits the port `QueueSource`. `asked` lists every call with the id it was made for.

    `shut` are ids whose chats nobody takes, whatever `answers` says.
    """

    answers: dict[Call, Reading | EceError] = field(default_factory=lambda: dict(OPEN))
    asked: list[tuple[Call, int]] = field(default_factory=list)
    shut: set[int] = field(default_factory=set)
    gate: asyncio.Event | None = None
    timeout: float = 2.0
    before_answer: Callable[[], None] = lambda: None

    def count(self, call: Call = Call.CHAT_ALLOWED) -> int:
        return sum(1 for asked, _ in self.asked if asked is call)

    def fails(self, error: EceError) -> None:
        """Answer every call with this error from now on."""
        self.answers = dict.fromkeys(Call, error)

    def recovers(self) -> None:
        self.answers = dict(OPEN)

    def holds(self) -> asyncio.Event:
        """Hold every answer back until the event is set; a call gives up after `timeout`, as the client does."""
        self.gate = asyncio.Event()
        return self.gate

    async def ask(self, call: Call, entry_point_id: int) -> Reading:
        self.asked.append((call, entry_point_id))
        if self.gate is not None:
            try:
                async with asyncio.timeout(self.timeout):
                    await self.gate.wait()
            except TimeoutError:
                raise EceTimeout("no answer in time") from None
        else:
            await asyncio.sleep(0)
        self.before_answer()
        answer = CLOSED if call is Call.CHAT_ALLOWED and entry_point_id in self.shut else self.answers[call]
        if isinstance(answer, EceError):
            raise answer
        return answer
