"""Ask ECE: the six documented calls over HTTP, bounded in time, size and number. The only importer of the HTTP library.

The transport is asked directly, without the library's client around it: so no redirect is followed, no cookie kept
(a shared jar would show one visitor's to the next), no body decoded (a small reply can unpack to gigabytes) and no
proxy or certificate taken from the environment.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx

from widget.domain.errors import EceBusy, EceError, EceRefused, EceTimeout, EceTlsFailure, EceUnreadable, cause_of
from widget.domain.outbox import OutboxMessage
from widget.domain.readings import (
    Call,
    Reading,
)
from widget.domain.retry_after import retry_after
from widget.ece import failures, tls, wire
from widget.ece.connection import Network
from widget.ece.dialect import Dialect, Format
from widget.ece.failover import Failover
from widget.ece.http_answer import LARGEST_BODY, AnswerRefused
from widget.ece.progress import Probe, Progress
from widget.settings import EceSettings

_HEADERS = {"accept-encoding": "identity", "cache-control": "no-cache, no-store", "user-agent": "ece-widget"}
_GET = {**_HEADERS, "accept": "application/xml, text/xml"}
_POST = {
    **_HEADERS,
    "accept": "application/xml, text/xml, */*;q=0.1",
    "content-type": "text/xml; charset=utf-8",
    "connection": "close",
}
# Other words for a coding say nothing: some Java servers write a charset there.
_PACKED = frozenset({"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"})
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)


class EceClient:
    """ECE's six calls. Every method raises EceError and nothing else; cancelling one drops its connection."""

    def __init__(
        self,
        settings: EceSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Build the client; reads certificate files, so call it outside the event loop. Raise SettingsFaults."""
        self._settings = settings
        self._proxied = settings.proxy is not None
        network = Network(settings.connection_max_age)
        self._failover = Failover(network)
        self._chain: asyncio.Future[str] | None = None  # what is wrong with it, once somebody asked
        self._transports = [transport] * settings.max_connections if transport else _transports(settings, network)
        # The last one given back goes out first: so few connections stay open, and those are used often.
        self._free: asyncio.LifoQueue[httpx.AsyncBaseTransport] = asyncio.LifoQueue()
        for each in self._transports:
            self._free.put_nowait(each)

    async def aclose(self) -> None:
        """Close every connection."""
        for transport in set(self._transports):
            await transport.aclose()

    async def submit_survey(self, message: OutboxMessage, form: Dialect) -> None:
        """Post a survey in this form (guide, section 14): 204, or any 2xx with an empty or XML body, is a success.

        It has a connection of its own: whatever another call left behind on one is never its receipt.
        """
        survey, progress = wire.survey_xml(message, namespace=form.format is Format.NAMESPACE), Progress()
        body = await self._exchange("POST", self._settings.base_url + form.path, _POST, progress, survey)
        if progress.status != 204:
            wire.survey_answer(body, progress.content_type, status=progress.status)

    async def ask(self, call: Call, entry_point_id: int) -> Reading:
        """Make one of the five GET calls (guide, sections 9 to 13)."""
        return (await self._ask(call, entry_point_id, Progress())).reading

    async def probe(self, call: Call, entry_point_id: int) -> Probe:
        """Make one of the five GET calls and tell everything about it, failed or not."""
        progress, started = Progress(), time.perf_counter()
        understood, error = None, None
        try:
            understood = await self._ask(call, entry_point_id, progress)
        except EceError as failure:
            error = await self._in_detail(failure)
        return Probe(
            call,
            progress.status,
            time.perf_counter() - started,
            progress.content_type,
            understood.reading if understood else None,
            error,
            understood.oddities if understood else frozenset(),
        )

    async def _in_detail(self, error: EceError) -> EceError:
        """Find out, once, whether an authority is unknown or its certificate just not sent."""
        if not isinstance(error, EceTlsFailure) or error.detail != tls.UNKNOWN_ISSUER or self._proxied:
            return error
        if self._chain is None:
            self._chain = asyncio.ensure_future(asyncio.to_thread(self._look_at_chain))
        return EceTlsFailure(await self._chain)

    def _look_at_chain(self) -> str:
        address = httpx.URL(self._settings.base_url)
        return tls.why_the_issuer_is_unknown(
            _trusted(self._settings), address.host, address.port or 443, timeout=self._settings.timeout
        )

    async def _ask(self, call: Call, entry_point_id: int, progress: Progress) -> wire.Understood:
        try:
            body = await self._exchange("GET", self._settings.address(call, entry_point_id), _GET, progress)
            understood = wire.read(call, body, status=progress.status, wait_time_unit=self._settings.wait_time_unit)
        except EceError as error:
            self._failover.heard(call, entry_point_id, error)
            raise
        self._failover.heard(call, entry_point_id, understood.reading)
        return understood

    async def _exchange(
        self, method: str, url: str, headers: dict[str, str], progress: Progress, content: bytes | None = None
    ) -> bytes:
        """Return the body of a success within the total time.

        Waiting for a free connection counts, but for no circuit breaker.
        """
        try:
            async with asyncio.timeout(self._settings.timeout), self._connection() as transport:
                progress.asked_at = asyncio.get_running_loop().time()
                traced = {"trace": progress.trace}
                request = httpx.Request(method, url, headers=headers, content=content, extensions=traced)
                if content is not None:
                    await transport.aclose()  # the connection that it keeps
                try:
                    return await self._send(transport, request, progress)
                except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
                    # A kept connection that ECE closed just as we used it. RFC 9110, section 9.2.2 allows a second
                    # try for GET; a survey might arrive twice.
                    if content is not None or cause_of(error, AnswerRefused) or not progress.died_unanswered:
                        raise
                    return await self._send(transport, request, progress)
        except TimeoutError:
            if progress.waited_for_us(self._settings.timeout, now=asyncio.get_running_loop().time()):
                detail = "all connections were in use; see [ece] max_connections"
                raise EceBusy(detail, maybe_received=progress.maybe_received) from None
            detail = f"no whole answer within {self._settings.timeout:g} s"
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

    async def _send(self, transport: httpx.AsyncBaseTransport, request: httpx.Request, progress: Progress) -> bytes:
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
                raise failures.refused_by_proxy(407)
            is_survey = request.method == "POST"
            if not 200 <= response.status_code <= 299:
                raise failures.no_success(
                    response.status_code,
                    url=str(request.url),
                    location=response.headers.get("location"),
                    retry_after=retry_after(response.headers.get("retry-after"), time.time()),
                    is_survey=is_survey,
                )
            return await _bounded(response, is_survey=is_survey)
        finally:
            await response.aclose()


class _Transport(httpx.AsyncHTTPTransport):
    """The library's own transport over a pool of ours, since it takes no network backend."""

    def __init__(self, network: Network, context: ssl.SSLContext, proxy: httpx.Proxy | None) -> None:
        self._pool = network.pool(context, str(proxy.url), proxy.raw_auth) if proxy else network.pool(context)


def import_what_calls_need() -> None:
    """Fail at a port of this machine that nobody can listen on: what a process' first calls import is then imported.

    The HTTP library imports parts of itself at the first call, others at the first that fails. That takes 40 ms, in
    which an event loop answers nobody: call it in a thread.
    """
    asyncio.run(_fail())


async def _fail() -> None:
    "localhost".encode("idna")  # as for the first name that is looked up
    async with _Transport(Network(1.0), _nobody(), None) as transport:
        with suppress(httpx.TransportError):
            await transport.handle_async_request(httpx.Request("GET", "http://127.0.0.1:0/"))


def _trusted(settings: EceSettings) -> ssl.SSLContext:
    addresses = [settings.base_url, *filter(None, [settings.proxy])]
    secured = any(each.lower().startswith("https:") for each in addresses)
    return tls.trust(settings, _public if secured else _nobody)


def _public() -> ssl.SSLContext:
    """Return a context that trusts the public authorities and the machine's own; takes 60 ms."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def _nobody() -> ssl.SSLContext:
    """Return a context for addresses of plain HTTP, which never use it."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _transports(settings: EceSettings, network: Network) -> list[httpx.AsyncBaseTransport]:
    """Return one transport for each connection.

    The library's pool looks at every connection it has whenever one is taken or given back: with twenty of them a call
    costs three times as much.
    """
    context = _trusted(settings)
    proxy = None if settings.proxy is None else httpx.Proxy(settings.proxy)
    return [_Transport(network, context, proxy) for _ in range(settings.max_connections)]


async def _bounded(response: httpx.Response, *, is_survey: bool) -> bytes:
    """Read the body of a success; that a survey's cannot be read leaves open whose success it is."""
    status = response.status_code
    codings = {each.strip() for each in response.headers.get("content-encoding", "").lower().split(",")}
    if codings & _PACKED and status != 204 and response.headers.get("content-length") != "0":
        raise EceUnreadable("a compressed body, which was not asked for", status=status, maybe_received=is_survey)
    assert isinstance(response.stream, httpx.AsyncByteStream)
    body = bytearray()
    async for chunk in response.stream:
        body += chunk
        if len(body) > LARGEST_BODY:
            raise EceUnreadable("more than 64 KiB", status=status, maybe_received=is_survey)
    return bytes(body)


def _translated(error: Exception, progress: Progress, *, proxied: bool) -> EceError:
    before_ece = proxied and progress.connecting and not progress.tunnel
    words = tls.failure(error) or (tls.HUNG_UP if progress.securing and isinstance(error, httpx.ConnectError) else None)
    if words is not None:
        return EceRefused(f"TLS with the proxy failed: {words}") if before_ece else EceTlsFailure(words)
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return EceTimeout("no connection in time")
        case httpx.TimeoutException():
            return EceTimeout("no answer in time", maybe_received=progress.maybe_received)
        case httpx.ProxyError():
            status = str(error)[:3]  # the library's text is the proxy's status line, of which no word is passed on
            return failures.refused_by_proxy(int(status) if re.fullmatch("[1-5][0-9]{2}", status) else None)
        case httpx.ConnectError() | httpx.UnsupportedProtocol() | httpx.InvalidURL():
            return failures.no_connection(error, to_proxy=before_ece)
        case _:
            return failures.reset(error, status=progress.status, maybe_received=progress.maybe_received)
