"""What every request carries: an id and the client's address; and at its end one log line and one count.

The hot public answers do not come through here; they are counted as plain integers where they are answered.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from widget import telemetry
from widget.telemetry import Metrics
from widget.web import addresses

Address = IPv4Address | IPv6Address

# What nginx ($request_id) and most balancers send: 32 hex digits or a UUID. Else a client could write words into logs.
_REQUEST_ID = re.compile(rb"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST_CHAIN = 50


def new_request_id() -> str:
    return secrets.token_hex(10)


class TrustedProxies:
    """Who may speak for a client. Of forwarded headers only `X-Forwarded-For` and `X-Forwarded-Host` are read."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = tuple(ip_network(network) for network in networks)

    def trusts(self, scope: Scope) -> bool:
        """Return whether the peer is one of the configured proxies."""
        address = peer(scope)
        return address is not None and self._covers(address)

    def client(self, scope: Scope) -> str:
        """Return the client's address: the peer, or behind our proxies the rightmost hop that is none of them."""
        address = peer(scope)
        if address is None or not self._covers(address):
            return str(address or "unknown")
        chain = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        for hop in reversed(chain.decode("latin-1").split(",")[-_LONGEST_CHAIN:]):
            parsed = address_of(_without_port(hop.strip()))
            if parsed is None:
                break  # what stands left of garbage was not written by a proxy of ours
            address = parsed
            if not self._covers(parsed):
                break
        return str(address)

    def _covers(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


class RequestContext:
    """The outermost middleware: `scope["state"]` gets `request_id` and `client`; then log line and metrics.

    `scope["state"]["fault"]` is the code of the fault that was answered, which `Errors` leaves there. What is no
    request, as start and stop of the server, goes to the router at once: no other middleware sees it.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, proxies: TrustedProxies) -> None:
        self.app = app
        self.metrics = metrics
        self.proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await scope["app"].router(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["client"] = self.proxies.client(scope)
        state["request_id"] = self._id(scope)
        started = time.perf_counter()
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        address = addresses.of(scope)
        code = scope["state"].get("fault")
        self.metrics.request(address.pattern, scope["method"], status, seconds, code)
        log = telemetry.logger()
        write = log.debug if address.quiet and status < 400 else log.info
        write(
            "request",
            route=address.pattern,
            method=scope["method"] if scope["method"] in telemetry.METHODS else "other",
            status=status,
            **({"code": code} if code else {}),
            ms=round(seconds * 1000, 1),
            request_id=scope["state"]["request_id"],
        )

    def _id(self, scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == b"x-request-id" and _REQUEST_ID.fullmatch(value) and self.proxies.trusts(scope):
                return str(value.decode("ascii"))
        return new_request_id()


def address_of(text: str) -> Address | None:
    """Read an address; IPv4 inside IPv6, as a socket for both shows its IPv4 peers, is IPv4."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


# Asked several times for each request, and behind a proxy always for the same peer. What a header names may be of any
# length, and is not kept.
_peer_address = lru_cache(maxsize=256)(address_of)


def peer(scope: Scope) -> Address | None:
    """Return the address of the socket's peer, None where there is none, as of a socket in the file system."""
    return _peer_address(scope["client"][0]) if scope.get("client") else None


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
