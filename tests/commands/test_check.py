"""`check` against a real socket: the table, the words, JSON, and the exit code."""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import trustme
from click.testing import CliRunner, Result

from widget.cli import main
from widget.commands.init import starter

CHAT_PAGE = "/system/templates/chat/"
BODIES = {
    "chatAllowed": '<chatAllowed allowed="true"/>',
    "checkEligibility": '<checkEligibility responseType="0"/>',
    "agentAvailability": '<agentAvailability available="true"/>',
    "capacity": "<availableSlots><count>4</count></availableSlots>",
    "liveSessionStatus": "<sessionStatus><waitTime>3.0</waitTime><queueDepth>1</queueDepth></sessionStatus>",
}


class Ece(BaseHTTPRequestHandler):
    """Answers the calls, and has a chat page; a test's own answers come first, by the beginning of the path."""

    others: ClassVar[dict[str, tuple[int, dict[str, str], str]]] = {}

    def do_GET(self) -> None:
        for start, (status, headers, text) in {CHAT_PAGE: (200, {}, "<title>Chat</title>"), **self.others}.items():
            if self.path.startswith(start):
                self.send_response(status)
                for header in {"content-type": "text/html", "content-length": str(len(text)), **headers}.items():
                    self.send_header(*header)
                self.end_headers()
                self.wfile.write(text.encode())
                return
        call = self.path.rsplit("/", 2)[1]
        found = self.path.startswith("/system/egain/chat/entrypoint/") and call in BODIES
        body = (BODIES[call] if found else "<html>no such page</html>").encode()
        self.send_response(200 if found else 404)
        self.send_header("content-type", "text/xml" if found else "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        with suppress(OSError):  # a caller who refuses our certificate
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """An ECE on a port of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Ece) as server:
        if tls is not None:  # the handshake is each connection's own, so that a refused one ends nothing else
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def ece() -> Iterator[str]:
    with running() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def config(tmp_path: Path, ece: str) -> Path:
    file = tmp_path / "ece-widget.toml"
    file.write_text(starter().replace("http://127.0.0.1:8100", ece))
    return file


def check(config: Path, *arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, ["check", "--config", str(config), *arguments], env=environ)


def test_all_well_is_exit_code_0_with_every_call_in_a_table(config: Path) -> None:
    result = check(config)
    assert result.exit_code == 0, result.output
    for words in (*BODIES, "sales (1001)", "200", "wait time 3, queue depth 1", "the button shows", "All well."):
        assert words in result.output


def test_a_wrong_context_root_is_exit_code_1_and_says_what_to_write(config: Path, ece: str) -> None:
    result = check(config, ECE_WIDGET_ECE__BASE_URL=ece)
    assert result.exit_code == 1
    assert "has no context root" in result.output
    assert f'base_url = "{ece}/system"' in result.output


def test_settings_that_cannot_be_used_are_exit_code_2(config: Path) -> None:
    result = check(config, ECE_WIDGET_ECE__TIMEOUT="soon")
    assert result.exit_code == 2
    assert 'ece.timeout (from ECE_WIDGET_ECE__TIMEOUT) = "soon"' in result.output


def test_json_has_the_same_in_the_words_of_the_public_answers(config: Path) -> None:
    result = check(config, "--json")
    assert result.exit_code == 0
    table = json.loads(result.stdout)
    assert table["allWell"] is True
    (sales,) = table["entryPoints"]
    assert (sales["entryPoint"], sales["id"]) == ("sales", 1001)
    assert [each["call"] for each in sales["calls"]] == list(BODIES)
    assert all(each["status"] == 200 and each["error"] is None for each in sales["calls"])
    assert sales["decision"]["show"] is True
    assert (sales["decision"]["waitTime"], sales["decision"]["position"]) == (3, 2)


def test_no_secret_is_printed(config: Path) -> None:
    secret = config.read_text().split('secret_keys = ["')[1].split('"')[0]
    assert secret not in check(config).output + check(config, "--json").output


def test_a_theme_that_is_not_used_as_written_is_a_warning(config: Path) -> None:
    theme = config.parent / "themes" / "default"
    theme.mkdir(parents=True)
    (theme / "theme.toml").write_text("this is no TOML")
    result = check(config)
    assert result.exit_code == 0
    assert "themes/default/theme.toml: is not TOML" in result.output


def test_where_a_redirect_leads_is_said_with_the_address_to_open(
    config: Path, ece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = "https://login.example.com/adfs/ls;jsessionid=1?secret=2#3"
    monkeypatch.setattr(Ece, "others", {"/system/egain/": (302, {"location": target}, "")})
    result, table = check(config), json.loads(check(config, "--json").stdout)
    assert "302 to https://login.example.com/adfs/ls, which is not followed" in result.output
    assert "secret" not in result.output + json.dumps(table)
    opened = f"{ece}/system/egain/chat/entrypoint/chatAllowed/1001"
    assert f"To open in a browser on this machine: {opened}" in result.output
    (finding,) = [each for each in table["entryPoints"][0]["findings"] if each["severity"] == "wrong"]
    assert finding["address"] == opened
    assert "https://login.example.com/adfs/ls" in finding["what"]
    assert table["entryPoints"][0]["calls"][0]["address"] == opened


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/login?x=1", "{ece}/login"),
        ("//other.example.com", "https?://other.example.com"),
        ("", None),
        ("https://login.example.com/a b/ö?x=1", "https://login.example.com/a%20b/%C3%B6"),
        ("https://login.example.com/" + "a" * 400, "https://login.example.com/a{{274}}…"),
    ],
)
def test_a_relative_redirect_is_said_as_the_whole_address(
    config: Path, ece: str, monkeypatch: pytest.MonkeyPatch, location: str, shown: str | None
) -> None:
    monkeypatch.setattr(Ece, "others", {"/system/egain/": (302, {"location": location}, "")})
    output = check(config).output
    if shown is None:
        assert "302, which is not followed" in output
    else:
        assert re.search("302 to " + shown.format(ece=ece) + ", which", output)


@pytest.mark.parametrize(
    ("base_url", "code", "said"),
    [
        ("http://no-such-host.invalid/system", "ece_no_such_host", "no such host|no name server answers"),
        ("http://127.0.0.1:1/system", "ece_refused", "it was refused, nothing listens there"),
        ("http://255.255.255.255/system", "ece_no_route", "no route leads there"),
    ],
)
def test_refused_no_route_and_no_such_host_are_told_apart(config: Path, base_url: str, code: str, said: str) -> None:
    result = check(config, ECE_WIDGET_ECE__BASE_URL=base_url)
    assert re.search(said, result.output)
    table = json.loads(check(config, "--json", ECE_WIDGET_ECE__BASE_URL=base_url).stdout)
    assert {each["error"] for each in table["entryPoints"][0]["calls"]} == {code}


def test_a_header_that_is_refused_is_named(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ece, "others", {"/system/egain/": (200, {"Transfer-Encoding": "gzip"}, "x")})
    assert "Transfer-Encoding: 'gzip'" in check(config).output


@pytest.mark.parametrize(
    ("status", "headers", "text", "said"),
    [
        (404, {}, "", "the chat page answers 404"),
        (302, {"location": "/nowhere"}, "", "the chat page answers 404 after it led to"),
        (302, {"location": CHAT_PAGE}, "", "it leads from one address to the next without an end"),
        (200, {}, "<h1>No Service</h1>", 'a "no service" page: it says "No Service"'),
    ],
)
def test_a_chat_page_that_cannot_be_used_is_told_in_words(
    config: Path, monkeypatch: pytest.MonkeyPatch, status: int, headers: dict[str, str], text: str, said: str
) -> None:
    monkeypatch.setattr(Ece, "others", {CHAT_PAGE: (status, headers, text)})
    result = check(config)
    assert result.exit_code == 1
    assert said in result.output
    assert f"To open in a browser on this machine: {config.read_text().split('chat_url = ')[1][1:30]}" in result.output


def test_a_chat_page_whose_certificate_browsers_refuse_is_told_in_words(config: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with running(context) as port:
        chat_url = f"https://127.0.0.1:{port}{CHAT_PAGE}aqua/index.html"
        result = check(config, ECE_WIDGET_ENTRY_POINTS__SALES__CHAT_URL=chat_url)
    assert result.exit_code == 1
    assert "the chat page cannot be fetched: the certificate is not accepted" in result.output


@pytest.mark.parametrize(
    ("certified", "trusted", "said"),
    [
        ("127.0.0.1", False, "name it in `ca_file` of [ece]"),
        ("ece.example.com", True, "Use in `base_url` the host name that the certificate was issued for"),
        ("127.0.0.1", True, "All well."),
    ],
)
def test_a_certificate_that_is_not_accepted_is_told_with_the_setting(
    config: Path, certified: str, trusted: bool, said: str
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(certified).configure_cert(context)
    authority.cert_pem.write_to_path(str(config.parent / "ca.pem"))
    with running(context) as port:
        environ = {"ECE_WIDGET_ECE__BASE_URL": f"https://127.0.0.1:{port}/system"}
        if trusted:
            environ["ECE_WIDGET_ECE__CA_FILE"] = "ca.pem"
        result = check(config, **environ)
    assert said in result.output
    assert result.exit_code == (0 if said == "All well." else 1)


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_offline_judges_the_settings_and_asks_nobody(tmp_path: Path, arguments: list[str]) -> None:
    file = tmp_path / "ece-widget.toml"
    file.write_text(starter())  # whose ECE does not exist
    done = CliRunner().invoke(main, ["check", "--offline", *arguments, "--config", str(file)])
    assert done.exit_code == 0
    assert ("warnings" in json.loads(done.stdout)) if arguments else ("can be used" in done.stdout)
    file.write_text(starter().replace("[server]", '[server]\nsurprise = "yes"', 1))
    assert CliRunner().invoke(main, ["check", "--offline", *arguments, "--config", str(file)]).exit_code == 2
