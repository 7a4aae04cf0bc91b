"""Ask ECE everything for every entry point, a few calls at a time, and diagnose what came back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from widget.doctor.browsing import Page, Unreached
from widget.doctor.chat_page import chat_page_findings
from widget.doctor.findings import findings
from widget.doctor.report import CheckedCall, Diagnosis, Finding, Report, Service
from widget.domain.decision import decide
from widget.domain.errors import EceError
from widget.domain.evaluation import LimitMemory, Outcome, evaluate, outcome_of
from widget.domain.policy import Policy
from widget.domain.readings import Call
from widget.settings import Settings
from widget.settings import warnings as warnings_of

if TYPE_CHECKING:
    from widget.ece.progress import Probe

    Ask = Callable[[Call, int], Awaitable[Probe]]  # makes one call to ECE for an entry point's id

AT_ONCE = 20

# Opens the chat page of an entry point: the address that was opened, and what came.
OpenChatPage = Callable[[str], Awaitable[tuple[str, Page | Unreached]]]


async def examine(
    settings: Settings,
    ask: Ask,
    *,
    now: datetime,
    asked: Callable[[], None] = lambda: None,
    open_chat_page: OpenChatPage | None = None,
    try_services: Sequence[Coroutine[None, None, Service]] = (),
    warnings: Sequence[str] = (),
) -> Report:
    """Make the five GET calls for every entry point, open its chat page, try the services, and say what is wrong.

    `asked` is called after each call; without `open_chat_page` the chat pages are left out.
    """
    # Never more than our own limit of connections: a call that waits for one would be told as a fault of ECE.
    slots = asyncio.Semaphore(min(AT_ONCE, settings.ece.max_connections))

    async def one(call: Call, entry_point_id: int) -> Probe:
        async with slots:
            probe = await ask(call, entry_point_id)
        asked()
        return probe

    async def opened(name: str) -> tuple[str, Page | Unreached] | None:
        if open_chat_page is None:
            return None
        async with slots:
            return await open_chat_page(name)

    async with asyncio.TaskGroup() as tasks:
        services = [tasks.create_task(each) for each in try_services]
        pages = {name: tasks.create_task(opened(name)) for name in settings.entry_points}
        running = {
            name: [tasks.create_task(one(call, entry_point.id)) for call in Call]
            for name, entry_point in settings.entry_points.items()
        }
    diagnoses = (
        diagnose(settings, name, {task.result().call: task.result() for task in probes}, now, pages[name].result())
        for name, probes in running.items()
    )
    return Report(
        tuple(diagnoses),
        (*warnings_of(settings, today=now.date()), *warnings),
        tuple(task.result() for task in services),
    )


def diagnose(
    settings: Settings,
    name: str,
    probes: Mapping[Call, Probe],
    now: datetime,
    chat_page: tuple[str, Page | Unreached] | None,
) -> Diagnosis:
    """Return the decision of these answers for one entry point, and everything worth saying about them."""
    of_the_page: Iterable[Finding] = ()
    if chat_page is not None and not _fails_with_ece(settings, probes, *chat_page):
        of_the_page = chat_page_findings(settings, name, *chat_page)
    entry_point = settings.entry_points[name]
    policy = entry_point.policy(name)
    outcomes = {call: _outcome(policy, probes[call]) for call in policy.calls}
    evaluation, _ = evaluate(policy, outcomes, LimitMemory())
    return Diagnosis(
        entry_point=name,
        id=entry_point.id,
        calls=tuple(
            CheckedCall(probes[call], call in policy.calls, settings.ece.address(call, entry_point.id)) for call in Call
        ),
        decision=decide(policy, evaluation, as_of=now, now=now),
        findings=tuple(findings(settings, entry_point.id, policy, probes, outcomes, now, of_the_page)),
    )


def _fails_with_ece(settings: Settings, probes: Mapping[Call, Probe], address: str, found: Page | Unreached) -> bool:
    """Return whether the chat page fails with every call to the same host: one cause is one finding."""
    same_host = urlsplit(address).netloc == urlsplit(settings.ece.base_url).netloc
    failed = isinstance(found, Unreached) or found.status != 200
    return same_host and failed and all(probe.error is not None for probe in probes.values())


def _outcome(policy: Policy, probe: Probe) -> Outcome:
    if probe.reading is None:
        return probe.error or EceError("no answer")
    return outcome_of(policy, probe.reading)
