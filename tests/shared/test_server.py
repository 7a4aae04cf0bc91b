"""A server that answers but cannot be used is not ready, and the operator is told why, once."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import BusyLoadingError, InvalidResponse, MasterDownError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.shared_server import SharedServerProcess
from widget.shared import SharedServer
from widget.shared.server import cause

pytestmark = pytest.mark.anyio

CAUSES = {
    "--rename-command EVALSHA ''": "forbids scripts",
    "--rename-command SCRIPT ''": "forbids scripts",
    "--user default on nopass ~* +@all -@scripting": "forbids scripts",
    "--user default on nopass ~else:* +@all": "forbids its user a command or a key",
    "--requirepass secret": "refuses the user or password",
    "--replicaof 127.0.0.1 1": "is a replica that only reads",
    "--cluster-enabled yes": "is a cluster",
    "--maxmemory 1": "has no memory left",
    "--min-replicas-to-write 1": "too few replicas follow it",
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


async def test_a_database_that_the_server_lacks_is_told(tmp_path: Path) -> None:
    server = SharedServerProcess(options=["--databases", "2", "--dir", str(tmp_path)])
    server.start()
    link = SharedServer(server.url.removesuffix("/0") + "/7", longest_wait=2.0)
    try:
        assert await link.tried() == "has no database of the number at the end of [shared] url"
    finally:
        await link.aclose()
        server.stop()


async def test_a_server_with_too_many_clients_is_told(tmp_path: Path) -> None:
    server = SharedServerProcess(options=["--maxclients", "1", "--dir", str(tmp_path)])
    server.start()
    first, second = SharedServer(server.url, longest_wait=2.0), SharedServer(server.url, longest_wait=2.0)
    try:
        assert await first.tried() is None
        assert await second.tried() == "takes no more connections (maxclients)"
    finally:
        await first.aclose()
        await second.aclose()
        server.stop()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MasterDownError("Link with MASTER is down"), "is a replica that has lost its primary"),
        (BusyLoadingError("Redis is loading the dataset in memory"), "is still loading its data"),
        (ResponseError("MISCONF Redis is configured to save RDB snapshots"), "cannot save them to its disk"),
        (ResponseError("DENIED Redis is running in protected mode"), "protected-mode"),
        (InvalidResponse("Protocol Error: b'HTTP/1.1 400 Bad Request'"), "not as Valkey or Redis"),
        (ResponseError("something new"), "answers with an error"),
        (RedisConnectionError("Connection closed by server."), "does not answer"),
    ],
)
def test_what_the_server_says_is_told_in_words(error: Exception, words: str) -> None:
    assert words in cause(error)
