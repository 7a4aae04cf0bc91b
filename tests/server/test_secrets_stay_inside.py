"""The product as shipped, flooded with secrets in every input; then everything it said is searched for them."""

from __future__ import annotations

import base64
import http.client
import http.server
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote, urlencode

import pytest

from tests.ports import free_port
from tests.server.conftest import ROOT
from tests.waiting import PATIENCE, wait_until

KEY = "canary-key-Hq7v2mXw9sLd4fTz"
OPERATOR = "canary-operator-Zk3n8rBy6"
SID, ANSWER, TICKET = "canary-sid-81Jq0", "canary answer: my card is 4929 1234", "canary-ticket.Tz9.Qx2"
ADDRESS = "203.0.113.177"
PLANTED = (KEY, OPERATOR, SID, ANSWER, TICKET, ADDRESS, "canary")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CONFIG = f"""
[server]
public_url = "http://127.0.0.1:{{port}}"
log_level = "debug"
[security]
secret_keys = ["{KEY}"]
operator_tokens = ["{OPERATOR}"]
[ece]
base_url = "http://127.0.0.1:{{ece}}/system"
[entry_points.sales]
id = 1001
chat_url = "http://127.0.0.1:{{ece}}/chat?id={{{{id}}}}&ticket={{{{ticket}}}}"
survey = "after"
[surveys.after]
title = "How did we do?"
[[surveys.after.questions]]
id = "comment"
kind = "text"
text = "What could we do better?"
required = true
[limits]
tokens = "off"
submits = "off"
[storage]
url = "sqlite:///{{folder}}/outbox.db"
"""


