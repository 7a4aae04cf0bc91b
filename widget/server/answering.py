"""The answers of a connection: each request gets one, in the order in which they came.

One request is being answered (`_active`), the others wait (`pipeline`). What the fast exit can answer is written while
the head is read, and never becomes one of uvicorn's cycles, which take as long to make as the answer takes to find.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import unquote

import httptools
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from widget.server.current_application import CurrentApplication
from widget.server.guard import NEVER, Guard
from widget.server.reading import PortionedReading


class OrderedAnswers(PortionedReading):
    """`deadline` is when the sender has had its time, `write_deadline` when the reader has."""

    def __init__(self, *args: Any, guard: Guard, current: CurrentApplication, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.guard = guard
        self.current = current
        self.deadline = NEVER
        self.write_deadline = NEVER
        self._keep_alive = guard.deadlines.keep_alive
        self._write_time = guard.deadlines.write
        self._active: RequestResponseCycle | None = None
        self._in_head = self._in_body = False
        self._shut = False  # the client has sent all it will

    @property
    def idle(self) -> bool:
        """Return whether no request is under way and no answer is owed."""
        return not (self._in_head or self._in_body or self._is_answering())

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

    def _begin(self, version: str) -> None:
        """Answer the request whose head was read, or have it wait. Raise HttpParserError for an address that is none.

        Nothing is asked behind an answer that ended the connection (RFC 9112, section 9.6). The fast exit is asked for
        no request that comes before the end of another one's answer, and for no upgrade, whose answer says that the
        connection ends, which is known only when the head was read.
        """
        scope: Any = self.scope
        scope["http_version"] = version
        scope["method"] = self.parser.get_method().decode("ascii")
        url = httptools.parse_url(self.url)
        scope["raw_path"] = url.path or b"/"  # "http://host" has no path (RFC 9112, section 3.2.2)
        path = scope["raw_path"].decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["query_string"] = url.query or b""
        keep_alive = version != "1.0" and self.parser.should_keep_alive()
        waits = not self._has_answered()
        if not waits:
            if self.transport.is_closing():
                self.cycle = None
                return
            if (
                self.current.fast_exit is not None
                and not self.flow.write_paused
                and not self.parser.should_upgrade()
                and (pieces := self.current.fast_exit.at_once(scope)) is not None
            ):
                self._write_at_once(pieces, keep_alive=keep_alive)
                return
        self.cycle = self._new_cycle(scope, keep_alive)
        if waits:
            self.pipeline.appendleft((self.cycle, self.app))
        else:
            self._start_task(self.cycle)

    def _new_cycle(self, scope: Any, keep_alive: bool) -> RequestResponseCycle:
        return RequestResponseCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=[],
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )

    def _start_task(self, cycle: RequestResponseCycle) -> None:
        self._active = cycle
        self._start_asgi_task(cycle, functools.partial(self._ask, cycle))

    async def _ask(self, cycle: RequestResponseCycle, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the current application, date its answer, and drop what it says to a peer that has gone."""

        async def send_dated(message: Message) -> None:
            if self.flow.write_paused and not cycle.disconnected:
                await self.flow.drain()
            if self.transport.is_closing():
                cycle.disconnected = True  # uvloop raises for a write, until it says that the connection is lost
            if message["type"] == "http.response.start":
                cycle.default_headers = [(b"date", self.guard.date())]
                if self.guard.draining and not self._requests_wait():
                    cycle.keep_alive = False
            await send(message)

        await self.current.app(scope, receive, send_dated)

    def _write_at_once(self, pieces: Sequence[bytes], *, keep_alive: bool) -> None:
        if self.guard.draining and not self._requests_wait():
            keep_alive = False
        close = b"" if keep_alive else b"connection: close\r\n"
        first, *others = pieces
        self.transport.write(b"".join((first, b"date: ", self.guard.date(), b"\r\n", close, *others)))
        self.server_state.total_requests += 1
        self.cycle = None
        if not keep_alive:
            self.transport.close()

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

    def _has_answered(self) -> bool:
        """Return whether the last request that was read has its whole answer, or there was none."""
        cycle = self.cycle
        return cycle is None or cycle.response_complete

    def _is_answering(self) -> bool:
        return self._active is not None or bool(self.pipeline)

    def _last_to_answer(self) -> RequestResponseCycle:
        waiting = self.pipeline[0][0] if self.pipeline else self._active
        return cast("RequestResponseCycle", waiting)

    def _drop_unfinished(self) -> None:
        """Let go of the request whose body is under way and that has no answer yet."""
        if self._active is not None and self.cycle is self._active:
            self._active = None
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        elif self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()

    def _time(self, seconds: float) -> None:
        self.deadline = self.loop.time() + seconds
        self._timed = True
