"""Keys, tokens and certificates that change while visitors wait: read again on SIGHUP, without a restart."""

from __future__ import annotations

import http.client
import json
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from tests.fleet_processes import HOST, KEY, FleetOfProcesses, Process, fleet_of_processes, get
from tests.ports import free_port
from tests.visitors import visitors
from tests.waiting import wait_until
from widget.domain.errors import TokenInvalid
from widget.tokens import Tokens

STATUS = "/v1/status/entry_point_000"
NEW_KEY = "another-secret-for-tests-that-is-long-enough"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[FleetOfProcesses]:
    with fleet_of_processes(tmp_path, members=1) as fleet:
        yield fleet


def change(member: Process, config: Path, *changes: tuple[str, str]) -> None:
    """Edit the settings, send SIGHUP and wait for what the log says of it."""
    text = config.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    config.write_text(text)
    before = settled(member)
    assert member.running is not None
    member.running.send_signal(signal.SIGHUP)
    wait_until(lambda: settled(member) > before, "the settings are read again", member.log)


def settled(member: Process) -> int:
    log = member.log.read_text()
    return log.count('"settings_applied"') + log.count('"settings_refused"')


def new_link(port: int, operator: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"sid": "chat-9", "entryPoint": "entry_point_000"})
    headers = {"Host": HOST, "Authorization": f"Bearer {operator}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/survey-links", body, headers)
    answer = connection.getresponse()
    text = json.loads(answer.read())
    connection.close()
    return answer.status, text.get("url", "").rpartition("/")[2]


def test_keys_turn_while_visitors_wait_and_an_open_form_can_still_be_sent(fleet: FleetOfProcesses) -> None:
    (member,), config = fleet.members, fleet.folder / "widget-0.toml"
    form, left_open = fleet.survey_path("chat-1"), fleet.survey_path("chat-2")
    assert get(member.port, form)[0] == get(member.port, left_open)[0] == 200
    with visitors(member.port, [STATUS, "/v1/chat/entry_point_000"], pause=0.005) as tally:
        wait_until(lambda: tally.answered > 50, "visitors")
        change(
            member,
            config,
            (f'["{KEY}"]', f'["{NEW_KEY}", "{KEY}"]'),
            ("operator-token-for-tests", "next-operator-token-for-tests"),
        )
        assert b"Thank you" in get(member.port, form, method="POST", body="helpful=5")[1]
        status, token = new_link(member.port, "next-operator-token-for-tests")
        assert status == 201
        now = lambda: datetime.now(UTC)  # noqa: E731
        assert Tokens([NEW_KEY], now).verify_survey(token).sid == "chat-9"
        with pytest.raises(TokenInvalid):
            Tokens([KEY], now).verify_survey(token)
        assert new_link(member.port, "operator-token-for-tests")[0] == 401
        change(member, config, (f'["{NEW_KEY}", "{KEY}"]', f'["{NEW_KEY}"]'))
        status, page, _ = get(member.port, left_open, method="POST", body="helpful=5")
        assert status in (401, 403, 404, 410)
        assert b"Thank you" not in page
    assert tally.failed() == 0, (tally.statuses, tally.lost[:5])


def test_settings_that_cannot_be_used_are_refused_and_the_old_ones_stay(fleet: FleetOfProcesses) -> None:
    (member,), config = fleet.members, fleet.folder / "widget-0.toml"
    form = fleet.survey_path("chat-3")
    change(member, config, ("fresh_for = 5", 'fresh_for = "soon"'), (f'["{KEY}"]', "[]"))
    assert "settings_refused" in member.log.read_text()
    assert KEY not in member.log.read_text()
    assert b"Thank you" in get(member.port, form, method="POST", body="helpful=5")[1]


class Authority:
    """Somebody who signs ECE's certificate and ours."""

    def __init__(self, folder: Path, name: str) -> None:
        self._authority = trustme.CA()
        self.ca, self.server, self.client = (folder / f"{name}-{what}.pem" for what in ("ca", "server", "client"))
        self._authority.cert_pem.write_to_path(str(self.ca))
        self._authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(self.server))
        self._authority.issue_cert("widget@example.com").private_key_and_cert_chain_pem.write_to_path(str(self.client))


def ece_on_tls(folder: Path, port: int, authority: Authority) -> Process:
    """A stand-in for ECE that wants a client certificate."""
    command = [sys.executable, "-m", "uvicorn", "tests.bench.ece:app", "--port", str(port), "--log-level", "critical"]
    command += ["--ssl-certfile", str(authority.server), "--ssl-keyfile", str(authority.server)]
    command += ["--ssl-ca-certs", str(authority.ca), "--ssl-cert-reqs", "2"]
    return Process(command, port, folder / "ece-tls.log")


def test_certificates_of_both_sides_change_while_visitors_ask(tmp_path: Path) -> None:
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    trusted, shown, port = tmp_path / "ca.pem", tmp_path / "client.pem", free_port()
    trusted.write_bytes(old.ca.read_bytes())
    shown.write_bytes(old.client.read_bytes())
    with fleet_of_processes(tmp_path, members=1, fresh_for=0.3, stale_for=0.6) as fleet:
        (member,), config = fleet.members, tmp_path / "widget-0.toml"

        def said() -> str:
            return str(json.loads(get(member.port, STATUS)[1])["state"])

        ece = ece_on_tls(tmp_path, port, old)
        ece.launch()
        try:
            plain = f'"http://127.0.0.1:{fleet.ece.port}/system"'
            certificates = f'\nca_file = "{trusted}"\nclient_cert = "{shown}"\nclient_key = "{shown}"'
            change(member, config, (plain, f'"https://127.0.0.1:{port}/system"{certificates}'))
            wait_until(lambda: said() == "available", "ECE on TLS with our certificate", member.log)
            with visitors(member.port, [STATUS], pause=0.01) as tally:
                ece.stop(signal.SIGKILL)  # uvicorn would wait for the connections on TLS
                ece = ece_on_tls(tmp_path, port, new)
                ece.launch()
                wait_until(lambda: said() == "unknown", "the new certificate is not trusted yet", member.log)
                trusted.write_bytes(new.ca.read_bytes())
                shown.write_bytes(new.client.read_bytes())
                change(member, config)
                wait_until(lambda: said() == "available", "the new authority is trusted", member.log)
            assert tally.failed() == 0, (tally.statuses, tally.lost[:5])
        finally:
            ece.stop()