class Ece(http.server.BaseHTTPRequestHandler):
    """Takes surveys at the second try and answers nothing else well; remembers what came with the questions."""

    heads: ClassVar[list[str]] = []
    surveys: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.heads.append(f"{self.path}\n{self.headers}")
        self._answer(200, f"<html>{SID} {ANSWER}</html>".encode())

    def do_POST(self) -> None:
        self.surveys.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._answer(500 if len(self.surveys) == 1 else 204, ANSWER.encode() if len(self.surveys) == 1 else b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status, SID)
        self.send_header("X-From-ECE", ANSWER)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Product:
    """`ece-widget serve` in a process of its own."""

    port: int
    process: subprocess.Popen[str]
    output: Path
    answers: list[str] = field(default_factory=list)

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        *,
        keep: bool = True,
    ) -> tuple[int, str, dict[str, str]]:
        """Ask, and keep the answer for the search unless it rightly shows people what they typed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            given = {name.lower(): value for name, value in answer.getheaders()}
            if keep:
                self.answers.append(f"{answer.status}\n{given}\n{text}")
            return answer.status, text, given
        finally:
            connection.close()

    def said(self) -> str:
        return self.output.read_text(errors="replace")


@pytest.fixture
def ece() -> Iterator[int]:
    Ece.heads, Ece.surveys = [], []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ece)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def product(tmp_path: Path, ece: int) -> Iterator[Product]:
    port = free_port()
    config = tmp_path / "ece-widget.toml"
    config.write_text(CONFIG.format(port=port, ece=ece, folder=tmp_path))
    output = tmp_path / "said"
    with output.open("w") as stream:
        command = [sys.executable, "-m", "widget", "serve", "--config", str(config), "--port", str(port)]
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
        made = Product(port, process, output)
        wait_until(lambda: '"started"' in made.said(), "the server answers")
        yield made
        process.terminate()
        process.wait(PATIENCE)


def test_no_planted_secret_is_in_any_log_metric_or_fault(product: Product, tmp_path: Path) -> None:
    _flood(product)
    _whole_survey(product)
    config = tmp_path / "ece-widget.toml"
    config.write_text(config.read_text().replace(f'["{KEY}"]', f'["{KEY[:8]}"]\nsecret_key = "{KEY}"'))
    product.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "settings_refused" in product.said(), "the faulty settings are refused")
    _, metrics, _ = product.ask("GET", "/metrics", {"Authorization": f"Bearer {OPERATOR}"})
    assert "ece_widget_" in metrics
    product.process.terminate()
    assert product.process.wait(PATIENCE) == 0
    log = product.said()
    assert log.count('"request"') > 150
    assert all(json.loads(line)["event"] for line in log.splitlines() if line.startswith("{"))
    for where, text in (
        ("log", log),
        *(("answer", each) for each in product.answers),
        *(("ECE", h) for h in Ece.heads),
    ):
        found = [secret for secret in PLANTED if secret.lower() in text.lower()]
        assert found == [], (where, text[:400])
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("outbox.db*"))
    assert SID.encode() in stored
    for secret in (KEY, OPERATOR, TICKET, ADDRESS):
        assert secret.encode() not in stored


def _flood(product: Product) -> None:
    marks = (KEY, SID, ANSWER, TICKET, ADDRESS)
    values = [f"{name}={quote(value)}" for name in ("sid", "token", "ticket", "answer", "key", "q") for value in marks]
    names = (
        *("Authorization", "Cookie", "Referer", "User-Agent", "Origin", "X-Forwarded-For", "X-Forwarded-Host"),
        *("Forwarded", "X-Request-Id", "Traceparent", "Tracestate", "If-None-Match", "If-Modified-Since", "Accept"),
        *("Accept-Language", "Accept-Encoding", "Range", "Sec-Fetch-Site", "X-Odd"),
    )
    basic = base64.b64encode(f"{SID}:{KEY}".encode()).decode()
    sets = [
        *(dict.fromkeys(names, value) for value in marks),
        {"X-Forwarded-For": ADDRESS, "Authorization": f"Bearer {KEY}", "Cookie": f"sid={SID}; token={TICKET}"},
        {"X-Forwarded-For": f"10.0.0.1, {ADDRESS}", "Authorization": f"Basic {basic}"},
    ]
    places = (
        "v1/status",
        "v1/launcher",
        "v1/chat",
        "survey",
        "nowhere",
        "preview",
        "openapi.json",
        "metrics",
        "readyz",
    )
    for place in places:
        for mark in marks:
            product.ask("GET", f"/{place}/{quote(mark, safe='')}?{'&'.join(values)}", sets[marks.index(mark)])
        for headers in sets:
            product.ask("GET", f"/{place}?{values[0]}", headers)
            product.ask("GET", f"/{place}/sales?locale={quote(SID)}&{values[-1]}", headers)
    bodies: list[tuple[dict[str, str], bytes]] = [
        (FORM, urlencode({"ticket": TICKET, "sid": SID, "answer": ANSWER, KEY: ADDRESS}).encode()),
        ({"Content-Type": "application/json"}, json.dumps({"sid": SID, "entryPoint": KEY, ANSWER: [TICKET]}).encode()),
        ({"Content-Type": "application/json"}, f'{{"sid": "{SID}'.encode()),
        ({"Content-Type": f"text/{KEY}"}, ANSWER.encode() * 9000),
        ({"Content-Type": "multipart/form-data; boundary=x"}, f"--x\r\nname={SID}\r\n\r\n{ANSWER}\r\n".encode()),
    ]
    for path in ("/survey/start", f"/survey/{TICKET}", "/v1/survey-links", "/v1/chat/sales", f"/{quote(SID)}"):
        for headers, body in bodies:
            for more in ({}, {"Authorization": f"Bearer {OPERATOR}"}, {"Authorization": f"Bearer {KEY}"}):
                product.ask("POST", path, {**headers, **more}, body)
    for method in ("CANARY", "TRACE", "PUT"):
        product.ask(method, f"/v1/status/{quote(SID)}", {"X-Odd": ANSWER})
    for raw in (f"GET /{SID} HTTP/1.1\r\n{KEY}\r\n\r\n", f"{ANSWER}\r\n\r\n", f"GET / HTTP/1.1\r\nHost: {KEY}\r\n\r\n"):
        connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=60)
        connection.connect()
        connection.sock.sendall(raw.encode())
        connection.sock.shutdown(1)
        product.answers.append(connection.sock.recv(65536).decode(errors="replace"))
        connection.close()


def _whole_survey(product: Product) -> None:
    """Sign a link, answer the survey with a fault and without, and see it delivered at ECE's second chance."""
    operator = {"Authorization": f"Bearer {OPERATOR}", "Content-Type": "application/json"}
    wanted = json.dumps({"sid": SID, "entryPoint": "sales"}).encode()
    status, text, _ = product.ask("POST", "/v1/survey-links", operator, wanted)
    assert status == 201
    path = json.loads(text)["url"].partition(str(product.port))[2]
    wrong = urlencode({"comment": "", SID: ANSWER}).encode()
    assert product.ask("POST", path, {**FORM, "X-Forwarded-For": ADDRESS}, wrong, keep=False)[0] == 422
    right = urlencode({"comment": ANSWER}).encode()
    assert product.ask("POST", path, {**FORM, "X-Forwarded-For": ADDRESS}, right)[0] == 200
    wait_until(lambda: len(Ece.surveys) > 1, "ECE has the survey", seconds=60)
    assert SID in Ece.surveys[-1]
    assert ANSWER in Ece.surveys[-1]
