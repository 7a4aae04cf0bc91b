"""Verdicts and breakers as text on the shared server, and back; what cannot be read there counts as not there.

Server times are microseconds of the server's clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from widget.domain.breaker import LONGEST_PERIOD, SPREAD, Breaker, Closed, HalfOpen, Open
from widget.domain.decision import LimitMemory, State, Verdict
from widget.domain.readings import Call, Reason

Translate = Callable[[float], float]
_FARTHEST = LONGEST_PERIOD * (1 + SPREAD)


def verdict_text(verdict: Verdict, memory: LimitMemory) -> str:
    """Write a verdict and the memory of the limits behind it."""
    return json.dumps(
        {
            "state": verdict.state,
            "reason": verdict.reason,
            "wait_time": verdict.wait_time,
            "queue_depth": verdict.queue_depth,
            "capacity": verdict.capacity,
            "near_limit": verdict.near_limit,
            "closed_by": memory.closed_by,
            "within": memory.within,
        }
    )


def read_verdict(text: str) -> tuple[Verdict, LimitMemory] | None:
    """Read what `verdict_text` wrote; None for anything else."""
    try:
        fields = json.loads(text)
        verdict = Verdict(
            State(fields["state"]),
            _reason(fields["reason"]),
            _number(fields["wait_time"]),
            _number(fields["queue_depth"]),
            _number(fields["capacity"]),
            near_limit=fields["near_limit"] is True,
        )
        return verdict, LimitMemory(_reason(fields["closed_by"]), int(fields["within"]))
    except (ValueError, TypeError, KeyError):
        return None


def breaker_text(state: Breaker, server_time: Translate) -> str:
    """Write a breaker's state, nothing for the first one; `server_time` translates our monotonic seconds."""
    fields = _breaker_fields(state, server_time)
    return json.dumps(fields) if fields else ""


def read_breaker(text: str, our_time: Translate, moment: float) -> Breaker:
    """Read a breaker's state; one that could not end in time, as after a clock was set, is cut to the longest."""
    try:
        return _breaker(json.loads(text), our_time, moment) if text else Closed()
    except (ValueError, TypeError, KeyError):
        return Closed()


def calls_text(calls: Mapping[Call, Breaker], server_time: Translate) -> str:
    """Write the breakers of an entry point's calls."""
    return json.dumps({call: _breaker_fields(state, server_time) for call, state in calls.items()})


def read_calls(text: str, our_time: Translate, moment: float) -> dict[Call, Breaker]:
    """Read the breakers of an entry point's calls; none from anything else."""
    try:
        listed = json.loads(text) if text else {}
        return {Call(call): _breaker(fields, our_time, moment) for call, fields in listed.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}


def _breaker_fields(state: Breaker, server_time: Translate) -> dict[str, float]:
    match state:
        case Open(until=until, period=period):
            return {"until": server_time(until), "period": period}
        case HalfOpen(since=since, period=period):
            return {"since": server_time(since), "period": period}
        case Closed(failures=failures):
            return {"failures": failures} if failures else {}


def _breaker(fields: Mapping[str, Any], our_time: Translate, moment: float) -> Breaker:
    if "until" in fields:
        return Open(min(our_time(fields["until"]), moment + _FARTHEST), min(float(fields["period"]), LONGEST_PERIOD))
    if "since" in fields:
        return HalfOpen(min(our_time(fields["since"]), moment), min(float(fields["period"]), LONGEST_PERIOD))
    return Closed(int(fields.get("failures", 0)))


def _reason(value: Any) -> Reason | None:
    return None if value is None else Reason(value)


def _number(value: Any) -> int | None:
    return None if value is None else int(value)
