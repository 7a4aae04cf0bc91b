"""One process of a fleet asks ECE, the others take its verdict: one round of calls per entry point and `fresh_for`.

A process whose snapshot is stale asks the board for a turn. Whoever gets it makes the calls and reports; the others
look again until the report is there. The turn is a lease: when its holder dies, the next process gets it once the
lease is over. Circuit breakers and the memory of the operator's limits stand on the board too, so that a failing ECE
gets one probe a period from the whole fleet. Without the board each process goes on alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from widget.application.breakers import GuardedSource, Permit
from widget.application.refresh import Alone, Refreshed, Snapshot, Subject
from widget.domain import breaker
from widget.domain.breaker import Breaker, Closed, HalfOpen, Open
from widget.domain.decision import Policy
from widget.domain.errors import EceError
from widget.domain.fleet import RoundResult, SharedVerdict, Turn

FIRST_LOOK = 0.03  # seconds: ECE seldom answers faster
LONGEST_LOOK = 0.25
# A probe that another process made has an outcome by then; its own breaker cannot know when.
LOOK_AFTER_PROBE = 1.0


class Board(Protocol):
    """What the fleet has in common. None from any of these means that it cannot be reached now."""

    async def take_turn(self, entry_point: str) -> Turn | None: ...

    async def report(self, entry_point: str, turn: Turn, result: RoundResult) -> bool | None: ...

    async def give_back(self, entry_point: str, turn: Turn) -> bool | None: ...

    async def change_host(self, change: Callable[[Breaker], Breaker]) -> Breaker | None: ...


class Together:
    """Refresh with the rest of the fleet; fits the port `Refresher`. `alone` is what a process does by itself."""

    def __init__(
        self,
        alone: Alone,
        source: GuardedSource,
        board: Board,
        *,
        fresh_for: float,
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._alone = alone
        self._source = source
        self._board = board
        self._fresh_for = fresh_for
        self._monotonic = monotonic
        self._now = now
        self._sleep = sleep
        self._seen: dict[str, str] = {}

    async def refresh(self, subject: Subject, permit: Permit) -> Refreshed:
        """Ask for the fleet, or wait for the process that does, or ask alone when the board is away."""
        name, pause = subject.policy.entry_point, FIRST_LOOK
        turn = await self._board.take_turn(name)
        if turn is None:
            return await self._alone.refresh(subject, permit)
        while True:
            self._source.take_over(name, self._mirrored(turn.host), turn.calls)
            if turn.ours:
                return await self._lead(subject, turn)
            known = self._news(subject, turn)
            if turn.over or (known is not None and self._is_fresh(known)):
                return self._follow(subject, turn, known)
            await self._sleep(pause)
            pause = min(pause * 1.5, LONGEST_LOOK)
            turn = await self._board.take_turn(name)
            if turn is None:
                return await self._go_alone(subject)

    async def _go_alone(self, subject: Subject) -> Refreshed:
        permit = self._source.permit(subject.policy.entry_point, subject.policy.calls)
        if permit is None:
            return Refreshed(None, subject.memory, failed=True)
        return await self._alone.refresh(subject, permit)

    def _follow(self, subject: Subject, turn: Turn, known: SharedVerdict | None) -> Refreshed:
        if known is not None and self._is_fresh(known):
            return self._adopted(subject, known, failed=False)
        # Nobody asks before the round's end; a moment later, so that the fleet does not look just before it.
        again = max(turn.ends, self._monotonic()) + FIRST_LOOK
        return replace(self._adopted(subject, known, failed=turn.failed), not_before=again)

    async def _lead(self, subject: Subject, turn: Turn) -> Refreshed:
        policy, started = subject.policy, self._monotonic()
        known = self._news(subject, turn)
        permit = self._source.permit(policy.entry_point, policy.calls)
        if permit is None or not await self._gets_probe(policy, permit):
            await self._board.give_back(policy.entry_point, turn)
            return self._adopted(subject, known, failed=True)
        memory = subject.memory if turn.known is None else turn.known.memory
        refreshed = await self._alone.refresh(replace(subject, memory=memory), permit)
        await self._settle_host(policy, turn, permit, refreshed)
        found = None
        if refreshed.snapshot is not None:
            self._seen[policy.entry_point] = turn.round
            taken_at = refreshed.snapshot.taken_at
            found = SharedVerdict(turn.round, refreshed.snapshot.verdict, refreshed.memory, taken_at)
        calls = self._source.calls_of(policy.entry_point)
        await self._board.report(policy.entry_point, turn, RoundResult(found, calls, started + self._fresh_for))
        if found is None and known is not None:
            older = self._adopted(subject, known, failed=True)
            return replace(refreshed, snapshot=older.snapshot, memory=older.memory)
        return refreshed

    async def _gets_probe(self, policy: Policy, permit: Permit) -> bool:
        """Of all processes that may probe the host at this moment one gets leave; always so while it is well."""
        if permit.probe_of is None:
            return True
        won, moment = False, self._monotonic()

        def claim(host: Breaker) -> Breaker:
            nonlocal won
            won = breaker.may_ask(host, moment)
            return breaker.asking(host, moment) if won else host

        host = await self._board.change_host(claim)
        if host is None:
            return True
        if not won:
            self._source.take_over(policy.entry_point, self._mirrored(host), self._source.calls_of(policy.entry_point))
        return won

    async def _settle_host(self, policy: Policy, turn: Turn, permit: Permit, refreshed: Refreshed) -> None:
        outcomes = list(refreshed.answers.outcomes.values()) if refreshed.answers else []
        well = all(not isinstance(outcome, EceError) for outcome in outcomes)
        if well and turn.host == Closed() and permit.probe_of is None:
            return

        def settle(host: Breaker) -> Breaker:
            after = self._source.host_after(host, outcomes)
            return permit.probe_of if permit.probe_of is not None and isinstance(after, HalfOpen) else after

        host = await self._board.change_host(settle)
        if host is not None:
            self._source.take_over(policy.entry_point, self._mirrored(host), self._source.calls_of(policy.entry_point))

    def _mirrored(self, host: Breaker) -> Breaker:
        """Another process' probe is out: look again soon, since nobody tells us how it went."""
        if isinstance(host, HalfOpen):
            moment = self._monotonic()
            return Open(min(moment + LOOK_AFTER_PROBE, host.since + breaker.PROBE_LIMIT), host.period)
        return host

    def _news(self, subject: Subject, turn: Turn) -> SharedVerdict | None:
        """Give the fleet's verdict if it is newer than ours. One that was taken over already never gets younger."""
        known = turn.known
        if known is None or self._seen.get(subject.policy.entry_point) == known.round:
            return None
        ours = subject.snapshot
        return known if ours is None or known.taken_at > ours.taken_at else None

    def _is_fresh(self, known: SharedVerdict) -> bool:
        return self._monotonic() - known.taken_at < self._fresh_for

    def _adopted(self, subject: Subject, known: SharedVerdict | None, *, failed: bool) -> Refreshed:
        if known is None:
            return Refreshed(None, subject.memory, failed)
        self._seen[subject.policy.entry_point] = known.round
        as_of = self._now() - timedelta(seconds=max(0.0, self._monotonic() - known.taken_at))
        return Refreshed(Snapshot(known.verdict, known.taken_at, as_of), known.memory, failed, verdict=known.verdict)
