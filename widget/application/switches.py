"""Close an entry point by hand, reopen it, set a day's hours: kept in SQL and followed by every process of a fleet.

Each process looks at the log often enough that an act is in force everywhere within `fresh_for`. While the database is
away what was read last stays in force, and an act is refused, since nobody else would learn of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Protocol

from widget import telemetry
from widget.application.clock import wait_for
from widget.domain.errors import OutboxUnavailable
from widget.domain.hours import OpenRange
from widget.domain.policy import Policy
from widget.domain.survey import Translations
from widget.domain.switches import NOTHING_SWITCHED, Act, Entry, NotAllowed, Switch, checked, in_force

LONGEST_PAUSE = 2.0  # seconds between two looks
FIRST_LOOK = 2.0  # seconds
LOOKS_IN_TIME = 3  # within fresh_for, so that one that takes long is no matter


class SwitchLog(Protocol):
    """What this needs of the database; raises OutboxUnavailable."""

    async def append(self, entry: Entry) -> int: ...

    async def log_after(self, known: int) -> tuple[int, list[Entry]] | None: ...

    async def log(
        self, since: datetime, until: datetime, entry_point: str | None = None, limit: int | None = None
    ) -> list[Entry]: ...


class Switches:
    """What is switched by hand. `follow` is told the rules of an entry point whenever they change.

    `policies` are those of the settings, `fresh_for` in seconds.
    """

    def __init__(
        self,
        log: SwitchLog,
        policies: Mapping[str, Policy],
        follow: Callable[[Policy], None],
        *,
        now: Callable[[], datetime],
        fresh_for: float,
    ) -> None:
        self._log, self._policies, self._follow, self._now = log, policies, follow, now
        self._pause = min(LONGEST_PAUSE, fresh_for / LOOKS_IN_TIME)
        self._in_force: dict[str, Switch] = {}
        self._known = -1  # the last id of the log that was read
        self._looking = asyncio.Lock()
        self._stopped = asyncio.Event()
        self.away = False  # whether the last look failed, and what is in force may be older than the log

    def of(self, entry_point: str) -> Switch:
        """Return what is in force here; a closing in it may be over (`Closing.stands`)."""
        return self._in_force.get(entry_point, NOTHING_SWITCHED)

    async def close(
        self, entry_point: str, *, by: str, words: Mapping[str, str] | None = None, until: datetime | None = None
    ) -> None:
        """Close now, until a moment (aware) or until reopened.

        `words` is the reason for visitors by language, "" for a text without one; blank ones are left out. Returns once
        it is on disk and in force in this process. Raise NotAllowed, and OutboxUnavailable: then nothing has changed,
        as far as is known.
        """
        said = Translations(MappingProxyType(dict(words))) if words else None
        await self._act(Entry(entry_point, Act.CLOSE, by, self._now(), until=until, words=said))

    async def reopen(self, entry_point: str, *, by: str) -> None:
        """End a closing. Raise as `close` does."""
        await self._act(Entry(entry_point, Act.REOPEN, by, self._now()))

    async def set_day(self, entry_point: str, day: date, ranges: Sequence[OpenRange], *, by: str) -> None:
        """Give a day hours of its own, in the entry point's zone; no range closes it. Raise as `close` does.

        It replaces what the settings say of that day. `domain.hours.read_range` reads a range.
        """
        await self._act(Entry(entry_point, Act.SET_DAY, by, self._now(), day=day, ranges=tuple(ranges)))

    async def clear_day(self, entry_point: str, day: date, *, by: str) -> None:
        """Let the settings decide of that day again. Raise as `close` does."""
        await self._act(Entry(entry_point, Act.CLEAR_DAY, by, self._now(), day=day))

    async def log(
        self, *, since: datetime, until: datetime, entry_point: str | None = None, limit: int | None = None
    ) -> list[Entry]:
        """Return who did what and when, the newest first. Raise OutboxUnavailable."""
        return await self._log.log(since, until, entry_point, limit)

    async def first_look(self) -> None:
        """Look before the first visitor comes; a database that does not answer in time is followed later."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK):
                await self.look()

    async def run(self) -> None:
        """Look at the log until `stop`."""
        while not self._stopped.is_set():
            await self.look()
            await wait_for(self._stopped, self._pause)

    def stop(self) -> None:
        """Let `run` return."""
        self._stopped.set()

    async def look(self) -> None:
        """Bring this process to what the log says; where that cannot be read, all stays as it is."""
        async with self._looking:
            try:
                found = await self._log.log_after(self._known)
            except OutboxUnavailable as error:
                if not self.away:
                    telemetry.logger().warning("switches_not_read", reason=str(error))
                self.away = True
                return
            if self.away:
                telemetry.logger().info("switches_read_again")
            self.away = False
            if found is not None:
                self._known, log = found
                self._change_to(in_force(log))

    async def _act(self, entry: Entry) -> None:
        if entry.entry_point not in self._policies:
            raise NotAllowed("entry_point", f"There is no entry point {entry.entry_point!r}.")
        entry = checked(entry)
        await self._log.append(entry)
        telemetry.logger().info("switched", entry_point=entry.entry_point, act=entry.act.value)
        await self.look()

    def _change_to(self, switches: Mapping[str, Switch]) -> None:
        before, self._in_force = self._in_force, dict(switches)
        for name, policy in self._policies.items():
            if before.get(name, NOTHING_SWITCHED) != self.of(name):
                self._follow(policy.switched(self.of(name)))
