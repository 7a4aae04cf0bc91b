"""`check` against a real socket: the table, the words, JSON, and the exit code."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner, Result

from widget.cli import main
from widget.commands.init import starter

BODIES = {
    "chatAllowed": '<chatAllowed allowed="true"/>',
    "checkEligibility": '<checkEligibility responseType="0"/>',
    "agentAvailability": '<agentAvailability available="true"/>',
    "capacity": "<availableSlots><count>4</count></availableSlots>",
    "liveSessionStatus": "<sessionStatus><waitTime>3.0</waitTime><queueDepth>1</queueDepth></sessionStatus>",
}


class Ece(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
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
        yield server.server_address[1]
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
