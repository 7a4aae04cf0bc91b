"""Real processes, shared server, PostgreSQL and nginx: killed, cut off and restarted while visitors ask."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Cluster, running_cluster
from tests.fleet_processes import ROOT, FleetOfProcesses, fleet_of_processes, get
from tests.ports import free_port
from tests.shared_server import SharedServerProcess
from tests.store.killing import keys_in
from tests.visitors import visitors
from tests.waiting import wait_until

FRESH_FOR = 2
CALLS = 2  # in a round
STATUS = "/v1/status/entry_point_000"
COMFORT = 8.0  # seconds, after which the page's script gives up
PAUSE = 0.005  # seconds between two questions of one visitor: what starts meanwhile needs the processor too


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> str:
    return cluster.new_database()


@pytest.fixture(scope="module")
def fleet(
    server: SharedServerProcess, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FleetOfProcesses]:
    with fleet_of_processes(
        tmp_path_factory.mktemp("fleet"),
        members=2,
        entry_points=3,
        fresh_for=FRESH_FOR,
        shared_url=server.url,
        storage_url=database,
        with_nginx=True,
    ) as fleet:
        yield fleet


def paths(fleet: FleetOfProcesses) -> list[str]:
    return [f"/v1/status/{name}" for name in fleet.names]


def ready(port: int) -> str:
    return get(port, "/readyz")[1].decode()


def test_two_processes_under_load_ask_ece_as_one(fleet: FleetOfProcesses) -> None:
    first, second = fleet.members
    before, begun = fleet.calls(), time.monotonic()
    with (
        visitors(first.port, paths(fleet), threads=2, pause=PAUSE) as here,
        visitors(second.port, paths(fleet), threads=2, pause=PAUSE) as there,
    ):
        wait_until(lambda: fleet.calls() - before >= 4 * CALLS * len(fleet.names), "four rounds")
    rounds = (fleet.calls() - before) / CALLS / len(fleet.names)
    assert rounds <= ((time.monotonic() - begun) / FRESH_FOR + 1) * 1.1
    assert here.failed() == there.failed() == 0


def test_a_killed_shared_server_changes_no_public_answer_and_is_joined_again(
    fleet: FleetOfProcesses, server: SharedServerProcess
) -> None:
    first, second = fleet.members
    with (
        visitors(first.port, paths(fleet), threads=2, pause=PAUSE) as here,
        visitors(second.port, paths(fleet), threads=2, pause=PAUSE) as there,
    ):
        wait_until(lambda: here.answered > 100 and there.answered > 100, "visitors")
        server.kill()
        try:
            wait_until(lambda: all('"degraded"' in ready(each.port) for each in fleet.members), "readyz says so")
            before = fleet.calls()
            wait_until(lambda: fleet.calls() > before + CALLS * len(fleet.names), "each asks for itself")
        finally:
            server.start()
        wait_until(lambda: all('"ready"' in ready(each.port) for each in fleet.members), "joined again")
    for tally in (here, there):
        assert tally.failed() == 0
        assert tally.slowest < COMFORT
    for member in fleet.members:
        log = member.log.read_text()
        assert log.count("shared_server_away") == log.count("shared_server_back") == 1


def test_a_killed_process_takes_no_answer_of_the_other_with_it(fleet: FleetOfProcesses) -> None:
    first, second = fleet.members
    with visitors(second.port, paths(fleet), pause=PAUSE) as tally:
        wait_until(lambda: tally.answered > 100, "visitors")
        first.stop(signal.SIGKILL)
        before = fleet.calls()
        wait_until(lambda: fleet.calls() >= before + CALLS, "the next round is made by the other")
        first.start()
    assert tally.failed() == 0
    assert tally.slowest < COMFORT


@pytest.mark.postgres
def test_a_restarted_database_costs_surveys_a_503_with_the_form_still_filled_and_nothing_thanked(
    fleet: FleetOfProcesses, cluster: Cluster, database: str
) -> None:
    first, second = fleet.members
    form = fleet.survey_path("chat-1")
    assert b"Thank you" in get(first.port, form, method="POST", body="helpful=5")[1]
    other = fleet.survey_path("chat-2")
    with visitors(first.port, paths(fleet), threads=2, pause=PAUSE) as tally:
        cluster.stop("immediate")
        status, page, headers = get(first.port, other, method="POST", body="helpful=4")
        assert status == 503
        assert int(headers["retry-after"]) > 0
        assert re.search(r'value="4"[^>]* checked', page.decode())
        cluster.start()
        for member in (second, first):
            wait_until(
                lambda port=member.port: b"Thank you" in get(port, other, method="POST", body="helpful=4")[1],  # type: ignore[misc]
                "surveys",
            )
    assert tally.failed() == 0
    assert len(keys_in(database)) == 2, "each chat once, whichever process took it"


def test_each_process_restarted_in_turn_costs_no_request_behind_nginx(fleet: FleetOfProcesses) -> None:
    assert fleet.nginx is not None
    asked = [*paths(fleet), "/v1/chat/entry_point_000", fleet.survey_path("chat-3")]
    with visitors(fleet.nginx.port, asked, pause=PAUSE) as tally:
        wait_until(lambda: tally.answered > 200, "visitors")
        for member in fleet.members * 2:  # each goes the moment the one before is back
            assert member.restart() == 0
    assert tally.failed() == 0, (tally.statuses, tally.lost[:5])


def test_a_process_that_hangs_costs_a_click_five_seconds_and_no_answer(fleet: FleetOfProcesses) -> None:
    assert fleet.nginx is not None
    hanging = fleet.members[0].running
    assert hanging is not None
    clicks = [f"/v1/chat/{name}" for name in fleet.names]
    with (
        visitors(fleet.nginx.port, paths(fleet), pause=PAUSE) as waiting,
        visitors(fleet.nginx.port, clicks, threads=2, pause=PAUSE) as clicking,
    ):
        wait_until(lambda: waiting.answered > 50 and clicking.answered > 10, "visitors")
        hanging.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: clicking.slowest > 4, "a click met the process that hangs")
        finally:
            hanging.send_signal(signal.SIGCONT)
    assert waiting.failed() == clicking.failed() == 0, (waiting.lost[:3], clicking.statuses, clicking.lost[:3])


def test_the_health_check_of_the_image_asks_its_own_process_whatever_proxy_the_environment_names(
    fleet: FleetOfProcesses,
) -> None:
    image = (ROOT / "examples" / "deploy" / "Containerfile").read_text().replace("\\\n", "")
    found = re.search(r'HEALTHCHECK .*CMD (\["python", .*\])\n', image)
    assert found is not None
    _, option, program = json.loads(found[1])
    nobody = {**os.environ, "HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    codes = []
    for port in (fleet.members[0].port, free_port()):
        command = [sys.executable, option, program.replace("8000", str(port))]
        codes.append(subprocess.run(command, env=nobody, capture_output=True, check=False).returncode)
    assert codes == [0, 1]


def test_nginx_keeps_public_answers_as_our_headers_say_and_logs_no_survey_link(fleet: FleetOfProcesses) -> None:
    assert fleet.nginx is not None
    port, log = fleet.nginx.port, fleet.folder / "ece-widget.log"
    link = fleet.survey_path("chat-4")
    begun, before = time.monotonic(), log.read_text().count("MISS")
    with visitors(port, [STATUS, STATUS + "?x=1"]) as tally:
        wait_until(lambda: tally.answered > 2000, "visitors")
    dates = {get(port, STATUS)[2]["date"] for _ in range(5)}
    lines = [line for line in log.read_text().splitlines() if "/v1/status/" in line]
    fetched = [line for line in lines if not line.endswith(("cache=HIT", "cache=STALE", "cache=UPDATING"))]
    assert log.read_text().count("MISS") - before <= 3 + (time.monotonic() - begun) / 1 + 1
    assert len(fetched) < len(lines) / 10
    assert len(dates) <= 2, "the age of an answer can be told from its Date"
    get(port, link)
    get(port, link, method="POST", body="helpful=5")
    assert "/survey/{token}" in log.read_text()
    assert link.removeprefix("/survey/") not in "".join(
        each.read_text(errors="replace") for each in fleet.folder.glob("*log")
    )


def test_workers_of_one_command_share_through_the_shared_server(server: SharedServerProcess, tmp_path: Path) -> None:
    server.say("FLUSHALL")
    with fleet_of_processes(tmp_path, members=1, workers=2, fresh_for=60, shared_url=server.url) as fleet:
        (member,) = fleet.members
        assert "workers_share" in member.log.read_text()
        before = fleet.calls()
        for _ in range(60):  # each on a connection of its own, so that both workers get some
            assert b'"available"' in get(member.port, STATUS)[1]
        assert fleet.calls() - before == CALLS


def test_a_process_starts_and_serves_while_the_shared_server_is_away(tmp_path: Path) -> None:
    with fleet_of_processes(tmp_path, members=1, shared_url=f"redis://127.0.0.1:{free_port()}/0") as fleet:
        (member,) = fleet.members
        assert b'"available"' in get(member.port, STATUS)[1]
        assert '"degraded"' in ready(member.port)
        assert member.log.read_text().count("shared_server_away") == 1


def test_a_visitor_who_asks_two_processes_is_counted_once(server: SharedServerProcess, tmp_path: Path) -> None:
    server.say("FLUSHALL")
    with fleet_of_processes(tmp_path, members=2, shared_url=server.url, tokens="4/day") as fleet:
        answers = [get(fleet.members[at % 2].port, "/v1/chat/entry_point_000")[0] for at in range(8)]
    assert answers == [303] * 4 + [429] * 4
