"""One process of a fleet asks ECE, the others take its evaluations: one round of calls per id in ECE and `fresh_for`.

A process whose snapshot is stale asks for the lease of the next round. Its holder makes the calls and reports; the
others look again until the report is there. When the holder dies, the next process gets the lease once it has ended.
Circuit breakers and the memory of the operator's limits are shared too, so that a failing ECE gets one probe a period
from the whole fleet. A process asks for itself when the shared state cannot be reached, when its round crashes, and
when a lease lasts longer than a round can.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from widget.application.breakers import GuardedSource, Permit
from widget.application.clock import Clock
from widget.application.refresh import LocalRefresher, Refreshed, RefreshInput, RefreshResult, Snapshot, Subject
from widget.domain import breaker
from widget.domain.breaker import Breaker, Closed, HalfOpen, Open
from widget.domain.errors import EceError
from widget.domain.fleet import Lease, RoundResult, SharedEvaluations

FIRST_LOOK = 0.03  # seconds: ECE seldom answers faster
LONGEST_LOOK = 0.25
# A probe that another process made has an outcome by then; its own breaker cannot know when.
LOOK_AFTER_PROBE = 1.0


class SharedState(Protocol):
    """What the fleet shares. None from any of these methods means that it cannot be reached now.

    `longest_round` is the time in seconds after which a holder that has not reported counts as dead.
    """

    @property
    def longest_round(self) -> float: ...

    async def take_lease(self, entry_point: str) -> Lease | None: ...

    async def report(self, entry_point: str, lease: Lease, result: RoundResult) -> bool | None: ...

    async def release(self, entry_point: str, lease: Lease) -> bool | None: ...

    async def change_host(self, change: Callable[[Breaker], Breaker]) -> Breaker | None: ...


class FleetRefresher:
    """Refresh with the rest of the fleet; fits the port `Refresher`. `local` is what a process does by itself.

    `crashed(entry_point, error)` is called when a shared round raised, before this process asks for itself.
    """

    def __init__(
        self,
        local: LocalRefresher,
        source: GuardedSource,
        shared: SharedState,
        *,
        fresh_for: float,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        crashed: Callable[[str, Exception], None],
    ) -> None:
        self._local = local
        self._source = source
        self._shared = shared
        self._fresh_for = fresh_for
        self._clock = clock
        self._sleep = sleep
        self._crashed = crashed
        self._seen: dict[str, str] = {}

    async def refresh(self, subject: Subject, permit: Permit) -> Refreshed:
        """Ask for the fleet, or wait for the process that does, or ask for this process alone."""
        try:
            refreshed = await self._shared_round(subject)
        except Exception as error:  # noqa: BLE001 - told, and no fault of sharing may keep a process from asking
            self._crashed(subject.name, error)
            refreshed = None
        return await self._go_alone(subject, permit) if refreshed is None else refreshed

    async def _shared_round(self, subject: Subject) -> Refreshed | None:
        """Return what the fleet found; None when the shared state is away or a lease outlasts the longest round."""
        name, pause, until = (
            subject.name,
            FIRST_LOOK,
            self._clock.monotonic() + self._shared.longest_round,
        )
        while (lease := await self._shared.take_lease(name)) is not None:
            self._source.take_over(name, self._mirrored(lease.host), lease.calls)
            if lease.held:
                return await self._lead(subject, lease)
            known = self._news(subject, lease)
            if lease.over or (known is not None and self._is_fresh(known)):
                return self._follow(subject, lease, known)
            if self._clock.monotonic() >= until:
                return None
            await self._sleep(pause)
            pause = min(pause * 1.5, LONGEST_LOOK)
        return None

    async def _go_alone(self, subject: Subject, permit: Permit) -> Refreshed:
        # What the fleet shares may have replaced the breakers since `permit` was given, but never by a probe of ours.
        if not isinstance(self._source.host, HalfOpen):
            renewed = self._source.permit(subject.name, subject.calls)
            if renewed is None:
                return self._adopted(subject, None, failed=True)
            permit = renewed
        return await self._local.refresh(subject, permit)

    def _follow(self, subject: Subject, lease: Lease, known: SharedEvaluations | None) -> Refreshed:
        if known is not None and self._is_fresh(known):
            return self._adopted(subject, known, failed=False)
        # Nobody asks before the round's end; a moment later, so that the fleet does not look just before it.
        again = max(lease.ends, self._clock.monotonic()) + FIRST_LOOK
        return replace(self._adopted(subject, known, failed=lease.failed), not_before=again)

    async def _lead(self, subject: Subject, lease: Lease) -> Refreshed:
        name, started = subject.name, self._clock.monotonic()
        known = self._news(subject, lease)
        permit = self._source.permit(name, subject.calls)
        if permit is None or not await self._gets_probe(name, permit):
            await self._shared.release(name, lease)
            return self._adopted(subject, known, failed=True)
        remembered = {} if lease.known is None else lease.known.evaluations
        inputs = {
            each: replace(given, memory=remembered[each][1]) if each in remembered else given
            for each, given in subject.inputs.items()
        }
        refreshed = await self._local.refresh(replace(subject, inputs=inputs), permit)
        await self._settle_host(name, lease, permit, refreshed)
        result = _evaluations(lease.round, refreshed)
        if result is not None:
            self._seen[name] = lease.round
        calls = self._source.calls_of(name)
        await self._shared.report(name, lease, RoundResult(result, calls, started + self._fresh_for))
        if result is None and known is not None:
            return replace(refreshed, results=self._adopted(subject, known, failed=True).results)
        return refreshed

    async def _gets_probe(self, name: str, permit: Permit) -> bool:
        """Return whether this process may ask the host: while it fails, one of all processes may, as the probe."""
        if permit.probe_of is None:
            return True
        won, moment = False, self._clock.monotonic()

        def claim(host: Breaker) -> Breaker:
            nonlocal won
            won = breaker.may_ask(host, moment)
            return breaker.asking(host, moment) if won else host

        host = await self._shared.change_host(claim)
        if host is None:
            return True
        if not won:
            self._source.take_over(name, self._mirrored(host), self._source.calls_of(name))
        return won

    async def _settle_host(self, name: str, lease: Lease, permit: Permit, refreshed: Refreshed) -> None:
        outcomes = list(refreshed.answers.outcomes.values()) if refreshed.answers else []
        well = all(not isinstance(outcome, EceError) for outcome in outcomes)
        if well and lease.host == Closed() and permit.probe_of is None:
            return

        def settle(host: Breaker) -> Breaker:
            after = self._source.host_after(host, outcomes)
            return permit.probe_of if permit.probe_of is not None and isinstance(after, HalfOpen) else after

        host = await self._shared.change_host(settle)
        if host is not None:
            self._source.take_over(name, self._mirrored(host), self._source.calls_of(name))

    def _mirrored(self, host: Breaker) -> Breaker:
        """Return the shared state for this process: while another one's probe is out, open until the next look."""
        if isinstance(host, HalfOpen):
            moment = self._clock.monotonic()
            return Open(min(moment + LOOK_AFTER_PROBE, host.since + breaker.PROBE_LIMIT), host.period)
        return host

    def _news(self, subject: Subject, lease: Lease) -> SharedEvaluations | None:
        """Return the fleet's evaluations if they are newer than ours. What was adopted before never gets younger."""
        known = lease.known
        if known is None or self._seen.get(subject.name) == known.round:
            return None
        ours = [each.snapshot.taken_at for each in subject.inputs.values() if each.snapshot is not None]
        return known if known.taken_at > max(ours, default=float("-inf")) else None

    def _is_fresh(self, known: SharedEvaluations) -> bool:
        return self._clock.monotonic() - known.taken_at < self._fresh_for

    def _adopted(self, subject: Subject, known: SharedEvaluations | None, *, failed: bool) -> Refreshed:
        if known is None:
            return Refreshed({name: _nothing_new(each, failed=failed) for name, each in subject.inputs.items()})
        self._seen[subject.name] = known.round
        as_of = self._clock.now() - timedelta(seconds=max(0.0, self._clock.monotonic() - known.taken_at))
        results = {}
        for name, given in subject.inputs.items():
            if name in known.evaluations:
                evaluation, memory = known.evaluations[name]
                results[name] = RefreshResult(Snapshot(evaluation, known.taken_at, as_of), memory, failed)
            else:
                results[name] = _nothing_new(given, failed=True)
        return Refreshed(results)


def _nothing_new(given: RefreshInput, *, failed: bool) -> RefreshResult:
    return RefreshResult(None, given.memory, failed=failed or given.snapshot is None)


def _evaluations(round: str, refreshed: Refreshed) -> SharedEvaluations | None:
    """Return what a round found, None where it found nothing."""
    found = {
        name: (each.snapshot.evaluation, each.memory, each.snapshot.taken_at)
        for name, each in refreshed.results.items()
        if each.snapshot is not None
    }
    if not found:
        return None
    taken_at = min(each[2] for each in found.values())
    return SharedEvaluations(round, {name: each[:2] for name, each in found.items()}, taken_at)
