"""Every framing of requests crossed with what the peer does then: one answer for one request, and no alarm.

A peer may fall silent, shut its side, or reset the connection before, while and after it is answered.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.server.conftest import ServerProcess, read_all, write_config
from tests.waiting import wait_until

HOST = b"Host: chat.example.com\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
BAD_CHUNK = b"xyz\r\nabc\r\n"


def ask(path: str, *headers: bytes, method: str = "GET", version: str = "1.1", body: bytes = b"") -> bytes:
    return f"{method} {path} HTTP/{version}\r\n".encode() + HOST + b"".join(headers) + b"\r\n" + body


def length(size: int) -> bytes:
    return b"Content-Length: %d\r\n" % size


READY, SLOW = ask("/ready"), ask("/slow")
POST = ask("/survey/t", length(4), method="POST", body=b"abcd")
UNFINISHED = ask("/survey/t", length(9), method="POST", body=b"abcd")
UNFINISHED_CHUNKS = ask("/survey/t", CHUNKED, method="POST", body=b"4\r\nab")
MALFORMED_CHUNKS = ask("/survey/t", CHUNKED, method="POST", body=BAD_CHUNK)
MALFORMED_BEHIND = b"GET /ready\x00 HTTP/1.1\r\n\r\n"
PARTIAL_HEAD = b"GET /ready HTTP/1.1\r\nHost: chat"


@dataclass(frozen=True)
class Framing:
    """What is sent, and the statuses that come to a silent peer and to one that shuts its side at once."""

    sent: bytes
    silent: list[int]
    half_closed: list[int]


FRAMINGS = {
    "nothing": Framing(b"", [], []),
    "a partial head": Framing(PARTIAL_HEAD, [408], []),
    "a whole one, answered at once": Framing(READY, [200], [200]),
    "a whole one, by a task": Framing(SLOW, [200], [200]),
    "HEAD": Framing(ask("/ready", method="HEAD"), [200], [200]),
    "HTTP/1.0": Framing(ask("/ready", version="1.0"), [200], [200]),
    "a whole body": Framing(POST, [200], [200]),
    "a whole body in chunks": Framing(
        ask("/survey/t", CHUNKED, method="POST", body=b"4\r\nabcd\r\n0\r\n\r\n"), [200], [200]
    ),
    "trailers": Framing(
        ask("/survey/t", CHUNKED, method="POST", body=b"4\r\nabcd\r\n0\r\nDigest: x\r\n\r\n"), [200], [200]
    ),
    "an unfinished body, answered at once": Framing(ask("/ready", length(9), body=b"abcd"), [200], [200]),
    "unfinished chunks, answered at once": Framing(ask("/ready", CHUNKED, body=b"4\r\nab"), [200], [200]),
    "a malformed chunk, answered at once": Framing(ask("/ready", CHUNKED, body=BAD_CHUNK), [200], [200]),
    "endless trailers, answered at once": Framing(
        ask("/ready", CHUNKED, body=b"0\r\n" + b"a: b\r\n" * 9000), [200], [200]
    ),
    "an unfinished body that nobody reads": Framing(ask("/slow", length(9), body=b"abcd"), [200], []),
    "a malformed chunk that nobody reads": Framing(ask("/slow", CHUNKED, body=BAD_CHUNK), [400], [400]),
    "an unfinished body": Framing(UNFINISHED, [408], []),
    "unfinished chunks": Framing(UNFINISHED_CHUNKS, [408], []),
    "a malformed chunk": Framing(MALFORMED_CHUNKS, [400], [400]),
    "a body that is waited for": Framing(ask("/survey/t", b"Expect: 100-continue\r\n", length(4)), [405], [405]),
    "an upgrade": Framing(ask("/slow", b"Connection: Upgrade\r\nUpgrade: h2c\r\n", body=b"abc"), [200], [200]),
    "Connection: close and one more": Framing(ask("/ready", b"Connection: close\r\n") + READY, [200], [200]),
    "Connection: close, a task, and one more": Framing(ask("/slow", b"Connection: close\r\n") + READY, [200], [200]),
    "Connection: close and garbage": Framing(ask("/ready", b"Connection: close\r\n") + b"\x00\r\n", [200], [200]),
    "many, answered at once": Framing(READY * 100, [200] * 100, [200] * 100),
    "many of each": Framing((READY + SLOW + POST) * 2, [200] * 6, [200] * 6),
    "many bodies": Framing(POST * 100, [200] * 100, [200] * 100),
    "a partial head behind others": Framing(READY + SLOW + PARTIAL_HEAD, [200, 200, 408], [200, 200]),
    "an unfinished body behind others": Framing(READY + SLOW + UNFINISHED, [200, 200, 408], [200, 200]),
    "unfinished chunks behind others": Framing(SLOW + POST + UNFINISHED_CHUNKS, [200, 200, 408], [200, 200]),
    "a malformed head behind an answered one": Framing(READY + MALFORMED_BEHIND, [200, 400], [200, 400]),
    "a malformed head behind others": Framing(SLOW + POST + MALFORMED_BEHIND, [200, 200], [200, 200]),
    "a malformed chunk behind others": Framing(SLOW + POST + MALFORMED_CHUNKS, [200, 200], [200, 200]),
    "a large answer behind others": Framing(SLOW + ask("/big", b"Connection: close\r\n"), [200, 200], [200, 200]),
}
RESETS = {"at once": 0.0, "while it is answered": 0.1, "when it was": 0.45}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of this module's own, whose log must stay free of alarms."""
    process = ServerProcess(write_config(tmp_path_factory.mktemp("framings")))
    yield process
    process.stop()


