"""`ece-widget status` says what a running server serves and why, and in one sentence why it cannot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.fleet_processes import FleetOfProcesses, fleet_of_processes
from tests.ports import free_port
from widget.cli import main

DECISION = {
    "entryPoint": "sales",
    "show": False,
    "state": "unavailable",
    "reason": "wait_too_long",
    "waitTime": 900,
    "queueDepth": 7,
    "position": 8,
    "capacity": None,
    "opensAt": None,
    "asOf": "2026-11-24T08:00:00Z",
    "nextCheck": 15,
    "response": "BUSY",
    "instead": [],
}
READY = {"status": "degraded", "checks": [{"name": "ece", "ok": False, "reason": "ECE does not answer"}]}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "ece-widget.toml"
    file.write_text(
        """
        [server]
        public_url = "https://chat.example.com"
        [security]
        secret_keys = ["a-secret-for-tests-that-is-long-enough-to-sign"]
        [ece]
        base_url = "https://ece.example.com/system"
        [entry_points.sales]
        id = 1001
        max_wait = "10m"
        chat_url = "https://ece.example.com/chat?id={id}"
        """
    )
    return file


class Server:
    """A server that answers as ours does, from `answers`: path → status and body."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {"/v1/status/sales": (200, DECISION), "/readyz": (200, READY)}
        self.hosts: set[str | None] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.hosts.add(self.headers["Host"])
                status, body = outer.answers.get(self.path, (404, {}))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = Thread(target=server.http.serve_forever)
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


def asked(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["status", "--config", str(config), *arguments])


def test_it_says_what_is_served_and_why_with_the_numbers(config: Path, server: Server) -> None:
    result = asked(config, "--url", server.url)
    assert result.exit_code == 0, result.output
    assert "max_wait" in result.output
    assert "(900 s; max_wait is 600 s)" in result.output
    assert "Note: ece: ECE does not answer" in result.output
    assert server.hosts == {"chat.example.com"}, "the host check of the server lets it pass"


def test_as_json_it_is_the_public_answer_with_the_reason_in_words(config: Path, server: Server) -> None:
    said = json.loads(asked(config, "sales", "--json", "--url", server.url).output)
    (row,) = said["entryPoints"]
    assert {key: row[key] for key in DECISION} == DECISION
    assert "900 s" in row["why"]
    assert said["ready"] == "degraded"


def test_a_number_that_pages_are_not_told_is_not_made_up(config: Path, server: Server) -> None:
    server.answers["/v1/status/sales"] = (200, DECISION | {"waitTime": None})
    assert "(not shown to pages; max_wait is 600 s)" in asked(config, "--url", server.url).output


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, {}), "does not know this entry point"),
        ((500, {}), "answers 500"),
        ((200, b"<html>"), "does not answer with JSON"),
        ((200, {"state": "open"}), "is not one of this release"),
        ((200, DECISION | {"state": "open"}), "is not one of this release"),
    ],
)
def test_what_is_no_answer_of_ours_is_one_sentence(
    config: Path, server: Server, answer: tuple[int, Any], words: str
) -> None:
    server.answers["/v1/status/sales"] = answer
    result = asked(config, "--url", server.url)
    assert result.exit_code == 1
    assert words in result.output
    assert len(result.output.splitlines()) == 1


def test_a_server_that_does_not_run_and_an_unknown_name_are_one_sentence_each(config: Path) -> None:
    away = asked(config, "--url", f"http://127.0.0.1:{free_port()}")
    assert (away.exit_code, len(away.output.splitlines())) == (1, 1)
    assert "--url" in away.output
    unknown = asked(config, "support")
    assert unknown.exit_code == 2
    assert "there are sales" in unknown.output


def test_it_asks_a_real_server(tmp_path: Path) -> None:
    fleet: FleetOfProcesses
    with fleet_of_processes(tmp_path, members=1) as fleet:
        (member,) = fleet.members
        result = asked(
            tmp_path / "widget-0.toml", "entry_point_000", "--json", "--url", f"http://127.0.0.1:{member.port}"
        )
        assert result.exit_code == 0, result.output
        (row,) = json.loads(result.output)["entryPoints"]
        assert (row["entryPoint"], row["state"], row["show"]) == ("entry_point_000", "available", True)
