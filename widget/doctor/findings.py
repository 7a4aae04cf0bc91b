"""Everything worth saying about one entry point: failed calls, ECE's reasons, contradictions, limits, hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from widget.doctor.remedies import remedy
from widget.doctor.report import Finding, Severity
from widget.domain import hours as business_hours
from widget.domain.errors import EceError
from widget.domain.evaluation import Outcomes
from widget.domain.policy import Policy
from widget.domain.readings import (
    AgentAvailability,
    Call,
    Capacity,
    ChatAllowed,
    Eligibility,
    Reason,
)
from widget.settings import Settings

if TYPE_CHECKING:
    from widget.ece.progress import Probe

    Probes = Mapping[Call, Probe]

SLOW = 0.5  # of the time allowed

_ECE_SAYS = {
    Reason.INVALID_ENTRY_POINT: (
        "ECE knows no entry point with this id",
        "Check `id` against the entry point in ECE's administration console.",
    ),
    Reason.ENTRY_POINT_INACTIVE: (
        "the entry point is switched off in ECE",
        "Activate it in ECE's administration console, or set `enabled = false` here.",
    ),
    Reason.SERVICE_NOT_RUNNING: (
        "ECE's chat services do not run: the agent assignment service does not serve this entry point",
        "Start the agent assignment service (EAAS) and its listener in ECE's services; check the media routing domain"
        " of the entry point's queue, and the agents' states: logged in, Ready and routable for chat.",
    ),
}
_ODD = {
    "unknown_reason": "ECE gave a reason that its guide does not list; it counts as closed",
    "unusable_number": "ECE gave a number that is none; it counts as not given",
    "repaired": "ECE's XML is not well formed; it was read all the same",
}


def findings(
    settings: Settings,
    entry_point_id: int,
    policy: Policy,
    probes: Probes,
    outcomes: Outcomes,
    now: datetime,
    of_the_page: Iterable[Finding],
) -> Iterator[Finding]:
    """Return what is wrong first, then what is worth knowing; `of_the_page` is what the chat page has of both."""
    found = [
        *_failed_calls(settings, entry_point_id, policy, probes),
        *_missing_numbers(policy, probes, outcomes),
        *_eces_word(probes),
        *_availability_always_true(policy, probes),
        *_contradictions(probes),
        *_slow(settings, probes),
        *_oddities(probes),
        *of_the_page,
        *_closed_by_us(policy, now),
    ]
    if not policy.enabled:  # nothing is wrong with a button that nobody sees
        found = [replace(finding, severity=Severity.NOTE) for finding in found]
    yield from sorted(found, key=lambda finding: finding.severity is not Severity.WRONG)


def _failed_calls(settings: Settings, entry_point_id: int, policy: Policy, probes: Probes) -> Iterator[Finding]:
    """The calls that failed in the same way are one finding."""
    groups: dict[tuple[str, str], list[Call]] = {}
    for call, probe in probes.items():
        if probe.error is not None:
            groups.setdefault(remedy(settings.ece, probe, probe.error), []).append(call)
    for (what, change), calls in groups.items():
        needed = [call for call in calls if call in policy.calls and policy.needs(call)]
        which = "every call" if len(calls) == len(Call) else ", ".join(calls)
        address = settings.ece.address((needed or calls)[0], entry_point_id)
        if needed:
            yield Finding(Severity.WRONG, f"{which}: {what}", change, address)
        else:
            yield Finding(Severity.NOTE, f"{which} (not needed for this button): {what}", change, address)


def _missing_numbers(policy: Policy, probes: Probes, outcomes: Outcomes) -> Iterator[Finding]:
    limits = {
        Call.LIVE_SESSION_STATUS: "`max_wait` and `max_queue_depth`",
        Call.CAPACITY: '`min_capacity` and "capacity" in `checks`',
    }
    for call, names in limits.items():
        outcome = outcomes.get(call)
        if isinstance(outcome, EceError) and probes[call].error is None and policy.needs(call):
            yield Finding(
                Severity.WRONG,
                f"{call}: {outcome.detail}; so the button is never open",
                f"Leave out {names}, or let ECE's administrator find out why ECE does not know the number.",
            )


def _eces_word(probes: Probes) -> Iterator[Finding]:
    reading = probes[Call.CHAT_ALLOWED].reading
    if isinstance(reading, ChatAllowed) and not reading.allowed and reading.reason in _ECE_SAYS:
        yield Finding(Severity.WRONG, *_ECE_SAYS[reading.reason])


def _availability_always_true(policy: Policy, probes: Probes) -> Iterator[Finding]:
    available = probes[Call.AGENT_AVAILABILITY].reading
    if not (isinstance(available, AgentAvailability) and available.available):
        return
    allowed, eligible = probes[Call.CHAT_ALLOWED].reading, probes[Call.CHECK_ELIGIBILITY].reading
    nobody = (isinstance(allowed, ChatAllowed) and allowed.reason is Reason.AGENT_NOT_AVAILABLE) or (
        isinstance(eligible, Eligibility) and eligible.reason is Reason.AGENT_NOT_AVAILABLE
    )
    slots = probes[Call.CAPACITY].reading
    full = isinstance(slots, Capacity) and slots.count == 0
    if not nobody and not full:
        return
    relied = Call.AGENT_AVAILABILITY in policy.checks
    others = "other checks say that nobody is there" if nobody else "capacity is 0 (perhaps all agents are busy)"
    yield Finding(
        Severity.WRONG if relied and nobody else Severity.NOTE,
        f"agentAvailability is true although {others}: agent availability of this entry point may be set to"
        ' "not required" in ECE, and then it is always true',
        'Set it to "required" in ECE, or use "chatAllowed" in `checks` instead of "agentAvailability".'
        if relied
        else "",
    )


def _contradictions(probes: Probes) -> Iterator[Finding]:
    allowed, eligible = probes[Call.CHAT_ALLOWED].reading, probes[Call.CHECK_ELIGIBILITY].reading
    if not isinstance(allowed, ChatAllowed) or not isinstance(eligible, Eligibility):
        return
    shared = (Reason.QUEUE_DEPTH_REACHED, Reason.AGENT_NOT_AVAILABLE)
    opposed = allowed.allowed != (eligible.reason is None) and (allowed.allowed or allowed.reason in shared)
    if opposed:
        yes, no = ("chatAllowed", "checkEligibility") if allowed.allowed else ("checkEligibility", "chatAllowed")
        yield Finding(
            Severity.NOTE,
            f"{yes} says yes, {no} says {eligible.reason or allowed.reason}: the state may have changed in between",
            "Run `check` again; if they still differ, keep the one you trust in `checks`.",
        )


def _slow(settings: Settings, probes: Probes) -> Iterator[Finding]:
    allowed = settings.ece.timeout
    if any(probe.error is None and probe.elapsed > allowed * SLOW for probe in probes.values()):
        yield Finding(
            Severity.NOTE,
            f"ECE takes more than half of the {allowed:g} s that `timeout` allows",
            "Raise `timeout` in [ece] if that is its usual pace.",
        )


def _oddities(probes: Probes) -> Iterator[Finding]:
    for oddity, words in _ODD.items():
        if calls := [call for call, probe in probes.items() if oddity in probe.oddities]:
            yield Finding(Severity.NOTE, f"{', '.join(calls)}: {words}")


def _closed_by_us(policy: Policy, now: datetime) -> Iterator[Finding]:
    if not policy.enabled:
        yield Finding(Severity.NOTE, "switched off here (`enabled = false`): ECE is not asked")
    elif policy.hours is not None and not business_hours.is_open(policy.hours, now):
        opening = business_hours.next_opening(policy.hours, now)
        when = (
            "and never open" if opening is None else f"until {opening.astimezone(policy.hours.timezone):%Y-%m-%d %H:%M}"
        )
        yield Finding(Severity.NOTE, f"closed by its `hours` {when} ({policy.hours.timezone}): ECE is not asked")
