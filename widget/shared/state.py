"""What the fleet shares for each id in ECE: who asks ECE now, what was found, and the state of the breakers.

Three keys: for each id a record and a lease, and one breaker for ECE's host. Each change is one script, which
the server runs as a whole. All times on it are the server's: a process learns how old an evaluation is by the server's
clock and counts on by its own monotonic one, so the clocks of the machines do not matter. Translations are rounded so
that an evaluation never looks younger than it is. A key of another type, a lease without an end, and text that `stored`
cannot read count as absent and are replaced.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from widget.domain.breaker import Breaker
from widget.domain.fleet import Lease, RoundResult, SharedEvaluations
from widget.settings import EceSettings, EntryPointSettings
from widget.shared.server import PREFIX, SharedServer
from widget.shared.stored import (
    breaker_text,
    calls_text,
    evaluations_text,
    read_breaker,
    read_calls,
    read_evaluations,
    read_moment,
)

KEPT = 24 * 3600 * 1000  # milliseconds; readers judge the age by themselves
ATTEMPTS = 8  # to change a breaker that others change too
MILLION = 1_000_000

# Remove a key of another type, which every other command would refuse.
_OF_TYPE = """
local function of_type(key, kind)
  local found = redis.call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then redis.call('DEL', key) end
end
"""
# ARGV: our round, the longest lease (ms), fresh_for (microseconds), 1 to take it though a readable round has ended
_TAKE_LEASE = (
    _OF_TYPE
    + """
of_type(KEYS[1], 'hash') of_type(KEYS[2], 'string') of_type(KEYS[3], 'string')
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local record = redis.call('HMGET', KEYS[1], 'taken', 'evaluations', 'found_in', 'ended', 'failed', 'calls')
local holder = redis.call('GET', KEYS[2])
if holder == '' or (ARGV[4] == '1' and holder == record[4]) then holder = false end
if not holder then
  local taken = tonumber(record[1] or '')
  local fresh = taken and taken <= now and now - taken < tonumber(ARGV[3])
  if not fresh or ARGV[4] == '1' then
    redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
    holder = ARGV[1]
  end
end
local left = redis.call('PTTL', KEYS[2])
if left == -1 or left > tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
  left = ARGV[2]
end
local answer = {time[1], time[2], holder or '', left, redis.call('GET', KEYS[3]) or ''}
for at = 1, 6 do answer[5 + at] = record[at] or '' end
return answer
"""
)
_REPORT = (
    _OF_TYPE
    + """
of_type(KEYS[1], 'hash') of_type(KEYS[2], 'string')
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'ended', ARGV[1], 'failed', ARGV[4], 'calls', ARGV[5])
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'taken', ARGV[6], 'evaluations', ARGV[7], 'found_in', ARGV[1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if tonumber(ARGV[2]) > 0 then redis.call('PEXPIRE', KEYS[2], ARGV[2]) else redis.call('DEL', KEYS[2]) end
return 1
"""
)
_RELEASE = (
    _OF_TYPE
    + """
of_type(KEYS[1], 'string')
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
)
_CHANGE = (
    _OF_TYPE
    + """
of_type(KEYS[1], 'string')
local time = redis.call('TIME')
local state = redis.call('GET', KEYS[1]) or ''
if #ARGV == 3 and state == ARGV[1] then
  if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
  return {time[1], time[2], ARGV[2], 1}
end
return {time[1], time[2], state, 0}
"""
)


class _Clocks(NamedTuple):
    """The server's clock against ours: its time `server` (seconds) fell between `sent` and `received` of ours."""

    server: float
    sent: float
    received: float

    def ours_at_latest(self, server_time: float) -> float:
        """Translate a server time so that what happened then looks as old as it may be."""
        return self.sent - (self.server - server_time / MILLION)

    def server_at_earliest(self, moment: float) -> float:
        """Translate our moment into server time, again towards older."""
        return (self.server + (moment - self.received)) * MILLION


@dataclass(frozen=True, slots=True, kw_only=True)
class _RedisLease(Lease):
    """A lease that remembers the clocks of when it was read."""

    clocks: _Clocks


