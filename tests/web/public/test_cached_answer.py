"""What is ready is written by the server as the application itself would send it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import brotli
import pytest

from tests.web.conftest import Site
from widget.application.availability import View
from widget.domain.decision import Decision, State
from widget.domain.readings import Call, LiveSessionStatus
from widget.web.public.ageing_text import Marks
from widget.web.public.cached_answer import Kind, Ready
from widget.web.public.current_decision import Standing

pytestmark = pytest.mark.anyio

STATUS, LAUNCHER = "/v1/status/sales", "/v1/launcher/sales"
Headers = list[tuple[bytes, bytes]]


async def sent(site: Site, path: str, method: str, headers: Headers) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Give an answer as ASGI has it."""
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    await site.app(_scope(path, method, headers), None, send)  # type: ignore[arg-type]
    return messages[0]["status"], sorted(messages[0]["headers"]), messages[1]["body"]


def written(site: Site, path: str, method: str, headers: Headers) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Give the same answer as it is on the wire."""
    app: Any = site.app
    pieces = app.at_once(_scope(path, method, headers))
    assert pieces is not None
    head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    pairs = [tuple(line.split(b": ", 1)) for line in lines]
    return int(first.split(b" ")[1]), sorted(pairs), body  # type: ignore[arg-type]


def _scope(path: str, method: str, headers: Headers, query: bytes = b"") -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, "query_string": query, "headers": headers}


@pytest.mark.parametrize("path", [STATUS, LAUNCHER])
async def test_the_server_writes_what_the_application_sends(site: Site, path: str) -> None:
    await site.get(path)
    for seconds in (0, 6, 0, 1):  # fresh, stale, refreshed, counted down
        site.time.passes(seconds)
        for method, coding, known in product(["GET", "HEAD"], [b"", b"br", b"gzip", b"zstd"], [b"", b"*", b'"x"']):
            headers = [(b"accept-encoding", coding)] * bool(coding) + [(b"if-none-match", known)] * bool(known)
            answer = await sent(site, path, method, headers)
            assert written(site, path, method, headers) == answer
            status, described, body = answer
            assert status == (304 if known == b"*" else 200)
            if status == 304 or method == "HEAD":
                assert body == b""
            else:
                assert dict(described)[b"content-length"] == b"%d" % len(body)
        await site.settle()


async def test_what_was_packed_before_an_answer_aged_is_not_sent_after(site: Site) -> None:
    for coding, unpack in ((b"br", brotli.decompress), (b"gzip", gzip.decompress)):
        for _ in range(3):
            await sent(site, LAUNCHER, "GET", [(b"accept-encoding", coding)])
            site.time.passes(6)
            await sent(site, LAUNCHER, "GET", [])
            await site.settle()
            plain = await sent(site, LAUNCHER, "GET", [])
            packed = await sent(site, LAUNCHER, "GET", [(b"accept-encoding", coding)])
            assert unpack(packed[2]) == plain[2]


@pytest.mark.parametrize("path", ["/v1/status/nobody", "/v1/chat/sales", "/", "/healthz"])
async def test_what_is_not_ready_is_left_to_the_application(site: Site, path: str) -> None:
    app: Any = site.app
    await site.get(path)
    assert app.at_once(_scope(path, "GET", [])) is None
    assert app.at_once(_scope(STATUS, "POST", [])) is None


async def test_an_answer_that_a_visitor_would_have_to_wait_for_is_left_to_the_application(site: Site) -> None:
    app: Any = site.app
    await site.get(STATUS)
    assert app.at_once(_scope(STATUS, "GET", [])) is not None
    site.time.passes(3600)
    assert app.at_once(_scope(STATUS, "GET", [])) is None


async def test_a_clock_that_is_set_into_the_opening_hours_opens_within_a_second(
    table: dict[str, Any], make_site: Callable[[], Site]
) -> None:
    table["entry_points"]["sales"]["hours"] = {"timezone": "UTC", "tuesday": ["10:00-18:00"]}
    site = make_site()
    assert (await site.get(STATUS)).json()["reason"] == "outside_hours"
    site.time.wall += timedelta(hours=3)
    site.time.passes(1)
    assert (await site.get(STATUS)).json()["state"] == "available"


async def test_what_is_alike_in_two_languages_is_one_object_in_memory(site: Site) -> None:
    app: Any = site.app
    pieces = []
    for language in ("de", "fr"):
        await site.get(f"{LAUNCHER}?locale={language}")
        pieces.append(app.at_once(_scope(LAUNCHER, "GET", [], f"locale={language}".encode())))
    german, french = pieces
    assert german != french
    alike = [piece for piece in german if any(piece is other for other in french)]
    assert sum(map(len, alike)) > sum(map(len, german)) / 2


OWN_LAUNCHERS = {
    "a second place": '{% extends "default:launcher.html" %}{% block label %}{{ as_of }}{% endblock %}',
    "a part of it": '{% extends "default:launcher.html" %}{% block label %}{{ as_of[11:16] }}{% endblock %}',
    "by another name": '{% extends "default:launcher.html" %}{% block label %}{% set t = as_of %}{{ t }}{% endblock %}',
    "of the next check": '{% extends "default:launcher.html" %}{% block label %}{{ next_check + 1 }}{% endblock %}',
    "a page of its own": '<div data-next-check="{{ next_check }}" data-as-of="{{ as_of }}">{{ state }}</div>',
    "by a function": '<div data-as-of="{{ as_of }}" data-next-check="{{ next_check }}">{{ as_of|length }}</div>',
    "twice over": '{% for _ in "ab" %}<i data-as-of="{{ as_of }}" data-next-check="{{ next_check }}">x</i>{% endfor %}',
}


@pytest.mark.parametrize("launcher", OWN_LAUNCHERS.values(), ids=OWN_LAUNCHERS)
async def test_a_theme_that_shows_the_age_in_its_own_way_is_drawn_anew(
    table: dict[str, Any], make_site: Callable[[], Site], tmp_path: Path, launcher: str
) -> None:
    theme = tmp_path / "themes" / "own"
    theme.mkdir(parents=True)
    (theme / "launcher.html").write_text(launcher)
    table["entry_points"]["sales"]["theme"] = "own"
    site = make_site()
    site.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=60, queue_depth=1)
    for _ in range(3):
        for seconds in (6, 0):
            site.time.passes(seconds)
            await site.settle()
            aged = (await sent(site, LAUNCHER, "GET", []))[2]
            site.services.answers._drawn.clear()
            site.services.answers.launchers.clear()
            await site.get(LAUNCHER)
            assert aged == (await sent(site, LAUNCHER, "GET", []))[2]


async def test_a_text_that_cannot_be_rendered_does_not_leave_the_old_one_to_the_next_visitor() -> None:
    def render(decision: Decision) -> bytes:
        if decision.state is State.UNKNOWN:
            raise RuntimeError("no text for this")
        return b"open"

    standing = Standing("sales")
    ready = Ready(standing, render, Kind(b"text/plain", [], marks=Marks(b"as-of=", b"next-check=")), ages=True)
    standing.take(View(decision(State.AVAILABLE), 5, 60), 0)
    scope = _scope(LAUNCHER, "GET", [])
    assert b"".join(ready.answer(scope)).endswith(b"open")
    standing.take(View(decision(State.UNKNOWN), 5, 60), 5)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            ready.answer(scope)


def decision(state: State) -> Decision:
    return Decision("sales", True, state, None, 60, 0, 1, None, None, datetime(2026, 11, 24, tzinfo=UTC), 15)
