"""Counts of requests that the fleet has in common, as a storage of `limits`."""

from __future__ import annotations

import time

from limits.aio.storage import Storage

from widget.shared.server import PREFIX, SharedServer

# A count that is no number counts as absent, and no window lasts longer than it may.
_COUNT = """
local count = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(count) ~= 'number' then
  redis.call('SET', KEYS[1], ARGV[1])
  count = tonumber(ARGV[1])
end
local left = redis.call('PTTL', KEYS[1])
if left < 0 or left > tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return count
"""
_READ = """
local count = redis.pcall('INCRBY', KEYS[1], 0)
if type(count) ~= 'number' then
  redis.call('DEL', KEYS[1])
  return 0
end
if count == 0 then redis.call('DEL', KEYS[1]) end
return count
"""


class SharedCounts(Storage):
    """Count on the shared server; while it is away, count with `alone`, this process' own storage."""

    def __init__(self, server: SharedServer, *, alone: Storage) -> None:
        super().__init__()
        self._server = server
        self._alone = alone

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return ()

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        counted = await self._server.script(_COUNT, (_name(key),), (amount, expiry * 1000))
        return await self._alone.incr(key, expiry, amount) if counted is None else int(counted)

    async def get(self, key: str) -> int:
        counted = await self._server.script(_READ, (_name(key),), ())
        return await self._alone.get(key) if counted is None else int(counted)

    async def get_expiry(self, key: str) -> float:
        left = await self._server.run(lambda client: client.pttl(_name(key)))
        return await self._alone.get_expiry(key) if left is None else time.time() + max(0, left) / 1000

    async def check(self) -> bool:
        return not self._server.away

    async def clear(self, key: str) -> None:
        await self._server.run(lambda client: client.delete(_name(key)))
        await self._alone.clear(key)

    async def reset(self) -> int | None:
        """Forget this process' own counts; the windows of the fleet end by themselves."""
        return await self._alone.reset()


def _name(key: str) -> str:
    return f"{PREFIX}count:{key}"
