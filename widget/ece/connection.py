"""Connections to ECE, or to the proxy before it, as the HTTP library takes them from its network backend.

Every byte that comes is seen the moment it comes, also between two calls: what belongs to no request closes the
connection, so that it never becomes the answer to the next one.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from typing import Any, cast

import httpcore
from aiohappyeyeballs import start_connection

from widget.ece.http_answer import Answer, AnswerRefused

# Longer than the five seconds between refreshes, so that the connection is still there; shorter than the twenty after
# which Tomcat closes it, so that a call does not run into the closing.
TO_BEGIN = 0.1  # seconds within which a call that has been given a connection writes its request
KEEP_ALIVE = 15.0
HAPPY_EYEBALLS_DELAY = 0.25  # seconds before the next address is tried beside the first (RFC 8305, section 8)


class Network(httpcore.AsyncNetworkBackend):
    """Opens connections, each of which looks up its host anew, and closes them when they are `max_age` seconds old."""

    def __init__(self, max_age: float) -> None:
        self._max_age = max_age
        self._open: set[Connection] = set()

    def pool(
        self, context: ssl.SSLContext, proxy_url: str = "", proxy_auth: tuple[bytes, bytes] | None = None
    ) -> httpcore.AsyncConnectionPool:
        """Return a pool that keeps one connection, to a proxy where there is one; `proxy_auth` is user and password."""
        secured = context if proxy_url.startswith("https:") else None
        return httpcore.AsyncConnectionPool(
            ssl_context=context,
            proxy=httpcore.Proxy(proxy_url, proxy_auth, ssl_context=secured) if proxy_url else None,
            max_connections=None,
            max_keepalive_connections=1,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=self,
        )

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers. The time is bounded by the caller, for the whole call."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            connected = await start_connection(found, happy_eyeballs_delay=HAPPY_EYEBALLS_DELAY, loop=loop)
        except (OSError, UnicodeError, RuntimeError) as error:  # a name too long for DNS; uvloop's own
            raise httpcore.ConnectError(str(error)) from error
        connection = Connection(self._open)
        try:
            transport, _ = await loop.create_connection(lambda: connection, sock=connected)
        except BaseException:
            connected.close()
            raise
        connection.begin(transport, expires_at=loop.time() + self._max_age)
        return connection

    def renew(self, *, older_than: float) -> None:
        """Let no connection older than so many seconds serve another call: its host is looked up anew."""
        for connection in list(self._open):
            if connection.age > older_than:
                connection.expire()


class Connection(httpcore.AsyncNetworkStream, asyncio.Protocol):
    """One connection and the answer that is awaited over it."""

    def __init__(self, among: set[Connection]) -> None:
        self._among = among
        self._loop = asyncio.get_running_loop()
        self._answer: Answer | None = None
        self._unread = bytearray()
        self._expired = False
        self._ended = False
        self._uninvited = False
        self._expiry: asyncio.TimerHandle | None = None
        self._fault: Exception | None = None
        self._news: asyncio.Future[None] | None = None

    def begin(self, transport: asyncio.BaseTransport, *, expires_at: float) -> None:
        """Take up the connection; it serves no call that begins after `expires_at`, in the loop's time."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self._began = self._loop.time()
        self._expires_at = expires_at
        self._expiry = self._loop.call_at(expires_at, self.expire)
        self._among.add(self)
        if self._uninvited:
            self._transport.abort()

    @property
    def age(self) -> float:
        """How many seconds ago the host was looked up."""
        return self._loop.time() - self._began

    def expire(self) -> None:
        """Let it serve no call that has not taken it yet, and close it when none is under way.

        The library gives a call its connection a moment before it writes: closed in between, that call would fail.
        """
        self._expired = True
        self._loop.call_later(TO_BEGIN, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if self._idle():
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on in the answer. Bytes that nobody asked for close the connection."""
        answer = self._answer
        if answer is None or answer.complete:
            self._uninvited = True
            if self._expiry is not None:  # else `begin` does it
                self._transport.abort()
            return
        try:
            self._unread += answer.receive(data)
        except AnswerRefused as refused:
            self._fail(httpcore.RemoteProtocolError(str(refused)), refused)
            self._transport.abort()
        if self._idle() and (self._expired or not answer.reusable):
            self._transport.abort()
        self._tell()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end; only one in order is the end of a body without a length."""
        self._ended = True
        self._leave()
        if self._fault is None and exc is not None:  # perhaps before the first request: a TLS alert of the server's
            self._fail(httpcore.ReadError(type(exc).__name__), exc)
        elif self._fault is None and self._answer is not None and not self._answer.complete:
            self._unread += self._answer.end()
        self._tell()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - as above
        """Return what the answer has given so far, b"" at the end of the connection."""
        while not self._unread:
            if self._fault is not None:
                raise self._fault
            if self._ended:
                return b""
            self._news = self._loop.create_future()
            await self._news
        piece = bytes(self._unread[:max_bytes])
        del self._unread[:max_bytes]
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as above
        """Send a part of a request; the first one after an answer that was read begins the next."""
        if self._ended or self._transport.is_closing():
            raise httpcore.WriteError("the connection is closed")
        if self._answer is None or (self._answer.complete and not self._unread):
            self._answer = Answer(to_connect=buffer.startswith(b"CONNECT "))
        if buffer:
            self._transport.write(buffer)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> httpcore.AsyncNetworkStream:
        """Go on under TLS, as a new connection of the same age."""
        secured = Connection(self._among)
        try:
            transport = await self._loop.start_tls(
                self._transport, secured, ssl_context, server_hostname=server_hostname
            )
        except BaseException as error:
            self._transport.abort()
            if isinstance(error, OSError):  # ssl.SSLError is one
                raise httpcore.ConnectError(type(error).__name__) from error
            raise
        self._leave()
        if transport is None:  # closed while the handshake ended
            raise httpcore.ConnectError("the connection was closed")
        secured.begin(transport, expires_at=self._expires_at)
        return secured

    async def aclose(self) -> None:
        """Close it at once, whatever is under way."""
        self._transport.abort()

    def get_extra_info(self, info: str) -> Any:
        """Answer what the HTTP library asks; one that is "readable" between two calls is not used again."""
        if info == "is_readable":
            return self._expired or self._ended or self._transport.is_closing() or bool(self._unread)
        return self._transport.get_extra_info(info)

    def _fail(self, fault: Exception, cause: Exception) -> None:
        fault.__context__ = cause  # the library's pool takes an error's `__cause__` away
        self._fault = fault

    def _idle(self) -> bool:
        return self._answer is not None and self._answer.complete

    def _leave(self) -> None:
        self._among.discard(self)
        if self._expiry is not None:
            self._expiry.cancel()

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
