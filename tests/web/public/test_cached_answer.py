"""What is ready is written by the server as the application itself would send it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import brotli
import pytest

from tests.ece_stand_in import CLOSED
from tests.web.conftest import Site
from widget import settings
from widget.domain.decision import Decision
from widget.domain.evaluation import State
from widget.domain.readings import Call
from widget.server.plan import build_served
from widget.web.public.answers import PublicAnswers

pytestmark = pytest.mark.anyio

STATUS, LAUNCHER = "/v1/status/sales", "/v1/launcher/sales"
Headers = list[tuple[bytes, bytes]]


async def sent(site: Site, path: str, method: str, headers: Headers) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return an answer as ASGI has it."""
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    await site.app({"type": "http", **_scope(path, method, headers)}, receive, send)
    return messages[0]["status"], sorted(messages[0]["headers"]), messages[1]["body"]


def written(site: Site, path: str, method: str, headers: Headers) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return the same answer as it is on the wire."""
    pieces = site.services.answers.at_once(_scope(path, method, headers))
    assert pieces is not None
    head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    pairs = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
    return int(first.split(b" ")[1]), sorted(pairs), body


def _scope(path: str, method: str, headers: Headers, query: bytes = b"") -> dict[str, Any]:
    return {"method": method, "path": path, "query_string": query, "headers": headers}


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


@pytest.mark.parametrize(("limit", "handed"), [("off", True), ("60/minute", False)])
def test_a_limit_on_public_answers_leaves_each_of_them_to_the_application_which_counts(
    table: dict[str, Any], limit: str, handed: bool
) -> None:
    table["limits"] = {"public": limit}
    served = build_served(settings.parse(table), delivery=False, metrics=None)
    assert (served.fast_exit is not None) is handed


@pytest.mark.parametrize("path", ["/v1/status/nobody", "/v1/chat/sales", "/", "/healthz"])
async def test_what_is_not_ready_is_left_to_the_application(site: Site, path: str) -> None:
    at_once = site.services.answers.at_once
    await site.get(path)
    assert at_once(_scope(path, "GET", [])) is None
    assert at_once(_scope(STATUS, "POST", [])) is None


async def test_an_answer_that_a_visitor_would_have_to_wait_for_is_left_to_the_application(site: Site) -> None:
    at_once = site.services.answers.at_once
    await site.get(STATUS)
    assert at_once(_scope(STATUS, "GET", [])) is not None
    site.time.passes(3600)
    assert at_once(_scope(STATUS, "GET", [])) is None


async def test_a_clock_that_is_set_into_the_opening_hours_opens_within_a_second(
    table: dict[str, Any], make_site: Callable[[], Site]
) -> None:
    table["entry_points"]["sales"]["hours"] = {"timezone": "UTC", "tuesday": ["10:00-18:00"]}
    site = make_site()
    assert (await site.get(STATUS)).json()["reason"] == "outside_hours"
    site.time.wall += timedelta(hours=3)
    site.time.passes(1)
    assert (await site.get(STATUS)).json()["state"] == "available"


AGE_IN_ITS_OWN_WAY = {
    "a part of it": '{% extends "default:launcher.html" %}{% block label %}{{ as_of[11:16] }}{% endblock %}',
    "of the next check": '{% extends "default:launcher.html" %}{% block label %}{{ next_check + 1 }}{% endblock %}',
}


@pytest.mark.parametrize("launcher", AGE_IN_ITS_OWN_WAY.values(), ids=AGE_IN_ITS_OWN_WAY)
async def test_a_theme_may_show_the_age_in_its_own_way(
    table: dict[str, Any], make_site: Callable[[], Site], tmp_path: Path, launcher: str
) -> None:
    theme = tmp_path / "themes" / "own"
    theme.mkdir(parents=True)
    (theme / "launcher.html").write_text(launcher)
    table["entry_points"]["sales"]["theme"] = "own"
    table["themes"] = {"directory": str(tmp_path / "themes")}
    site = make_site()
    await site.get(LAUNCHER)
    for minutes in (1, 2, 3):
        site.time.passes(50)
        await site.get(LAUNCHER)
        await site.settle()
        site.time.passes(10)
        stale = (await site.get(LAUNCHER)).text
        await site.settle()
        fresh = (await site.get(LAUNCHER)).text
        label = re.compile(r'</template><button.*?class="ece-chat-label"[^>]*>([^<]*)<')
        shown = [label.search(text) for text in (stale, fresh)]
        expected = ["3", "16"] if "next_check" in launcher else [f"08:0{minutes - 1}", f"08:0{minutes}"]
        assert [each and each[1] for each in shown] == expected


class Drawn:
    """Pages that draw one word, count it, and fail for a decision that is not available."""

    edition = b""

    def __init__(self, site: Site) -> None:
        self.theme, self.language = site.services.pages.theme, site.services.pages.language
        self.drawn: list[str] = []

    def instead(self, decision: Decision, *, language: str) -> str:
        return "[]"

    def launcher(self, decision: Decision, *, theme: str, language: str) -> str:
        if decision.state is not State.AVAILABLE:
            raise RuntimeError("no text for this")
        self.drawn.append(language)
        return "open"


def answers_of(site: Site, pages: Drawn, *, most_answers: int) -> PublicAnswers:
    clock = site.services.clock
    return PublicAnswers(
        site.services.availability,
        pages,
        headers=[],
        monotonic=clock.monotonic,
        now=clock.now,
        most_answers=most_answers,
    )


async def test_a_text_that_cannot_be_rendered_does_not_leave_the_old_one_to_the_next_visitor(site: Site) -> None:
    answers, scope = answers_of(site, Drawn(site), most_answers=5), _scope(LAUNCHER, "GET", [])
    assert (await answers.when_ready(scope))[-1] == b"open"
    site.ece.answers[Call.CHAT_ALLOWED] = CLOSED
    site.time.passes(6)
    await site.get(STATUS)
    await site.settle()
    for _ in range(2):
        with pytest.raises(RuntimeError):
            answers.at_once(scope)


async def test_each_launcher_is_drawn_once_for_a_snapshot_and_no_more_are_kept_than_there_is_room_for(
    site: Site,
) -> None:
    pages = Drawn(site)
    answers = answers_of(site, pages, most_answers=3)
    for language in ("de", "fr", "es", "es", "fr", "de", "it", "fr", "de"):
        for tag in (language, f"{language}-{language}", f"{language}-xx"):
            query = f"locale={tag}&theme=".encode()
            assert (await answers.when_ready(_scope(LAUNCHER, "GET", [], query)))[-1] == b"open"
    assert pages.drawn == ["de", "fr", "es", "it", "de"]
    site.time.passes(6)
    await site.get(STATUS)
    await site.settle()
    for _ in range(3):
        answers.at_once(_scope(LAUNCHER, "GET", [], b"locale=it&theme="))
    assert pages.drawn[5:] == ["it"]
