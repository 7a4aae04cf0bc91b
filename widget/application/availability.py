"""Answer for every entry point from a snapshot; ask ECE once, however many visitors come.

Nothing is asked when nobody visits: a visit that finds the snapshot stale starts the refresh (`refreshes.py`) and is
answered from memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from widget.application.breakers import GuardedSource
from widget.application.clock import Clock
from widget.application.refresh import LocalRefresher, Refresher
from widget.application.refreshes import KnownEntryPoint, Refreshes, RefreshObserver
from widget.domain.decision import (
    REFRESH_UNDER_WAY,
    SOON,
    Decision,
    asks_ece,
    could_offer,
    decide,
    offer,
    seconds_until_change,
)
from widget.domain.evaluation import UNREACHABLE, Evaluation, State
from widget.domain.freshness import Freshness
from widget.domain.instead import Way, entry_points, offered
from widget.domain.policy import Policy
from widget.domain.readings import Reason


class Observer(RefreshObserver, Protocol):
    """Told what happens, for metrics and logs."""

    def served(self, policy: Policy, decision: Decision, evaluation: Evaluation) -> None: ...

    def clicked(self, entry_point: str, decision: Decision) -> None: ...


class View(NamedTuple):
    """A decision and how long it stands: `valid_for` seconds, and `trusted_for` seconds in anybody's cache.

    `trusted_for` is None when ECE had no part in it.
    """

    decision: Decision
    valid_for: float
    trusted_for: float | None


class Availability:
    """Hold the snapshots of all entry points, in `known` by name; `fresh_for`, `stale_for`, `timeout` in seconds.

    `refresher` brings new ones; without it this process asks ECE for itself.
    """

    def __init__(
        self,
        source: GuardedSource,
        known: Mapping[str, KnownEntryPoint],
        *,
        fresh_for: float,
        stale_for: float,
        timeout: float,
        clock: Clock,
        observer: Observer,
        refresher: Refresher | None = None,
    ) -> None:
        self.known = known
        self._offered_by: dict[str, list[str]] = {name: [] for name in known}
        for name, entry_point in known.items():
            for other in entry_points(entry_point.policy.instead):
                self._offered_by[other].append(name)
        self._fresh_for = fresh_for
        self._stale_for = stale_for
        self._timeout = timeout
        self._clock = clock
        self._observer = observer
        self._on_change: list[Callable[[str], None]] = []
        self._refreshes = Refreshes(
            source,
            refresher or LocalRefresher(source, fresh_for=fresh_for, clock=clock),
            known,
            fresh_for=fresh_for,
            stale_for=stale_for,
            clock=clock,
            observer=observer,
            ended=self._tell,
        )

    def on_change(self, tell: Callable[[str], None]) -> None:
        """Call `tell` with the entry point's name when its refresh has ended or its rules have changed.

        Also when those of one have that it may offer.
        """
        self._on_change.append(tell)

    def follow(self, policy: Policy) -> None:
        """Decide by these rules from now on, for the entry point that they name. Raise KeyError."""
        self.known[policy.entry_point].policy = policy
        self._tell(policy.entry_point)

    def _tell(self, name: str) -> None:
        for changed in (name, *self._offered_by[name]):
            for tell in self._on_change:
                tell(changed)

    async def view(self, name: str) -> View:
        """Answer for a page: at once from memory while a snapshot is trusted or ECE is known to fail.

        Wait at most `timeout` when there is nothing yet, or when the last snapshot expired because nobody came.
        Raise KeyError for a name that is not configured.
        """
        entry_point = self.known[name]
        await self._join_refreshes(each for each in self._involved(entry_point) if self._lacks_an_answer(each))
        return self._view(entry_point)

    def view_now(self, name: str) -> View | None:
        """Answer as `view` does if that needs no waiting, else return None. Raise KeyError."""
        entry_point = self.known[name]
        waits = any(self._lacks_an_answer(each) for each in self._involved(entry_point))
        return None if waits else self._view(entry_point)

    async def view_for_click(self, name: str) -> View:
        """Answer for a visitor who wants in: from a fresh snapshot, or after the refresh, at most `timeout` later.

        A refresh that failed leaves the stale snapshot standing as long as it is trusted.
        """
        entry_point = self.known[name]
        aged = (
            each for each in self._involved(entry_point) if self._refreshes.freshness_of(each) is not Freshness.FRESH
        )
        await self._join_refreshes(each for each in aged if self.asks_ece(each))
        view = self._view(entry_point)
        self._observer.clicked(name, view.decision)
        return view

    async def aclose(self) -> None:
        """Start no refresh any more, and end those that run."""
        await self._refreshes.aclose()

    def age(self, entry_point: KnownEntryPoint) -> float | None:
        """Return the seconds since ECE answered for this entry point, or None."""
        return self._refreshes.age(entry_point)

    def _lacks_an_answer(self, entry_point: KnownEntryPoint) -> bool:
        """Return whether there is neither an answer nor a failure yet: at a first visit, or the first for a while."""
        return (
            self._refreshes.freshness_of(entry_point) is Freshness.EXPIRED
            and not entry_point.last_failed
            and asks_ece(entry_point.policy, self._clock.now())
        )

    async def _join_refreshes(self, of: Iterable[KnownEntryPoint]) -> None:
        tasks = {task for each in of if (task := self._refreshes.ensure(each)) is not None}
        if tasks:  # asyncio.wait leaves the tasks alone when this visitor goes away or the time is up
            await asyncio.wait(tasks, timeout=self._timeout)

    def _involved(self, entry_point: KnownEntryPoint) -> list[KnownEntryPoint]:
        """Return the entry point and those that it could offer now; before it has an answer, all of them."""
        others = entry_points(entry_point.policy.instead)
        if others and not self._lacks_an_answer(entry_point):
            others = could_offer(entry_point.policy, self._decided(entry_point), self._clock.now())
        return [entry_point, *(self.known[each] for each in others)]

    def asks_ece(self, entry_point: KnownEntryPoint) -> bool:
        """Return whether ECE has a part in the decision now: enabled, and within hours."""
        return asks_ece(entry_point.policy, self._clock.now())

    def served_now(self, name: str) -> tuple[Decision | None, Evaluation]:
        """Return what a visitor would be answered without waiting, and the evaluation behind it; start no refresh.

        The decision is None where a visitor would wait for ECE. Raise KeyError.
        """
        entry_point = self.known[name]
        evaluation, _ = self._trusted(entry_point)
        if self._lacks_an_answer(entry_point):
            return None, evaluation
        now, decision = self._clock.now(), self._decided(entry_point)
        others = {each: self._decided(self.known[each]) for each in could_offer(entry_point.policy, decision, now)}
        return offer(entry_point.policy, decision, others, now), evaluation

    def other_ways_now(self, name: str) -> tuple[Way, ...]:
        """Return what can be offered where something else than the decision keeps a visitor from the chat.

        Start no refresh; an entry point that is not configured has none.
        """
        entry_point = self.known.get(name)
        if entry_point is None:
            return ()
        return offered(
            entry_point.policy.instead,
            Reason.OTHER,
            self._clock.now(),
            is_open=lambda other: self._decided(self.known[other]).state is State.AVAILABLE,
        )

    def _decided(self, entry_point: KnownEntryPoint) -> Decision:
        """Return the entry point's own decision from what is known; start no refresh."""
        evaluation, as_of = self._trusted(entry_point)
        return decide(entry_point.policy, evaluation, as_of=as_of, now=self._clock.now())

    def _trusted(self, entry_point: KnownEntryPoint) -> tuple[Evaluation, datetime | None]:
        """Return the snapshot's evaluation and time where ECE has a part in the decision and it may be trusted."""
        if (
            entry_point.snapshot is None
            or self._refreshes.freshness_of(entry_point) is Freshness.EXPIRED
            or not self.asks_ece(entry_point)
        ):
            return UNREACHABLE, None
        return entry_point.snapshot.evaluation, entry_point.snapshot.as_of

    def _view(self, entry_point: KnownEntryPoint) -> View:
        view = self._current_view(entry_point)
        self._observer.served(entry_point.policy, view.decision, self._trusted(entry_point)[0])
        return view

    def _current_view(self, entry_point: KnownEntryPoint) -> View:
        """Return the entry point's own view with the ways that are open; as fresh as those that it could offer."""
        own, now = self._own_view(entry_point), self._clock.now()
        others = {name: self._own_view(self.known[name]) for name in could_offer(entry_point.policy, own.decision, now)}
        decision = offer(entry_point.policy, own.decision, {name: each.decision for name, each in others.items()}, now)
        trusted = [own.trusted_for, *(others[name].trusted_for for name in entry_points(decision.instead))]
        return View(
            decision,
            min([own.valid_for, *(each.valid_for for each in others.values())]),
            min((each for each in trusted if each is not None), default=None),
        )

    def _own_view(self, entry_point: KnownEntryPoint) -> View:
        now, moment = self._clock.now(), self._clock.monotonic()
        until_change = seconds_until_change(entry_point.policy, now)
        if not asks_ece(entry_point.policy, now):
            decision = decide(entry_point.policy, UNREACHABLE, as_of=None, now=now)
            return View(decision, min(until_change, decision.next_check), None)
        state = self._refreshes.freshness_of(entry_point)
        if state is not Freshness.FRESH:
            self._refreshes.ensure(entry_point)
        if state is Freshness.EXPIRED or entry_point.snapshot is None:
            decision = decide(entry_point.policy, UNREACHABLE, as_of=None, now=now)
            return View(decision, min(until_change, self._refreshes.until_attempt(entry_point, moment)), None)
        age = moment - entry_point.snapshot.taken_at
        pace, valid_for = None, self._fresh_for - age
        if state is Freshness.STALE:
            pace = SOON if entry_point.last_failed or entry_point.refresh is None else REFRESH_UNDER_WAY
            valid_for = min(self._stale_for - age, self._refreshes.until_attempt(entry_point, moment))
        decision = decide(
            entry_point.policy,
            entry_point.snapshot.evaluation,
            as_of=entry_point.snapshot.as_of,
            now=now,
            next_check=pace,
        )
        return View(decision, min(until_change, valid_for), min(until_change, self._stale_for - age))
