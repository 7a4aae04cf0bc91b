"""What the control addresses accept, each with its limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from widget.simulator.faults import FaultKind
from widget.simulator.world import EntryPoint

Call = Literal["all", "agentAvailability", "capacity", "liveSessionStatus", "checkEligibility", "chatAllowed", "survey"]
_OF_ENTRY_POINT = ("fixed_wait", "fixed_depth", "forced_reason")


class _Change(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class EntryPointChange(_Change):
    """Fields that are given are changed. `waiting` puts that many chats into the queue at once."""

    agents: Annotated[int, Field(ge=0, le=200)] = 0
    slots_per_agent: Annotated[int, Field(ge=1, le=20)] = 1
    handling_time: Annotated[float, Field(ge=1, le=36_000)] = 1
    arrivals_per_minute: Annotated[float, Field(ge=0, le=120)] = 0
    patience: Annotated[float, Field(ge=1, le=36_000)] = 1
    max_chats: Annotated[int, Field(ge=1, le=500)] = 1
    agents_required: bool = True
    active: bool = True
    away: bool = False
    frozen: bool = False
    fixed_wait: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    fixed_depth: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    forced_reason: Annotated[str, Field(pattern=r"^[A-Za-z_]{1,64}$")] | None = None
    waiting: Annotated[int, Field(ge=0, le=500)] = 0

    def apply_to(self, entry_point: EntryPoint) -> None:
        given = self.model_dump(exclude_unset=True)
        depth = given.pop("waiting", None)
        for name, value in given.items():
            setattr(entry_point if name in _OF_ENTRY_POINT else entry_point.queue, name, value)
        if depth is not None:
            entry_point.queue.set_depth(depth)
        entry_point.queue.advance(0)


class FaultChange(_Change):
    call: Call = "all"
    kind: FaultKind
    seconds: float = Field(default=3.0, ge=0, le=600)
    times: int | None = Field(default=None, ge=1, le=1_000_000)


class ServiceChange(_Change):
    running: bool


class Advance(_Change):
    seconds: float = Field(gt=0, le=900)