class RedisSharedState:
    """Fits the port `SharedState`; the first entry point with an id names it.

    `longest_round` is the time in seconds after which a silent holder counts as dead.
    """

    def __init__(
        self,
        server: SharedServer,
        ece: EceSettings,
        entry_points: Mapping[str, EntryPointSettings],
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._server = server
        self._monotonic = monotonic
        self._fresh_for = ece.fresh_for
        # Two calls' time, since a probe goes before the others.
        self.longest_round = max(ece.fresh_for, 2 * ece.timeout + 0.5)
        host = _digest(ece.base_url, ece.api_path)
        self._host_key = f"{PREFIX}host:{host}"
        # What an evaluation depends on is part of the name, so that processes with other settings, as during a change,
        # share none.
        ids: dict[int, dict[str, tuple[object, ...]]] = {}
        for name, entry_point in entry_points.items():
            ids.setdefault(entry_point.id, {})[name] = _rules(entry_point)
        self._keys = {
            next(iter(rules)): f"{PREFIX}entry-point:{_digest(host, ece.wait_time_unit, id, sorted(rules.items()))}"
            for id, rules in ids.items()
        }

    async def take_lease(self, entry_point: str) -> Lease | None:
        """Read what the fleet knows, and take the lease if nobody has it and nothing fresh is there."""
        lease = await self._take(entry_point)
        if lease is not None and lease.over and not lease.held and not lease.failed and lease.known is None:
            # A round has ended well and nobody can read what it found: that counts as no round.
            lease = await self._take(entry_point, though_ended=True)
        return lease

    async def report(self, entry_point: str, lease: Lease, result: RoundResult) -> bool | None:
        """Store how our round ended; False when the lease was over before, and another process' round counts."""
        assert isinstance(lease, _RedisLease)
        key, found, in_server_time = self._keys[entry_point], result.found, lease.clocks.server_at_earliest
        left = int((result.next_from - self._monotonic()) * 1000)
        taken = "" if found is None else f"{in_server_time(found.taken_at):.0f}"
        evaluations = "" if found is None else evaluations_text(found.evaluations)
        calls = calls_text(result.calls, in_server_time)
        failed = "1" if found is None else "0"
        stored = await self._server.script(
            _REPORT, (key, f"{key}:lease"), (lease.round, left, KEPT, failed, calls, taken, evaluations)
        )
        return None if stored is None else bool(stored)

    async def release(self, entry_point: str, lease: Lease) -> bool | None:
        """Let another process have the lease at once."""
        released = await self._server.script(_RELEASE, (f"{self._keys[entry_point]}:lease",), (lease.round,))
        return None if released is None else bool(released)

    async def change_host(self, change: Callable[[Breaker], Breaker]) -> Breaker | None:
        """Change the breaker of ECE's host as `change` says, which may be asked more than once; return the outcome."""
        written: tuple[str | int, ...] = ()
        for _ in range(ATTEMPTS):
            sent = self._monotonic()
            answer = await self._server.script(_CHANGE, (self._host_key,), written)
            if answer is None:
                return None
            received = self._monotonic()
            clocks = _clocks(answer, sent, received)
            state = read_breaker(answer[2], clocks.ours_at_latest, received)
            if answer[3]:
                return state
            wanted = change(state)
            if wanted == state:
                return state
            written = (answer[2], breaker_text(wanted, clocks.server_at_earliest), KEPT)
        return None

    async def _take(self, entry_point: str, *, though_ended: bool = False) -> Lease | None:
        key, ours, sent = self._keys[entry_point], secrets.token_hex(8), self._monotonic()
        answer = await self._server.script(
            _TAKE_LEASE,
            (key, f"{key}:lease", self._host_key),
            (ours, int(self.longest_round * 1000), int(self._fresh_for * MILLION), int(though_ended)),
        )
        if answer is None:
            return None
        received = self._monotonic()
        clocks = _clocks(answer, sent, received)
        holder, left, host, taken, evaluations, found_in, ended, failed, calls = answer[2:]
        return _RedisLease(
            round=holder,
            held=holder == ours,
            over=holder in ("", ended),
            failed=failed == "1",
            ends=received + min(max(0, int(left)) / 1000, self.longest_round),
            known=_known(found_in, evaluations, taken, clocks),
            host=read_breaker(host, clocks.ours_at_latest, received),
            calls=read_calls(calls, clocks.ours_at_latest, received),
            clocks=clocks,
        )


def _clocks(answer: list[Any], sent: float, received: float) -> _Clocks:
    return _Clocks(int(answer[0]) + int(answer[1]) / MILLION, sent, received)


def _known(found_in: str, evaluations: str, taken: str, clocks: _Clocks) -> SharedEvaluations | None:
    """Return the stored evaluations. Those from the server's future, as after its clock was set, have no known age."""
    read, moment = read_evaluations(evaluations), read_moment(taken)
    if not read or moment is None or moment > clocks.server * MILLION:
        return None
    return SharedEvaluations(found_in, read, clocks.ours_at_latest(moment))


def _rules(entry_point: EntryPointSettings) -> tuple[object, ...]:
    limits = (entry_point.max_wait, entry_point.max_queue_depth, entry_point.min_capacity)
    return (sorted(entry_point.checks), *limits)


def _digest(*parts: object) -> str:
    return hashlib.blake2b(json.dumps(parts, default=str).encode(), digest_size=12).hexdigest()
