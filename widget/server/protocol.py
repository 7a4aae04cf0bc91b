"""One connection of a client: what is too slow, too much or no HTTP is ended, where uvicorn would wait.

uvicorn alone waits for ever for headers, bodies and readers, takes 20,000 headers or none, and queues as many pipelined
requests as one read brings. So its protocol has a subclass, by subject:

    reading.py      what was received is parsed in portions, and not at all while requests wait
    answering.py    each request is answered once, in its order: at once from memory, or by the application
    protocol.py     what is refused: heads, trailers and bodies that are too large, too slow or malformed
    guard.py        what all connections share

It costs the hot path no timer per request: one sweep per process looks at the deadlines of all connections four times a
second, in place of uvicorn's keep-alive timer for each answer. tests/server/test_uvicorn.py names everything of
uvicorn's that is used here.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools

from widget.server import refusals
from widget.server.answering import OrderedAnswers
from widget.server.guard import NEVER
from widget.server.refusals import Refusal
from widget.web.addresses import shows_a_page

LINGER = 2.0  # seconds for which a refused sender is still read, so that it sees the answer and not a reset


class GuardedProtocol(OrderedAnswers):
    """One connection, whose sender is held to the limits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.url = b""  # asked for before the first request has begun, when there is no room for the connection
        self._asked_nothing = True
        self._hosts = 0
        self._chunk = 0  # bytes that the parser is given
        self._begun_in_chunk = False  # whether the head under way began in them
        self._head_bytes = 0  # of the head under way, in later chunks than the one where it began
        self._head_at_most = self._trailer_bytes = 0
        self._refusal: Refusal | None = None

    # connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.deadline = self.loop.time() + self.guard.deadlines.head
        self.guard.watch(self.connections, self.loop)
        if len(self.connections) > self.guard.most_connections:
            self._refuse(refusals.CROWDED)

    def _parse(self, data: bytes) -> None:
        self._chunk = len(data)
        self._begun_in_chunk = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._discards = True  # answered as the plain request it also is; nothing after it can be read as HTTP
            if self.cycle is not None:
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

    def shutdown(self) -> None:
        """Let answers that are on their way go out, and answer what was begun, or is asked first, in the next moment.

        Who opened a connection or began a request did so while the port was open. Each of these answers ends its
        connection, since the guard drains. A peer that holds up the stop is cut in time.
        """
        now = self.loop.time()
        self._write_time = self.guard.deadlines.stopping
        if self.flow.write_paused:
            self.write_deadline = min(self.write_deadline, now + self._write_time)
        if self._asked_nothing and not self._in_head:
            self.deadline = min(self.deadline, now + self.guard.deadlines.first)
            return
        if not self._in_head:
            super().shutdown()
        if self._in_head or self._in_body or self.transport.is_closing():
            self.deadline = min(self.deadline, now + self._write_time)

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
        self._asked_nothing = False
        self._in_head = self._begun_in_chunk = True
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
        self._begin(version)
        self._in_head, self._in_body, self._timed = False, True, False

    def on_body(self, body: bytes) -> None:
        if self._has_answered():
            self._waste(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        if self._has_answered():
            self.deadline = self.loop.time() + self._keep_alive
        else:
            self.deadline = NEVER
            super().on_message_complete()
        self._timed = False  # of the first head, the time runs from the connection; of later ones, from their begin

    # refusing

    def _refuse(self, refusal: Refusal) -> None:
        """Read no more, and answer with `refusal` unless the request has its answer or earlier ones are unanswered."""
        self.guard.count(refusal.code)
        self._discards = True
        self._unread = b""
        if self.transport.is_closing():
            return
        answered = self._in_body and self._has_answered()
        if self._in_body and not answered and self.cycle.response_started:
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

    def _unset_keepalive_if_required(self) -> None:
        """Do nothing: the sweep keeps the time."""
