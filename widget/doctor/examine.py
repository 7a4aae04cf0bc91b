"""Ask ECE everything for every entry point, a few calls at a time, and diagnose what came back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from widget.doctor.findings import findings
from widget.doctor.report import Asked, Diagnosis, Probe, Report
from widget.domain.decision import LimitMemory, Outcome, Policy, decide, judge, require_number
from widget.domain.errors import EceError, EceUnreadable
from widget.domain.readings import Call
from widget.settings import Settings
from widget.settings import warnings as warnings_of

AT_ONCE = 20


class Prober(Protocol):
    """The port to ECE."""

    async def probe(self, call: Call, entry_point_id: int, /) -> Probe: ...


async def examine(
    settings: Settings,
    prober: Prober,
    *,
    now: datetime,
    asked: Callable[[], None] = lambda: None,
    warnings: Sequence[str] = (),
) -> Report:
    """Make the five GET calls for every entry point and say what is wrong; `asked` is called after each call."""
    # Never more than our own limit of connections: a call that waits for one would be told as a fault of ECE.
    slots = asyncio.Semaphore(min(AT_ONCE, settings.ece.max_connections))

    async def one(call: Call, entry_point_id: int) -> Probe:
        async with slots:
            probe = await prober.probe(call, entry_point_id)
        asked()
        return probe

    async with asyncio.TaskGroup() as tasks:
        running = {
            name: [tasks.create_task(one(call, entry_point.id)) for call in Call]
            for name, entry_point in settings.entry_points.items()
        }
    diagnoses = (
        diagnose(settings, name, {task.result().call: task.result() for task in probes}, now)
        for name, probes in running.items()
    )
    return Report(tuple(diagnoses), (*warnings_of(settings, today=now.date()), *warnings))


def diagnose(settings: Settings, name: str, probes: Mapping[Call, Probe], now: datetime) -> Diagnosis:
    """Give the decision of these answers for one entry point, and everything worth saying about them."""
    entry_point = settings.entry_points[name]
    policy = entry_point.policy(name)
    outcomes = {call: _outcome(policy, probes[call]) for call in policy.calls}
    verdict, _ = judge(policy, outcomes, LimitMemory())
    return Diagnosis(
        entry_point=name,
        id=entry_point.id,
        asked=tuple(Asked(probes[call], used=call in policy.calls) for call in Call),
        decision=decide(policy, verdict, as_of=now, now=now),
        findings=tuple(findings(settings, policy, probes, outcomes, now)),
    )


def _outcome(policy: Policy, probe: Probe) -> Outcome:
    if probe.reading is None:
        return probe.error or EceError("no answer")
    try:
        return require_number(policy, probe.reading)
    except EceUnreadable as error:
        return error
