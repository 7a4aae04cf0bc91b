"""A proxy towards ECE that changes, refuses and comes back while visitors wait: `serve` as shipped, real proxies."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet_processes import FleetOfProcesses, Process, fleet_of_processes, get
from tests.forward_proxy import forward_proxy
from tests.shared.test_keys import STATUS, change
from tests.visitors import visitors
from tests.waiting import wait_until

PASSWORD = "hunter2-of-the-proxy"
SECRETS = (PASSWORD, base64.b64encode(f"widget:{PASSWORD}".encode()).decode())
ECE = '"http://ece.invalid/system"'


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FleetOfProcesses]:
    for variable in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nobody: what goes there by accident fails
    monkeypatch.setenv("NO_PROXY", "ece.invalid")
    with fleet_of_processes(tmp_path, members=1, fresh_for=0.3, stale_for=0.6, delivery=True) as fleet:
        yield fleet


def state(member: Process) -> str:
    return str(json.loads(get(member.port, STATUS)[1])["state"])


def address(netloc: str) -> str:
    return f'proxy = "http://widget:{PASSWORD}@{netloc}"'


def metric(member: Process, name: str) -> str:
    text = get(member.port, "/metrics", headers={"Authorization": "Bearer operator-token-for-tests"})[1].decode()
    return next((line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(name)), "")


def host_breaker(member: Process) -> str:
    return metric(member, 'ece_widget_breaker_state{call="",entry_point=""}')


def delivered(member: Process) -> str:
    return metric(member, 'ece_widget_deliveries_total{outcome="delivered"}')


def answer_survey(fleet: FleetOfProcesses, sid: str) -> None:
    assert b"Thank you" in get(fleet.members[0].port, fleet.survey_path(sid), method="POST", body="helpful=5")[1]


def test_calls_and_surveys_go_through_the_new_proxy_after_a_reload_and_no_visitor_notices(
    fleet: FleetOfProcesses,
) -> None:
    (member,), config, hosts = fleet.members, fleet.folder / "widget-0.toml", {"ece.invalid": fleet.ece.port}
    with forward_proxy(hosts) as old, forward_proxy(hosts) as new:
        change(member, config, (f'"http://127.0.0.1:{fleet.ece.port}/system"', f"{ECE}\n{address(old.netloc)}"))
        wait_until(lambda: state(member) == "available", "ECE is reached through the first proxy", member.log)
        answer_survey(fleet, "chat-1")
        wait_until(lambda: old.surveys() == 1, "the survey is delivered through the first proxy", member.log)
        with visitors(member.port, [STATUS, "/v1/launcher/entry_point_000"], pause=0.002) as tally:
            wait_until(lambda: tally.answered > 50, "visitors")
            change(member, config, (old.netloc, new.netloc))
            wait_until(lambda: len(new.asked) > 5, "calls go through the second proxy", member.log)
            asked_before = len(old.asked)
            answer_survey(fleet, "chat-2")
            wait_until(lambda: new.surveys() == 1, "the survey is delivered through the second proxy", member.log)
            assert len(old.asked) == asked_before
            assert state(member) == "available"
        assert tally.failed() == 0, (tally.statuses, tally.lost[:5])
        assert old.surveys() == 1
    assert not any(secret in fleet.logs() for secret in SECRETS)


def test_a_proxy_that_wants_another_password_is_an_ece_that_is_away_and_nothing_is_lost(
    fleet: FleetOfProcesses,
) -> None:
    (member,), config = fleet.members, fleet.folder / "widget-0.toml"
    with forward_proxy({"ece.invalid": fleet.ece.port}) as proxy:
        change(member, config, (f'"http://127.0.0.1:{fleet.ece.port}/system"', f"{ECE}\n{address(proxy.netloc)}"))
        wait_until(lambda: state(member) == "available", "ECE is reached through the proxy", member.log)
        with visitors(member.port, [STATUS], pause=0.01) as tally:
            proxy.mode = "407"
            wait_until(lambda: state(member) == "unknown", "nothing is known any more", member.log)
            answer_survey(fleet, "chat-3")
            wait_until(lambda: host_breaker(member) == "2.0", "the breaker of ECE's host opens", member.log)
            proxy.mode = "well"
            wait_until(lambda: state(member) == "available", "the breaker closes again", member.log)
            wait_until(lambda: delivered(member) == "1.0", "the survey is delivered", member.log)
        assert tally.failed() == 0, (tally.statuses, tally.lost[:5])
    assert "the proxy answers 407" in fleet.logs()
    assert not any(secret in fleet.logs() for secret in SECRETS)
