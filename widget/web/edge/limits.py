"""How often one network may ask, and how much it may send.

Counted per IPv4 address or IPv6 /64 (what one household gets), in fixed windows. In memory by default; another
`limits` storage (Valkey, Redis) lets a fleet share the counts. The public answers are off by default: they are cheaper
to serve than to count.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import IPv6Address, ip_network

from limits import RateLimitItem, parse
from limits.aio.storage import Storage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from widget import telemetry
from widget.settings import LimitsSettings
from widget.telemetry import Metrics
from widget.web import addresses
from widget.web.addresses import Limit
from widget.web.edge.context import address_of
from widget.web.edge.errors import Errors, Problem, request_id

# Networks are counted in this many buckets: memory stays bounded whatever addresses turn up. Two networks that meet in
# one bucket share its limit; with thousands of visitors a minute that is rarer than two behind one router.
BUCKETS = 65536
MESSAGES = "1/minute"  # what one network may leave, whatever `[limits] submits` says but "off"
LARGEST_BODY = 65536  # bytes
# A survey's typed answers have 40,000 characters at most, up to twelve bytes each in a form; its page asks for less.
LARGEST_FORM = 640 * 1024


class BoundedMemory(Storage):
    """A storage for `limits` that forgets windows as they end and never runs a task or a thread of its own."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._clock = clock
        self._windows: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return ()

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = self._clock()
        count, ends = self._windows.get(key, (0, 0.0))
        # a window that ends later than one length from now was begun before the clock was set back
        if not now < ends <= now + expiry:
            count, ends = 0, now + expiry
        self._windows[key] = (count + amount, ends)
        self._forget_a_few(now)
        return count + amount

    def _forget_a_few(self, now: float) -> None:
        """Look at the two entries that were not looked at for longest, so that no request looks at all of them."""
        for _ in range(min(2, len(self._windows))):
            key = next(iter(self._windows))
            count, ends = self._windows.pop(key)
            if now < ends:
                self._windows[key] = (count, ends)

    async def get(self, key: str) -> int:
        count, ends = self._windows.get(key, (0, 0.0))
        return count if self._clock() < ends else 0

    async def get_expiry(self, key: str) -> float:
        return self._windows.get(key, (0, self._clock()))[1]

    async def check(self) -> bool:
        return True

    async def clear(self, key: str) -> None:
        self._windows.pop(key, None)

    async def reset(self) -> int | None:
        forgotten = len(self._windows)
        self._windows.clear()
        return forgotten


