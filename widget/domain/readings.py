"""What ECE's five GET calls say, as values.

A *reading* is one parsed answer. Numbers that ECE gave in no usable form are None; whether that matters is the
policy's question (`evaluation.py`), not the reader's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Call(StrEnum):
    """ECE's five GET calls, in the order in which they give the reason (section 5 of the contract)."""

    CHAT_ALLOWED = "chatAllowed"
    CHECK_ELIGIBILITY = "checkEligibility"
    AGENT_AVAILABILITY = "agentAvailability"
    CAPACITY = "capacity"
    LIVE_SESSION_STATUS = "liveSessionStatus"


class Reason(StrEnum):
    """Why there is no chat: ECE's own six (guide, section 13), then ours."""

    QUEUE_DEPTH_REACHED = "queue_depth_reached"
    AGENT_NOT_AVAILABLE = "agent_not_available"
    SERVICE_NOT_RUNNING = "service_not_running"
    INVALID_ENTRY_POINT = "invalid_entry_point"
    ENTRY_POINT_INACTIVE = "entry_point_inactive"
    OTHER = "other"
    WAIT_TOO_LONG = "wait_too_long"
    QUEUE_TOO_DEEP = "queue_too_deep"
    NO_CAPACITY = "no_capacity"
    OUTSIDE_HOURS = "outside_hours"
    SWITCHED_OFF = "switched_off"
    ECE_UNREACHABLE = "ece_unreachable"


@dataclass(frozen=True, slots=True)
class ChatAllowed:
    """Guide, section 13. `reason` is set when not allowed; a reason nobody knows is `other`."""

    allowed: bool
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Guide, section 12: responseType 0 is no reason, 1 no agent, 2 the queue is full."""

    reason: Reason | None


@dataclass(frozen=True, slots=True)
class AgentAvailability:
    """Guide, section 9."""

    available: bool


@dataclass(frozen=True, slots=True)
class Capacity:
    """Guide, section 10: free chat slots of all agents of the queue, never below 0."""

    count: int | None


@dataclass(frozen=True, slots=True)
class LiveSessionStatus:
    """Guide, section 11: estimated wait in seconds (rounded up), and chats waiting in the queue."""

    wait_time: int | None
    queue_depth: int | None


Reading = ChatAllowed | Eligibility | AgentAvailability | Capacity | LiveSessionStatus