@pytest.fixture(scope="module")
def answers(quiet: ServerProcess) -> dict[tuple[str, str], list[int]]:
    """The statuses that each framing and ending brought; all at the same time, since most of it is waiting."""

    def peer(name: str, ending: str) -> list[int]:
        with quiet.connect() as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(FRAMINGS[name].sent)
                if ending == "half_closed":
                    connection.shutdown(socket.SHUT_WR)
            return statuses(read_all(connection))

    cases = [(name, ending) for name in FRAMINGS for ending in ("silent", "half_closed")]
    with ThreadPoolExecutor(len(cases)) as pool:
        return dict(zip(cases, pool.map(lambda case: peer(*case), cases), strict=True))


def statuses(answer: bytes) -> list[int]:
    """Return the final statuses: an interim one is no answer."""
    found = [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", answer)]
    return [status for status in found if status >= 200]


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def alarms(server: ServerProcess) -> list[str]:
    levels = ("warning", "error", "critical")
    loud = [line for line in server.lines if json.loads(line)["level"] in levels]
    return [line for line in loud if '"settings_warning"' not in line]


@pytest.mark.parametrize("ending", ["silent", "half_closed"])
@pytest.mark.parametrize("name", FRAMINGS)
def test_each_request_is_answered_once_then_the_connection_closes(
    answers: dict[tuple[str, str], list[int]], name: str, ending: str
) -> None:
    assert answers[name, ending] == getattr(FRAMINGS[name], ending)


def test_none_of_them_is_an_alarm(quiet: ServerProcess, answers: dict[tuple[str, str], list[int]]) -> None:
    assert answers
    assert alarms(quiet) == []


@pytest.mark.parametrize("moment", RESETS)
def test_a_peer_that_resets_is_no_alarm_and_leaves_nothing(quiet: ServerProcess, moment: str) -> None:
    pairs = [first.sent + second.sent for first in FRAMINGS.values() for second in FRAMINGS.values()]
    for at in range(0, len(pairs), 200):
        peers = []
        for sent in pairs[at : at + 200]:
            connection = quiet.connect()
            connection.settimeout(0.05)
            with contextlib.suppress(OSError):
                connection.sendall(sent)
            peers.append((time.monotonic() + RESETS[moment], connection))
        for due, connection in peers:
            threading.Event().wait(max(0.0, due - time.monotonic()))
            reset(connection)
    wait_until(lambda: quiet.metric("ece_widget_open_connections ") <= 1, "no connection is left")
    assert alarms(quiet) == []


def test_a_peer_that_resets_while_its_answers_fill_the_buffers_is_no_alarm(quiet: ServerProcess) -> None:
    for path in ("/big", "/ready-big"):
        for behind in (b"", POST, UNFINISHED):
            with quiet.connect(receive_buffer=4096) as connection:
                connection.sendall(ask(path) * 3 + behind)
                assert connection.recv(1000)
                reset(connection)
    wait_until(lambda: quiet.metric("ece_widget_open_connections ") <= 1, "no connection is left")
    assert alarms(quiet) == []


@pytest.mark.parametrize("path", ["/metrics%0a", "/healthz%00", "/v1/status/sales%0D", "/ready%7f", "/ready%c2%85"])
def test_a_control_character_in_an_address_leads_nowhere(quiet: ServerProcess, path: str) -> None:
    assert statuses(quiet.say(ask(path, b"Connection: close\r\n"))) == [404]


def test_a_control_character_in_a_query_is_data(quiet: ServerProcess, tmp_path: Path) -> None:
    assert statuses(quiet.say(ask("/v1/status/sales?locale=%0a", b"Connection: close\r\n"))) == [200]
