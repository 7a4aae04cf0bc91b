"""Faults that only a socket can show."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.serving import serving
from widget.simulator import create_simulator

LIVE = "/system/egain/chat/entrypoint/liveSessionStatus/1001"
PATIENCE = 30.0


@pytest.fixture
def origin() -> Iterator[str]:
    with serving(create_simulator(seed=1)) as origin:
        yield origin


def fault(origin: str, kind: str, **more: object) -> None:
    httpx.post(f"{origin}/control/faults", json={"kind": kind, **more}).raise_for_status()


def test_a_reset_is_a_reset_on_the_wire(origin: str) -> None:
    fault(origin, "reset")
    parts = urlsplit(origin)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as connection:
        connection.sendall(f"GET {LIVE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):
            connection.recv(4096)


def test_a_short_body_ends_before_its_length(origin: str) -> None:
    fault(origin, "short")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        httpx.get(origin + LIVE, timeout=PATIENCE)


def test_a_hang_gives_no_byte(origin: str) -> None:
    fault(origin, "hang")
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(origin + LIVE, timeout=0.3)


def test_drip_sends_each_byte_by_itself(origin: str) -> None:
    honest = httpx.get(origin + LIVE).content
    fault(origin, "drip", seconds=0.001)
    began = time.monotonic()
    with httpx.stream("GET", origin + LIVE, timeout=PATIENCE) as response:
        pieces = list(response.iter_raw())
    assert len(b"".join(pieces)) == pytest.approx(len(honest), abs=4)
    assert time.monotonic() - began >= 0.001 * len(honest)


def test_an_endless_body_goes_on_past_any_reasonable_limit(origin: str) -> None:
    fault(origin, "endless")
    received = 0
    with httpx.stream("GET", origin + LIVE, timeout=PATIENCE) as response:
        for piece in response.iter_raw():
            received += len(piece)
            if received > 1024 * 1024:
                break
    assert received > 1024 * 1024


def test_the_server_stops_within_seconds_while_requests_hang() -> None:
    with serving(create_simulator(seed=1)) as origin:
        fault(origin, "hang")
        parts = urlsplit(origin)
        hanging = socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE)
        hanging.sendall(f"GET {LIVE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        began = time.monotonic()
    assert time.monotonic() - began < PATIENCE
    hanging.close()