class RateLimiter:
    """The limits of the settings over one storage."""

    def __init__(
        self,
        settings: LimitsSettings,
        *,
        storage: Storage | None = None,
        salt: bytes | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        # secret, so that nobody can look for a network that shares a bucket with another; a fleet passes its own
        self._salt = (salt or secrets.token_bytes(16))[:64]
        self._clock = clock
        self._strategy = FixedWindowRateLimiter(storage or BoundedMemory(clock=clock))
        self._items: Mapping[str, RateLimitItem | None] = {
            "public": _item(settings.public),
            "tokens": _item(settings.tokens),
            "submits": _item(settings.submits),
            # counted apart, by the same rate
            "embedded": _item(settings.tokens),
            "operators": _item(settings.tokens),
            "strangers": _item(settings.tokens),
            "sign_in": _item(settings.tokens),
            "messages": None if settings.submits == "off" else _item(MESSAGES),
        }

    async def hit(self, limit: str, client: str, **logged: str) -> int | None:
        """Count one request; return the seconds to wait when it is one too many, else None."""
        return await self._ask(self._strategy.hit, limit, client, logged)

    async def test(self, limit: str, client: str, **logged: str) -> int | None:
        """Return the same without counting."""
        return await self._ask(self._strategy.test, limit, client, logged)

    async def _ask(
        self, ask: Callable[..., Awaitable[bool]], limit: str, client: str, logged: Mapping[str, str]
    ) -> int | None:
        item, bucket = self._items[limit], self._bucket(client)
        try:
            if item is None or await ask(item, limit, bucket):
                return None
            stats = await self._strategy.get_window_stats(item, limit, bucket)
        except StorageError as error:  # a shared store that is down must not close the surveys, nor lose a message
            telemetry.logger().warning("limits_store_failed", **logged, exc_info=error)
            return None
        return max(1, min(item.get_expiry(), int(stats.reset_time - self._clock()) + 1))

    async def clear(self, limit: str, client: str) -> None:
        """Forget what was counted: nothing came of it."""
        item = self._items[limit]
        if item is not None:
            with contextlib.suppress(StorageError):  # then it is over with its window
                await self._strategy.clear(item, limit, self._bucket(client))

    def _bucket(self, client: str) -> str:
        digest = hashlib.blake2b(network(client).encode(), key=self._salt, digest_size=8).digest()
        return str(int.from_bytes(digest, "big") % BUCKETS)


class RateLimits:
    """Answer 429 before the application is asked, by the limit of the address (`web/addresses.py`).

    Of operator addresses refused requests alone count, and a right token always passes. What another site's page can
    have an operator's browser send (images: no credentials, or not as a page) counts apart from what it cannot. Of the
    console's sign-in refused tokens alone count, too.
    """

    def __init__(
        self, app: ASGIApp, limiter: RateLimiter, errors: Errors, metrics: Metrics, is_operator: Callable[[str], bool]
    ) -> None:
        self.app = app
        self.limiter = limiter
        self.errors = errors
        self.metrics = metrics
        self.is_operator = is_operator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = addresses.of(scope).limit
        if limit is None:
            await self.app(scope, receive, send)
            return
        client = scope["state"]["client"]
        name = limit.value
        if limit is Limit.OPERATORS:
            given = Headers(scope=scope).getlist("authorization")
            if any(map(self.is_operator, given)):
                await self.app(scope, receive, send)
                return
            name = "operators" if given else "strangers"
        elif limit is Limit.TOKENS and _as_part_of_a_page(scope):
            name = "embedded"
        counts = limit not in (Limit.OPERATORS, Limit.SIGN_IN)
        ask = self.limiter.hit if counts else self.limiter.test
        wait = await ask(name, client, request_id=request_id(scope))
        if wait is not None:
            self.metrics.rate_limited(name)
            await self.errors.respond(too_many(wait), scope, receive, send)
        elif counts:
            await self.app(scope, receive, send)
        else:
            await self._counting_refusals(name, client, scope, receive, send)

    async def _counting_refusals(self, name: str, client: str, scope: Scope, receive: Receive, send: Send) -> None:
        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 401:
                await self.limiter.hit(name, client, request_id=request_id(scope))
            await send(message)

        await self.app(scope, receive, counting)


class BodyLimit:
    """Refuse a body that is too large: an announced one before it is read, another one as soon as it is."""

    def __init__(self, app: ASGIApp, errors: Errors) -> None:
        self.app = app
        self.errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        largest = LARGEST_FORM if addresses.of(scope).limit is Limit.SUBMITS else LARGEST_BODY
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not announced.isdigit() or len(announced) > 18 or int(announced) > largest:
            await self.errors.respond(self._problem(), scope, receive, send)
            return
        taken = 0

        async def counting() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > largest:
                raise self._problem()
            return message

        await self.app(scope, counting, send)

    def _problem(self) -> Problem:
        # what is left of the body is not read, so the connection cannot be used again
        return Problem(413, headers=[("Connection", "close")])


def _as_part_of_a_page(scope: Scope) -> bool:
    """Return whether a browser asks for an image or the like, and not for a page or a frame (Fetch Metadata)."""
    kinds = Headers(scope=scope).getlist("sec-fetch-dest")
    return any(kind not in ("document", "iframe", "frame", "empty") for kind in kinds)


def network(client: str) -> str:
    """Return what is counted together: the IPv4 address, or the IPv6 /64."""
    address = address_of(client)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address or "unknown")


def too_many(wait: int) -> Problem:
    """Return the 429 with the seconds to wait."""
    return Problem(
        429, "rate_limited", "Too many requests from your network. Please wait.", headers=[("Retry-After", str(wait))]
    )


def _item(rate: str) -> RateLimitItem | None:
    return None if rate == "off" else parse(rate)
