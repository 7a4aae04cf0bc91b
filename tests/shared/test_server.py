"""A server that answers but cannot be used is not ready, and the operator is told why, once."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared_server import SharedServerProcess
from widget.shared import SharedServer

pytestmark = pytest.mark.anyio

CAUSES = {
    "--rename-command EVALSHA ''": "forbids scripts",
    "--rename-command SCRIPT ''": "forbids scripts",
    "--user default on nopass ~* +@all -@scripting": "forbids scripts",
    "--user default on nopass ~else:* +@all": "forbids its user a command or a key",
    "--requirepass secret": "refuses the user or password",
    "--replicaof 127.0.0.1 1": "is a replica that only reads",
    "--cluster-enabled yes": "is a cluster",
}


@pytest.fixture(params=CAUSES)
def unusable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SharedServerProcess, str]]:
    options = [word.strip("'") for word in request.param.split(" ")]
    server = SharedServerProcess(options=[*options, "--dir", str(tmp_path)])
    server.start()
    yield server, CAUSES[request.param]
    server.stop()


async def test_a_server_that_cannot_be_used_is_away_and_the_cause_is_named_once(
    unusable: tuple[SharedServerProcess, str], log_lines: io.StringIO
) -> None:
    server, cause = unusable
    link = SharedServer(server.url, longest_wait=2.0, look_every=0.01)
    try:
        await link.start()
        for _ in range(20):
            assert await link.script("return 1", ("ece-widget:2:any",), ()) is None
            trouble = await link.trouble()
            assert trouble is not None
            assert cause in trouble
        assert log_lines.getvalue().count("shared_server_") == 1
        assert cause in log_lines.getvalue()
    finally:
        await link.aclose()
