"""The connection to Valkey or Redis: bounded waits, one log line when it is lost and one when it is back.

While the server is away nothing waits for it: a task looks for it, and every other question is answered at once. A
server that answers but does not run our scripts is away too, with the cause named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    ClusterError,
    InvalidResponse,
    MasterDownError,
    MovedError,
    NoPermissionError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from widget import telemetry

T = TypeVar("T")

# What an error of the library's says of the server; the first that fits.
_KINDS = (
    # for the library one of a cluster
    (MasterDownError, "is a replica that has lost its primary; [shared] url must name the primary"),
    (
        (ClusterError, MovedError),
        "is a cluster; [shared] needs one server without cluster mode (cluster-enabled no)",
    ),
    (AuthenticationError, "refuses the user or password in [shared] url"),
    (ReadOnlyError, "is a replica that only reads; [shared] url must name the primary"),
    (
        NoPermissionError,
        "forbids its user a command or a key; [shared] needs read and write access to keys ece-widget:*",
    ),
    (InvalidResponse, "answers, but not as Valkey or Redis; [shared] url must name its host and port"),
)
# What such a server says, in small letters, and what it means.
_SAID = {
    "db index is out of range": "has no database of the number at the end of [shared] url",
    "max number of clients": "takes no more connections (maxclients)",
    "protected mode": "takes connections from its own machine alone (protected-mode)",
    "used memory": "has no memory left (maxmemory)",
    "noreplicas": "refuses writes: too few replicas follow it (min-replicas-to-write)",
    "misconf": "refuses writes, since it cannot save them to its disk",
    "loading": "is still loading its data",
}

PREFIX = "ece-widget:2:"  # the number is the shape of what is stored: versions that differ in it share nothing
LONGEST_WAIT = 0.5  # seconds for one question, connecting included
LOOK_EVERY = 0.5
AT_ONCE = 16  # questions; more of them wait here, not at the server
# Writes, since a replica that only reads is of no use, and in two slots, since a cluster runs no such script.
_GREETING = """
redis.call('SET', KEYS[1], 'hello', 'PX', ARGV[1])
redis.call('SET', KEYS[2], 'hello', 'PX', ARGV[1])
return 1
"""
_SCHEMES = {"valkey": "redis", "valkeys": "rediss"}


class SharedServer:
    """One server for the fleet. `run` returns None while it cannot be reached; nothing of redis gets out."""

    def __init__(self, url: str, *, longest_wait: float, look_every: float = LOOK_EVERY) -> None:
        scheme, _, rest = url.partition("://")
        pool = ConnectionPool.from_url(
            f"{_SCHEMES.get(scheme, scheme)}://{rest}",
            max_connections=AT_ONCE + 1,
            socket_timeout=longest_wait,
            socket_connect_timeout=longest_wait,
            retry=Retry(NoBackoff(), 1),  # a connection that was closed while idle is no outage
            protocol=2,
            driver_info=None,  # it would read package metadata from disk for each connection
            decode_responses=True,
            encoding_errors="replace",  # what is no UTF-8 was not written by us, and is read as something else
        )
        self._client = Redis.from_pool(pool)
        self._longest_wait = longest_wait
        self._look_every = look_every
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._looking: asyncio.Task[None] | None = None
        self._closed = False
        self._cause = ""

    @property
    def away(self) -> bool:
        """Return whether the last question got no answer and nobody has found the server since."""
        return self._looking is not None

    async def start(self) -> None:
        """Look for the server once, so that its absence is told at the start and not at the first visitor's."""
        await self.run(self._greet)

    async def tried(self) -> str | None:
        """Ask as `start` does, without telling the log; return the cause to follow the server's name, or None."""
        try:
            async with asyncio.timeout(self._longest_wait):
                await self._greet(self._client)
        except (RedisError, OSError, TimeoutError) as error:
            return cause(error)
        return None

    async def run(self, question: Callable[[Redis], Awaitable[T]]) -> T | None:
        """Ask, for a bounded time; None at once while the server is away."""
        if not self._reachable():
            return None
        async with self._slots:
            if not self._reachable():  # it was lost while we stood in line
                return None
            try:
                async with asyncio.timeout(self._longest_wait):
                    return await question(self._client)
            except (RedisError, OSError, TimeoutError) as error:
                self._lost(error)
                return None

    async def script(self, script: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """Have the server run a Lua script as a whole; None while it is away."""

        return await self.run(lambda client: _run_script(client, script, keys, arguments))

    async def trouble(self) -> str | None:
        """Return what readiness should mention, without the server's name; None when all is well."""
        await self.run(self._greet)
        return f"the shared server {self._cause}; this process goes on alone" if self.away else None

    async def aclose(self) -> None:
        """Look no more, and close the connections."""
        self._closed = True
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._client.aclose()
        await self._client.connection_pool.aclose()

    def _reachable(self) -> bool:
        return self._looking is None and not self._closed

    def _lost(self, error: Exception) -> None:
        if not self._reachable():
            return
        self._cause = cause(error)
        telemetry.logger().warning(
            "shared_server_away",
            error=type(error).__name__,
            note=f"the shared server {self._cause}; this process goes on alone until that is mended",
        )
        self._looking = asyncio.create_task(self._look(), name="shared server")

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._look_every)
            found = await self.tried()
            if found is not None:
                self._cause = found
                continue
            self._looking = None
            telemetry.logger().info("shared_server_back")
            return

    @staticmethod
    async def _greet(client: Redis) -> bool:
        """Run a script as every question does; a server that forbids it is not ready."""
        keys = (f"{PREFIX}greeting:1", f"{PREFIX}greeting:2")
        return bool(await _run_script(client, _GREETING, keys, (60_000,)))


def cause(error: Exception) -> str:
    """Return what is wrong with the server, to follow its name in a sentence; quotes nothing of the error's text."""
    text = str(error).lower()
    about_scripts = "eval" in text or "script" in text
    if about_scripts and (isinstance(error, NoPermissionError) or "unknown command" in text):
        return "forbids scripts; [shared] needs EVALSHA and SCRIPT LOAD"
    known = next((words for kinds, words in _KINDS if isinstance(error, kinds)), None)
    otherwise = "answers with an error" if isinstance(error, ResponseError) else "does not answer"
    return known or next((words for said, words in _SAID.items() if said in text), otherwise)


async def _run_script(client: Redis, script: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
    return await client.register_script(script)(keys=keys, args=arguments)
