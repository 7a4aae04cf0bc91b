"""Ask ECE: the six documented calls over HTTP, bounded in time, size and number. The only importer of the HTTP library.

The transport is asked directly, without the library's client around it: so no redirect is followed, no cookie kept
(a shared jar would show one visitor's to the next), no body decoded (a small reply can unpack to gigabytes) and no
proxy or certificate taken from the environment.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeVar

import httpx

from widget.domain.errors import (
    EceBusy,
    EceError,
    EceGatewayDown,
    EceRedirect,
    EceRefused,
    EceReset,
    EceStatus,
    EceTimeout,
    EceTlsFailure,
    EceUnreadable,
)
from widget.domain.outbox import SurveyMessage
from widget.domain.readings import (
    AgentAvailability,
    Call,
    Capacity,
    ChatAllowed,
    Eligibility,
    LiveSessionStatus,
    Reading,
)
from widget.ece import tls, wire
from widget.ece.dialect import Dialect, Format
from widget.ece.progress import Probe, Progress
from widget.ece.retry_after import retry_after
from widget.settings import EceSettings

LARGEST_REPLY = 64 * 1024
# Longer than the five seconds between refreshes, so that the connection is still there; shorter than the twenty after
# which Tomcat closes it, so that a call does not run into the closing.
KEEP_ALIVE = 15.0

_HEADERS = {"accept-encoding": "identity", "cache-control": "no-cache, no-store", "user-agent": "ece-widget"}
_GET = {**_HEADERS, "accept": "application/xml, text/xml"}
_POST = {**_HEADERS, "accept": "application/xml, text/xml, */*;q=0.1", "content-type": "text/xml; charset=utf-8"}
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)
_ORIGIN = re.compile(r"https?://[\w.\-:\[\]]{1,200}(?=[/?#]|$)", re.ASCII | re.IGNORECASE)

_R = TypeVar("_R", bound=Reading)
Notice = Callable[[Call, wire.Oddity], None]


@dataclass(frozen=True, slots=True)
class _Reply:
    """An answer whose status is a success."""

    status: int
    content_type: str | None
    body: bytes


class EceClient:
    """ECE's six calls. Every method raises EceError and nothing else; cancelling one drops its connection."""

    def __init__(
        self,
        settings: EceSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        notice: Notice = lambda _call, _oddity: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Build the client; reads certificate files, so call it outside the event loop. Raises SettingsFaults."""
        self._base_url = settings.base_url
        self._api = settings.base_url + settings.api_path
        self._timeout = settings.timeout
        self._wait_time_unit = settings.wait_time_unit
        self._proxied = settings.proxy is not None
        self._transports = _transports(settings) if transport is None else [transport] * settings.max_connections
        # The last one given back goes out first: so few connections stay open, and those are warm.
        self._free: asyncio.LifoQueue[httpx.AsyncBaseTransport] = asyncio.LifoQueue()
        for each in self._transports:
            self._free.put_nowait(each)
        self._notice = notice
        self._now = now

    async def aclose(self) -> None:
        """Close every connection."""
        for transport in set(self._transports):
            await transport.aclose()

    async def agent_availability(self, entry_point_id: int, *, trace: str | None = None) -> AgentAvailability:
        """Ask whether an agent is available for the entry point (guide, section 9)."""
        return await self._read(Call.AGENT_AVAILABILITY, entry_point_id, AgentAvailability, trace)

    async def capacity(self, entry_point_id: int, *, trace: str | None = None) -> Capacity:
        """Ask how many more chats all agents of the queue can take (guide, section 10)."""
        return await self._read(Call.CAPACITY, entry_point_id, Capacity, trace)

    async def live_session_status(self, entry_point_id: int, *, trace: str | None = None) -> LiveSessionStatus:
        """Ask for the estimated wait and the number of chats waiting (guide, section 11)."""
        return await self._read(Call.LIVE_SESSION_STATUS, entry_point_id, LiveSessionStatus, trace)

    async def check_eligibility(self, entry_point_id: int, *, trace: str | None = None) -> Eligibility:
        """Ask whether an agent is there and the queue has room (guide, section 12)."""
        return await self._read(Call.CHECK_ELIGIBILITY, entry_point_id, Eligibility, trace)

    async def chat_allowed(self, entry_point_id: int, *, trace: str | None = None) -> ChatAllowed:
        """Ask whether the entry point is active, an agent is there and the queue has room (guide, section 13)."""
        return await self._read(Call.CHAT_ALLOWED, entry_point_id, ChatAllowed, trace)

    async def submit_survey(self, message: SurveyMessage, form: Dialect) -> None:
        """Post a survey in this form (guide, section 14): 204, or any 2xx with an empty or XML body, is a success."""
        body = wire.survey_xml(message, namespace=form.format is Format.NAMESPACE)
        try:
            reply = await self._exchange("POST", self._base_url + form.path, _POST, Progress(), body)
        except EceUnreadable as error:  # a success, but nobody can say whose
            error.maybe_received = True
            raise
        if reply.status != 204:
            with _status_noted(reply.status):
                wire.survey_answer(reply.body, reply.content_type)

    async def ask(self, call: Call, entry_point_id: int, *, trace: str | None = None) -> Reading:
        """Make one of the five GET calls; `trace` is a `traceparent` to pass on (W3C Trace Context)."""
        return (await self._ask(call, entry_point_id, Progress(), trace)).reading

    async def probe(self, call: Call, entry_point_id: int) -> Probe:
        """Make one of the five GET calls and tell everything about it, failed or not."""
        progress, started = Progress(), time.perf_counter()
        understood, error = None, None
        try:
            understood = await self._ask(call, entry_point_id, progress, None)
        except EceError as failure:
            error = failure
        return Probe(
            call,
            progress.status,
            time.perf_counter() - started,
            progress.content_type,
            understood.reading if understood else None,
            error,
            understood.oddities if understood else frozenset(),
        )

    async def _read(self, call: Call, entry_point_id: int, kind: type[_R], trace: str | None) -> _R:
        reading = await self.ask(call, entry_point_id, trace=trace)
        assert isinstance(reading, kind)
        return reading

    async def _ask(self, call: Call, entry_point_id: int, progress: Progress, trace: str | None) -> wire.Understood:
        headers = {**_GET, "traceparent": trace} if trace and _TRACEPARENT.fullmatch(trace) else _GET
        reply = await self._exchange("GET", f"{self._api}/{call}/{entry_point_id:d}", headers, progress)
        with _status_noted(reply.status):
            understood = wire.read(call, reply.body, wait_time_unit=self._wait_time_unit)
        for oddity in understood.oddities:
            self._notice(call, oddity)
        return understood

    async def _exchange(
        self, method: str, url: str, headers: dict[str, str], progress: Progress, content: bytes | None = None
    ) -> _Reply:
        """Make one call within the total time; waiting for a free connection counts, but speaks against nobody."""
        try:
            async with asyncio.timeout(self._timeout), self._connection() as transport:
                progress.asked_at = asyncio.get_running_loop().time()
                request = _request(method, url, headers, progress, content)
                try:
                    return await self._send(transport, request, progress)
                except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                    # A kept connection that ECE closed just as we used it. RFC 9110, section 9.2.2 allows a second
                    # try for GET; a survey might arrive twice.
                    if content is not None or not progress.died_unanswered:
                        raise
                    request = _request(method, url, headers, progress, content)
                    return await self._send(transport, request, progress)
        except TimeoutError:
            if progress.waited_for_us(self._timeout, now=asyncio.get_running_loop().time()):
                detail = "all connections were in use; see [ece] max_connections"
                raise EceBusy(detail, maybe_received=progress.maybe_received) from None
            detail = f"no whole answer within {self._timeout:g} s"
            raise EceTimeout(detail, status=progress.status, maybe_received=progress.maybe_received) from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
            raise _translated(error, progress, proxied=self._proxied) from error

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[httpx.AsyncBaseTransport]:
        transport = await self._free.get()
        try:
            yield transport
        finally:
            self._free.put_nowait(transport)

    async def _send(self, transport: httpx.AsyncBaseTransport, request: httpx.Request, progress: Progress) -> _Reply:
        try:
            response = await transport.handle_async_request(request)
        except BaseException:
            if progress.tunnel:  # one whose TLS failed would stay in the library's pool for good, with its socket
                await transport.aclose()
            raise
        try:
            progress.status = response.status_code
            media_type = _MEDIA_TYPE.match(response.headers.get("content-type", ""))
            progress.content_type = media_type[0] if media_type else None
            if response.status_code == 407 and self._proxied:
                raise _refused_by_proxy(407)
            if not 200 <= response.status_code <= 299:
                raise _no_success(response, self._now())
            return _Reply(response.status_code, progress.content_type, await _bounded(response))
        finally:
            await response.aclose()


@contextmanager
def _status_noted(status: int) -> Iterator[None]:
    try:
        yield
    except EceUnreadable as error:
        error.status = status
        raise


def _request(
    method: str, url: str, headers: dict[str, str], progress: Progress, content: bytes | None
) -> httpx.Request:
    return httpx.Request(method, url, headers=headers, content=content, extensions={"trace": progress.trace})


def _transports(settings: EceSettings) -> list[httpx.AsyncBaseTransport]:
    """Give one transport for each connection.

    The library's pool looks at every connection it has, with a system call each, whenever one is taken or given back:
    with twenty of them a call costs three times as much.
    """
    context = tls.trust(settings, lambda: httpx.create_ssl_context(trust_env=False))
    proxy = None
    if settings.proxy:  # only one that is itself asked over TLS takes a context
        secure = settings.proxy.lower().startswith("https:")
        proxy = httpx.Proxy(settings.proxy, ssl_context=context if secure else None)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=1, keepalive_expiry=KEEP_ALIVE)
    return [
        httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits, proxy=proxy)
        for _ in range(settings.max_connections)
    ]


async def _bounded(response: httpx.Response) -> bytes:
    packed = response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")
    if packed and response.status_code != 204 and response.headers.get("content-length") != "0":
        raise EceUnreadable("a compressed body, which was not asked for", status=response.status_code)
    assert isinstance(response.stream, httpx.AsyncByteStream)
    body = bytearray()
    async for chunk in response.stream:
        body += chunk
        if len(body) > LARGEST_REPLY:
            raise EceUnreadable("more than 64 KiB", status=response.status_code)
    return bytes(body)


def _no_success(response: httpx.Response, now: float) -> EceError:
    status, pause = response.status_code, retry_after(response.headers.get("retry-after"), now)
    if 300 <= status <= 399:
        origin = _ORIGIN.match(response.headers.get("location", ""))
        target = f" to {origin[0]}" if origin else ""
        return EceRedirect(f"{status}{target}, which is not followed", status=status)
    if status in (502, 503, 504):
        # After 502 and 504 ECE itself may have worked on: only the way back broke.
        maybe_received = status != 503
        return EceGatewayDown(str(status), status=status, retry_after=pause, maybe_received=maybe_received)
    return EceStatus(str(status), status=status, retry_after=pause)


def _refused_by_proxy(status: int | None) -> EceRefused:
    words = {None: "the proxy did not connect", 407: "the proxy answers 407: it wants a user and a password"}
    return EceRefused(words.get(status, f"the proxy answers {status}"), status=status)


def _translated(error: Exception, progress: Progress, *, proxied: bool) -> EceError:
    before_ece = proxied and progress.connecting and not progress.tunnel
    refused = tls.failure(error)
    if refused is not None:
        return EceRefused(f"TLS with the proxy failed: {refused}") if before_ece else EceTlsFailure(refused)
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return EceTimeout("no connection in time")
        case httpx.TimeoutException():
            return EceTimeout("no answer in time", maybe_received=progress.maybe_received)
        case httpx.ProxyError():
            status = str(error)[:3]  # the library's text is the proxy's status line, of which no word is passed on
            return _refused_by_proxy(int(status) if re.fullmatch("[1-5][0-9]{2}", status) else None)
        case httpx.ConnectError() | httpx.UnsupportedProtocol() | httpx.InvalidURL():
            return EceRefused("no connection to the proxy" if before_ece else "no connection")
        case _:
            return EceReset("the connection broke, or the answer was not HTTP", maybe_received=progress.maybe_received)
