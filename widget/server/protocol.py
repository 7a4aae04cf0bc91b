"""The guard on every connection: what uvicorn leaves open to slow, greedy and malformed senders, it closes.

uvicorn alone waits for ever for headers, bodies and readers, takes 20,000 headers or none, and queues as many pipelined
requests as one read brings. The guard is a subclass of its protocol. It costs the hot path nothing per header and no
timer per request: one sweep per process looks at the deadlines of all connections four times a second, in place of
uvicorn's keep-alive timer for each answer.

Requests of one connection are answered in their order, each once. One is being answered (`_active`), at most
`MOST_AT_ONCE` wait (`pipeline`), and what was received behind those is kept unread (`_unread`) while the socket is not
read, until none waits. tests/server/test_uvicorn.py names everything of uvicorn's that is used here.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from typing import Any, cast

import httptools
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from widget.server import refusals
from widget.server.flow import PeerFlow
from widget.server.front import Front
from widget.server.guard import NEVER, Guard
from widget.server.refusals import Refusal
from widget.web.addresses import shows_a_page

MOST_AT_ONCE = 32  # requests that are read before the event loop turns to other connections, and that may wait
LINGER = 2.0  # seconds for which a refused sender is still read, so that it sees the answer and not a reset
MOST_WASTED = 2 * 1024 * 1024  # bytes taken from a sender whose answer is out already
HEAD_END = b"\r\n\r\n"


class GuardedProtocol(HttpToolsProtocol):
    """One connection. `deadline` is when its sender, `write_deadline` when its reader has had its time."""

    def __init__(self, *args: Any, guard: Guard, front: Front, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.guard = guard
        self.front = front
        self.url = b""  # asked for before the first request has begun, when there is no room for the connection
        self.deadline = NEVER
        self.write_deadline = NEVER
        self._keep_alive = guard.deadlines.keep_alive
        self._active: RequestResponseCycle | None = None
        self._unread = b""
        self._reads_on = False  # whether the event loop will call `_read_on`
        self._in_head = self._in_body = False
        self._timed = True  # whether `deadline` already stands for the head or body that is under way
        self._discards = False  # what comes in now is thrown away
        self._shut = False  # the client has sent all it will
        self._hosts = 0
        self._chunk = 0  # bytes that the parser is given
        self._begun_in_chunk = False  # whether the head under way began in them
        self._head_bytes = 0  # of the head under way, in later chunks than the one where it began
        self._head_at_most = self._trailer_bytes = 0
        self._wasted = 0
        self._write_time = guard.deadlines.write
        self._refusal: Refusal | None = None

    @property
    def idle(self) -> bool:
        """Whether no request is under way and no answer is owed."""
        return not (self._in_head or self._in_body or self._is_answering())

    # connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = PeerFlow(transport, self._requests_wait)
        self.deadline = self.loop.time() + self.guard.deadlines.head
        self.guard.watch(self.connections, self.loop)
        if len(self.connections) > self.guard.most_connections:
            self._refuse(refusals.CROWDED)

    def data_received(self, data: bytes) -> None:
        if self._discards:
            self._waste(data)
            return
        if not (self._unread or self._reads_on or self.pipeline) and data.count(HEAD_END) <= MOST_AT_ONCE:
            self._parse(data)  # nearly every read: one request, and none before it
            if self.pipeline:
                self.flow.pause_reading()
            return
        self._unread += data
        if not self._reads_on and not self.pipeline:
            self._read_some()

    def _read_some(self) -> None:
        """Give the parser at most `MOST_AT_ONCE` heads; keep what is behind them and stop reading the socket.

        One read may bring ten thousand requests, which would hold the event loop for 300 ms and take 10 MB.
        """
        data, end = self._unread, 0
        for _ in range(MOST_AT_ONCE):
            if (end := data.find(HEAD_END, end) + len(HEAD_END)) < len(HEAD_END):
                end = len(data)
                break
        if end == len(data):
            self._unread = b""
            self._parse(data)
        else:
            self._parse(data[:end])
            self._unread = b"" if self._discards else data[end:]
        if self._requests_wait():
            self.flow.pause_reading()
        self._read_on_soon()

    def _read_on_soon(self) -> None:
        """Go on with what is unread, once no request waits and the event loop has looked at other connections."""
        if self.pipeline or self._reads_on:
            return
        if self._unread:
            self._reads_on = True
            self.loop.call_soon(self._read_on)
        else:
            self.flow.resume_reading()

    def _read_on(self) -> None:
        self._reads_on = False
        if self.transport.is_closing():
            self._unread = b""
        elif self._unread and not self.pipeline:
            self._timed = False  # the time in which nothing was read is not the sender's
            self._read_some()

    def _requests_wait(self) -> bool:
        return bool(self.pipeline or self._unread)

    def _parse(self, data: bytes) -> None:
        self._chunk = len(data)
        self._begun_in_chunk = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._discards = True  # answered as the plain request it also is; nothing after it can be read as HTTP
            self.cycle.keep_alive = False
            return
        except httptools.HttpParserInvalidMethodError:
            self._refuse(refusals.refusal_of_method(data))
            return
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            if self._refusal is None and not isinstance(cause, httptools.HttpParserError | UnicodeError):
                self.logger.error("Exception while a request was read", exc_info=cause)
                self._refusal = refusals.BROKEN  # a bug of ours, and not the sender's doing
            self._refuse(self._refusal or refusals.MALFORMED)
            return
        except httptools.HttpParserError:
            self._refuse(refusals.MALFORMED)
            return
        if self._in_head:
            self._head_at_most += len(data)
            self._head_bytes += 0 if self._begun_in_chunk else len(data)
            if self._head_bytes > refusals.LARGEST_HEAD:
                self._refuse(refusals.HEAD if self.headers else refusals.TARGET)
            elif not self._timed:
                self._time(self.guard.deadlines.head)
        elif self._in_body and not self._timed:
            self._time(self.guard.deadlines.body)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Finish the answers to what was sent whole, then close; a client may shut its side after asking."""
        self._shut = True
        if self._in_body:
            self._drop_unfinished()
        self._in_head = self._in_body = False
        return self._is_answering() and not self.transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell every request that is unanswered, not the last alone: a write for one would raise, and be logged."""
        self._unread = b""
        for cycle in (self._active, *(waiting for waiting, _ in self.pipeline)):
            if cycle is not None:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.write_deadline = self.loop.time() + self._write_time

    def resume_writing(self) -> None:
        super().resume_writing()
        self.write_deadline = NEVER

    def shutdown(self) -> None:
        """Let answers that are on their way go out; a peer that then holds up the stop is cut in time."""
        super().shutdown()
        self._write_time = self.guard.deadlines.stopping
        until = self.loop.time() + self._write_time
        if self.flow.write_paused:
            self.write_deadline = min(self.write_deadline, until)
        if self._in_head or self._in_body or self.transport.is_closing():
            self.deadline = min(self.deadline, until)

    def expire(self, now: float) -> None:
        """Close: the sweep found a deadline passed."""
        if now >= self.write_deadline or self.transport.is_closing():
            self.guard.count("slow_reader")
            self.transport.abort()
        elif self._discards:
            self.transport.abort()
        elif (self._in_head or self._in_body) and self.flow.read_paused:
            self.deadline = now + self.guard.deadlines.head  # we do not read: not the sender's fault
        elif self._in_head or self._in_body:
            self._refuse(refusals.SLOW_HEAD if self._in_head else refusals.SLOW_BODY)
        else:
            self.guard.count("idle")
            self.transport.close()
            self.deadline = now + self._write_time

    # parser

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = self._begun_in_chunk = True
        self._timed = self.cycle is None  # of the first head, the time runs from the connection
        self._hosts = 0
        self._head_bytes = self._head_at_most = self._trailer_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            self._drop_trailer(len(name) + len(value) + 4)
            return
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def _drop_trailer(self, size: int) -> None:
        """Keep no field that comes behind a body: it could pass for a header (RFC 9110, 6.5.1), or be endless."""
        self._trailer_bytes += size
        if self._trailer_bytes > refusals.LARGEST_HEAD:
            self._refusal = refusals.HEAD
            raise ValueError(refusals.HEAD.code)

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        small = (
            len(self.headers) <= refusals.MOST_HEADERS and self._chunk + self._head_at_most <= refusals.LONGEST_TARGET
        )
        if not small or self._hosts != 1 or version not in refusals.VERSIONS:
            self._refusal = refusals.refusal_of_head(self.url, self.headers, self._hosts, version)
            if self._refusal is not None:
                raise ValueError(self._refusal.code)
        super().on_headers_complete()  # raises for an address that is none
        self._in_head, self._in_body, self._timed = False, True, False

    def on_body(self, body: bytes) -> None:
        if self.cycle.response_complete:
            self._waste(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        if self.cycle.response_complete:
            self._time(self._keep_alive)
        else:
            self.deadline = NEVER
        super().on_message_complete()

    # answers

    def on_response_complete(self) -> None:
        self._active = None
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._time(self._write_time)
            return
        if self.pipeline:
            self._start_task(self.pipeline.pop()[0])
        elif self._shut:
            self.transport.close()
            self._time(self._write_time)
        elif not self._in_head and not self._in_body:
            self.deadline = self.loop.time() + self._keep_alive
        if self._unread or self.flow.read_paused:
            self._read_on_soon()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Answer from the fast exit while the head is read, or start a task as uvicorn does.

        Not for what waited in the pipeline: each answer would be given from within the one before it. Nor for an
        upgrade, whose answer says that the connection ends, which is known only when the head was read.
        """
        if self.transport.is_closing():
            return  # behind an answer that ended the connection (RFC 9112, section 9.6)
        pieces = None
        scope: Any = cycle.scope
        if self.front.fast_exit is not None and not (self.flow.write_paused or self.parser.should_upgrade()):
            pieces = self.front.fast_exit.at_once(scope)
        if pieces is None:
            self._start_task(cycle)
        else:
            self._write_at_once(cycle, pieces)

    def _start_task(self, cycle: RequestResponseCycle) -> None:
        self._active = cycle
        super()._start_asgi_task(cycle, functools.partial(self._ask, cycle))

    async def _ask(self, cycle: RequestResponseCycle, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the application that is in front now, date its answer, and drop what it says to a peer that has gone."""

        async def send_dated(message: Message) -> None:
            if self.flow.write_paused and not cycle.disconnected:
                await self.flow.drain()
            if self.transport.is_closing():
                cycle.disconnected = True  # uvloop raises for a write, until it says that the connection is lost
            if message["type"] == "http.response.start":
                cycle.default_headers = [(b"date", self.guard.date())]
                if self.guard.draining:
                    self._close_behind(cycle)
            await send(message)

        await self.front.app(scope, receive, send_dated)

    def _write_at_once(self, cycle: RequestResponseCycle, pieces: Sequence[bytes]) -> None:
        """Write the whole answer: uvicorn's cycle would look at each header again."""
        if self.guard.draining:
            self._close_behind(cycle)
        close = b"" if cycle.keep_alive else b"connection: close\r\n"
        first, *others = pieces
        self.transport.write(b"".join((first, b"date: ", self.guard.date(), b"\r\n", close, *others)))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _close_behind(self, cycle: RequestResponseCycle) -> None:
        if not self._requests_wait():
            cycle.keep_alive = False

    # refusing

    def _refuse(self, refusal: Refusal) -> None:
        """Read no more, and answer with `refusal` unless the request has its answer or earlier ones are unanswered."""
        self.guard.count(refusal.code)
        self._discards = True
        self._unread = b""
        if self.transport.is_closing():
            return
        answered = self._in_body and self.cycle.response_complete
        if self._in_body and self.cycle.response_started and not answered:
            self.cycle.keep_alive = False  # the answer that is on its way goes out, then the connection closes
            self._time(self.guard.deadlines.body)
            return
        if self._in_body and not answered:
            self._drop_unfinished()
        if self._is_answering():
            self._last_to_answer().keep_alive = False
            self._time(NEVER)
            return
        if not answered:
            request_id, date, page = self.guard.new_id(), self.guard.date(), shows_a_page(self.url)
            self.transport.write(refusals.answer(refusal, request_id, date=date, page=page))
        self._time(LINGER)
        self.flow.resume_reading()
        if refusal is not refusals.CROWDED and self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _drop_unfinished(self) -> None:
        """Let go of the request whose body is under way and that has no answer yet."""
        if self.cycle is self._active:
            self._active = None
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        elif self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()

    def _is_answering(self) -> bool:
        return self._active is not None or bool(self.pipeline)

    def _last_to_answer(self) -> RequestResponseCycle:
        waiting = self.pipeline[0][0] if self.pipeline else self._active
        return cast("RequestResponseCycle", waiting)

    def _waste(self, data: bytes) -> None:
        self._wasted += len(data)
        if self._wasted > MOST_WASTED:
            self.transport.abort()

    def _time(self, seconds: float) -> None:
        self.deadline = self.loop.time() + seconds
        self._timed = True

    def _unset_keepalive_if_required(self) -> None:
        """Do nothing: the sweep keeps the time."""
