"""The guard on every connection: what uvicorn leaves open to slow, greedy and malformed senders, it closes.

uvicorn alone waits for ever for headers, bodies and readers, and takes 20,000 headers or none. The guard is a subclass
of its protocol. It costs the hot path nothing per header and no timer per request: one sweep per process looks at the
deadlines of all connections four times a second, in place of uvicorn's keep-alive timer for each answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from widget.server.dates import DatedHeaders
from widget.server.guard import (
    BROKEN,
    CROWDED,
    HEAD,
    HOST,
    LARGEST_HEAD,
    LINGER,
    LONGEST_TARGET,
    MALFORMED,
    METHOD,
    METHOD_LINE,
    MOST_HEADERS,
    MOST_WASTED,
    NEVER,
    SLOW_BODY,
    SLOW_HEAD,
    TARGET,
    Fault,
    Guard,
    answer,
)
from widget.web.addresses import shows_a_page

VERSIONS = ("1.1", "1.0")


class GuardedProtocol(HttpToolsProtocol):
    """One connection. `deadline` is when its sender, `write_deadline` when its reader has had its time."""

    def __init__(self, *args: Any, guard: Guard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.guard = guard
        self.url = b""  # asked for before the first request has begun, when there is no room for the connection
        self.deadline = NEVER
        self.write_deadline = NEVER
        self._keep_alive = guard.deadlines.keep_alive
        self._in_head = False
        self._in_body = False
        self._timed = True  # whether `deadline` already stands for the head or body that is under way
        self._deaf = False  # what comes in now is thrown away
        self._ended = False  # the client has sent all it will
        self._hosts = 0
        self._head_bytes = self._trailer_bytes = 0
        self._chunk = 0
        self._wasted = 0
        self._fault: Fault | None = None

    @property
    def idle(self) -> bool:
        """Whether the client owes us nothing and we owe it nothing."""
        return not (self._in_head or self._in_body or self._unanswered())

    # connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.deadline = self.loop.time() + self.guard.deadlines.head
        self.guard.watch(self.connections, self.loop)
        if len(self.connections) > self.guard.most_connections:
            self._refuse(CROWDED)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            self._waste(data)
            return
        self._chunk = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._deaf = True  # answered as the plain request it also is; nothing after it can be read as HTTP
            self.cycle.keep_alive = False
            return
        except httptools.HttpParserInvalidMethodError:
            self._refuse(METHOD if METHOD_LINE.match(data) else MALFORMED)
            return
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            if self._fault is None and not isinstance(cause, httptools.HttpParserError | UnicodeError):
                self.logger.error("Exception while a request was read", exc_info=cause)
                self._fault = BROKEN  # a bug of ours, and not the sender's doing
            self._refuse(self._fault or MALFORMED)
            return
        except httptools.HttpParserError:
            self._refuse(MALFORMED)
            return
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD:
                self._refuse(HEAD if self.headers else TARGET)
            elif not self._timed:
                self._time(self.guard.deadlines.head)
        elif self._in_body and not self._timed:
            self._time(self.guard.deadlines.body)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Finish the answers to what was sent whole, then close; a client may shut its side after asking."""
        if self._deaf or self.idle or self._in_head or self._in_body:
            return False
        self._ended = True
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self.write_deadline = self.loop.time() + self.guard.deadlines.write

    def resume_writing(self) -> None:
        super().resume_writing()
        self.write_deadline = NEVER

    def expire(self, now: float) -> None:
        """Close: the sweep found a deadline passed."""
        if now >= self.write_deadline or self.transport.is_closing():
            self.guard.count("slow_reader")
            self.transport.abort()
        elif self._deaf:
            self.transport.abort()
        elif (self._in_head or self._in_body) and self.flow.read_paused:
            self.deadline = now + self.guard.deadlines.head  # we do not read: not the sender's fault
        elif self._in_head or self._in_body:
            self._refuse(SLOW_HEAD if self._in_head else SLOW_BODY)
        else:
            self.guard.count("idle")
            self.transport.close()
            self.deadline = now + self.guard.deadlines.write

    # parser

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._timed = self.cycle is None  # of the first head, the time runs from the connection
        self._hosts = 0
        self._head_bytes = self._trailer_bytes = 0

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
        if self._trailer_bytes > LARGEST_HEAD:
            self._fault = HEAD
            raise ValueError(HEAD.code)

    def on_headers_complete(self) -> None:
        few = (
            self._hosts == 1 and len(self.headers) <= MOST_HEADERS and self._chunk + self._head_bytes <= LONGEST_TARGET
        )
        if not few or self.parser.get_http_version() not in VERSIONS:
            self._fault = self._fault_of_head()
            if self._fault is not None:
                raise ValueError(self._fault.code)
        self._in_head, self._in_body, self._timed = False, True, False
        super().on_headers_complete()

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

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._time(self.guard.deadlines.write)
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_task(*self.pipeline.pop())
        elif self._ended:
            self.transport.close()
            self._time(self.guard.deadlines.write)
        elif not self._in_head and not self._in_body:
            self.deadline = self.loop.time() + self._keep_alive

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Answer from the application's fast lane while the head is read, or start a task as uvicorn does.

        Not for what waited in the pipeline: each answer would be given from within the one before it. Nor for an
        upgrade, whose answer says that the connection ends, which is known only when the head was read.
        """
        at_once = getattr(self.config.loaded_app, "at_once", None)
        dated = cycle.default_headers  # a plain list under another server than ours
        pieces = None
        if at_once is not None and isinstance(dated, DatedHeaders) and self._takes_an_answer_now():
            pieces = at_once(cycle.scope)
        if pieces is None:
            self._start_task(cycle, app)
        else:
            self._write_at_once(cycle, pieces, cast("DatedHeaders", dated).line())

    def _takes_an_answer_now(self) -> bool:
        return not (self.flow.write_paused or self.parser.should_upgrade())

    def _start_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        super()._start_asgi_task(cycle, self.config.loaded_app)  # which a reload may have changed since

    def _write_at_once(self, cycle: RequestResponseCycle, pieces: Sequence[bytes], date: bytes) -> None:
        """Be the whole of a request's cycle: uvicorn's would look at each header again."""
        close = b"" if cycle.keep_alive else b"connection: close\r\n"
        first, *others = pieces
        self.transport.write(b"".join((first, date, close, *others)))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    # refusing

    def _fault_of_head(self) -> Fault | None:
        if self._hosts != 1 and (self._hosts or self.parser.get_http_version() != "1.0"):
            return HOST
        if len(self.headers) > MOST_HEADERS:
            return HEAD
        if len(self.url) > LONGEST_TARGET:
            return TARGET
        if sum(len(name) + len(value) + 4 for name, value in self.headers) + len(self.url) > LARGEST_HEAD:
            return HEAD
        return None if self.parser.get_http_version() in VERSIONS else MALFORMED

    def _refuse(self, fault: Fault) -> None:
        """Answer with `fault` and hear no more, unless an earlier request's answer is still on its way."""
        self.guard.count(fault.code)
        self._deaf = True
        cycle = self._unanswered()
        if cycle is not None:
            if not self._in_body:
                cycle.keep_alive = False  # the answers to what was whole go out, then the connection closes
                self._time(NEVER)
                return
            if self.pipeline or cycle.response_started:
                self.transport.abort()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.write(answer(fault, self.guard.new_id(), page=shows_a_page(self.url)))
        self._time(LINGER)
        if fault is not CROWDED and self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _unanswered(self) -> RequestResponseCycle | None:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return None if cycle is None or cycle.response_complete else cycle

    def _waste(self, data: bytes) -> None:
        self._wasted += len(data)
        if self._wasted > MOST_WASTED:
            self.transport.abort()

    def _time(self, seconds: float) -> None:
        self.deadline = self.loop.time() + seconds
        self._timed = True

    def _unset_keepalive_if_required(self) -> None:
        """Do nothing: the sweep keeps the time."""
