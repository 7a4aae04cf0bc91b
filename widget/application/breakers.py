"""Ask ECE through circuit breakers: one for its host, one for each entry point and call.

The host's opens only when nothing was served (refused, reset, time-out, TLS, 502 to 504); a call's own when ECE
answered it with an error or with something unreadable, so that one mistyped id hides one button.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from widget.application.clock import Clock
from widget.domain import breaker
from widget.domain.breaker import Breaker, Closed, Open
from widget.domain.errors import EceError
from widget.domain.evaluation import Outcome, outcome_of
from widget.domain.policy import Policy
from widget.domain.readings import Call, Reading

_CLOSED = Closed()


class QueueSource(Protocol):
    """ECE, as far as availability needs it; raises EceError and nothing else."""

    async def ask(self, call: Call, entry_point_id: int) -> Reading: ...


class CallObserver(Protocol):
    """Told of every call made, and of every breaker that opened or closed (empty names: the host's)."""

    def called(self, call: Call, outcome: str, seconds: float) -> None: ...

    def breaker_moved(self, entry_point: str, call: str, *, closed: bool) -> None: ...


class Permit(NamedTuple):
    """Permission to make these calls. `probe_of` is the host's state before, when the first of them is its probe."""

    calls: tuple[Call, ...]
    probe_of: Breaker | None


class Answers(NamedTuple):
    """One set of answers, and when the oldest of its readings came (monotonic, wall clock); None without any.

    A set is as old as its oldest reading: a call that answered early may have been overtaken when the last one does.
    An outcome is what the breakers count: a reading that lacks a number which any of the policies needs is a failure.
    """

    outcomes: Mapping[Call, Outcome]
    readings: Mapping[Call, Reading]
    oldest: tuple[float, datetime] | None

    def outcomes_for(self, policy: Policy) -> dict[Call, Outcome]:
        """Return the outcomes of the policy's calls; what another policy lacks is no failure of this one."""
        mine = {call: outcome for call, outcome in self.outcomes.items() if call in policy.calls}
        return mine | {call: outcome_of(policy, self.readings[call]) for call in mine if call in self.readings}


class _Answer(NamedTuple):
    outcome: Outcome
    reading: Reading | None
    at: float  # monotonic
    now: datetime


class GuardedSource:
    """ECE behind its breakers. `host` is that of its host, `calls` has those that are not in their first state."""

    def __init__(
        self,
        source: QueueSource,
        *,
        clock: Clock,
        observer: CallObserver,
    ) -> None:
        self._source = source
        self._clock = clock
        self._observer = observer
        self.host: Breaker = _CLOSED
        self.calls: dict[tuple[str, str], Breaker] = {}

    def may_send(self) -> bool:
        """Return whether the host may be asked now; survey delivery asks this and takes no probe."""
        return breaker.may_ask(self.host, self._clock.monotonic())

    def permit(self, entry_point: str, calls: Iterable[Call]) -> Permit | None:
        """Allow those of `calls` that may go out now, or None; takes the host's probe if one is due.

        The probe is taken here, not when the call goes out, so that of all who ask at one moment one gets it.
        """
        moment = self._clock.monotonic()
        if not breaker.may_ask(self.host, moment):
            return None
        allowed = tuple(call for call in calls if breaker.may_ask(self._state(entry_point, call), moment))
        if not allowed:
            return None
        permit = Permit(allowed, None if isinstance(self.host, Closed) else self.host)
        self._set_host(breaker.asking(self.host, moment))
        return permit

    def opens_at(self, entry_point: str, calls: Iterable[Call]) -> float:
        """Return the monotonic moment from which the first of `calls` may go out, minus infinity for at once."""
        moments = [_opens_at(self._state(entry_point, call)) for call in calls]
        return max(_opens_at(self.host), min(moments, default=float("-inf")))

    def take_over(self, entry_point: str, host: Breaker, calls: Mapping[Call, Breaker]) -> None:
        """Replace the states of this process by those that the fleet shares."""
        self._set_host(host)
        for call in Call:
            self._set_call((entry_point, call), calls.get(call, _CLOSED))

    def calls_of(self, entry_point: str) -> dict[Call, Breaker]:
        """Return the breakers of one entry point's calls that are not in their first state."""
        return {call: self.calls[entry_point, call] for call in Call if (entry_point, call) in self.calls}

    def host_after(self, host: Breaker, outcomes: Iterable[Outcome]) -> Breaker:
        """Return the state that `outcomes` bring the host's breaker to, from `host`."""
        for outcome in outcomes:
            host = _host_after(host, outcome, self._clock.monotonic(), self._clock.chance)
        return host

    async def ask_all(self, name: str, entry_point_id: int, policies: Sequence[Policy], permit: Permit) -> Answers:
        """Ask at the same time and settle the breakers; no EceError gets out, each is an outcome.

        While the host's breaker is half-open one call goes alone, and the others only if it was answered.
        """
        calls, answers = permit.calls, dict[Call, _Answer]()
        if permit.probe_of is not None:
            answers, calls = await self._together(name, entry_point_id, policies, calls[:1]), calls[1:]
            (probe,) = answers.values()
            if isinstance(probe.outcome, EceError) and probe.outcome.blame != "call":
                calls = ()
                if probe.outcome.blame == "nobody":
                    self._set_host(permit.probe_of)
        answers |= await self._together(name, entry_point_id, policies, calls)
        outcomes = {call: answer.outcome for call, answer in answers.items()}
        readings = {call: answer.reading for call, answer in answers.items() if answer.reading is not None}
        read = [(answers[call].at, answers[call].now) for call in readings]
        return Answers(outcomes, readings, min(read, default=None))

    async def _together(
        self, name: str, entry_point_id: int, policies: Sequence[Policy], calls: tuple[Call, ...]
    ) -> dict[Call, _Answer]:
        asked = await asyncio.gather(*(self._ask(name, call, entry_point_id, policies) for call in calls))
        return dict(zip(calls, asked, strict=True))

    async def _ask(self, name: str, call: Call, entry_point_id: int, policies: Sequence[Policy]) -> _Answer:
        key, started = (name, call), self._clock.monotonic()
        if key in self.calls:
            self._set_call(key, breaker.asking(self.calls[key], started))
        outcome: Outcome
        reading: Reading | None = None
        try:
            outcome = reading = await self._source.ask(call, entry_point_id)
        except EceError as error:
            outcome = error
        else:
            judged = (outcome_of(policy, reading) for policy in policies if call in policy.calls)
            outcome = next((each for each in judged if isinstance(each, EceError)), reading)
        moment = self._clock.monotonic()
        self._observer.called(call, outcome.code if isinstance(outcome, EceError) else "ok", moment - started)
        self._settle(key, outcome, moment)
        return _Answer(outcome, reading, moment, self._clock.now())

    def _settle(self, key: tuple[str, Call], outcome: Outcome, moment: float) -> None:
        self._set_host(_host_after(self.host, outcome, moment, self._clock.chance))
        if not isinstance(outcome, EceError):
            self._set_call(key, _CLOSED)
        elif outcome.blame == "call":
            self._set_call(key, breaker.failed(self._state(*key), moment, jitter=self._clock.chance()))
        elif key in self.calls:
            self._set_call(key, breaker.unsettled(self.calls[key], moment))

    def _set_host(self, state: Breaker) -> None:
        before, self.host = self.host, state
        self._tell("", "", before, state)

    def _set_call(self, key: tuple[str, Call], state: Breaker) -> None:
        before = self._state(*key)
        if state == _CLOSED:
            self.calls.pop(key, None)
        else:
            self.calls[key] = state
        self._tell(*key, before, state)

    def _tell(self, entry_point: str, call: str, before: Breaker, after: Breaker) -> None:
        closed = isinstance(after, Closed)
        if closed is not isinstance(before, Closed):
            self._observer.breaker_moved(entry_point, call, closed=closed)

    def _state(self, entry_point: str, call: Call) -> Breaker:
        return self.calls.get((entry_point, call), _CLOSED)


def _host_after(host: Breaker, outcome: Outcome, moment: float, chance: Callable[[], float]) -> Breaker:
    """Return the state after an outcome: any answer shows that the host serves, a failure of our own shows nothing."""
    if not isinstance(outcome, EceError) or outcome.blame == "call":
        return breaker.succeeded(host)
    return breaker.failed(host, moment, jitter=chance()) if outcome.blame == "host" else host


def _opens_at(state: Breaker) -> float:
    return state.until if isinstance(state, Open) else float("-inf")
