"""The site file of the examples in a real nginx before the real server: nobody's spelling decides what others get."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator

import pytest

from tests.fleet_processes import HOST, ROOT, FleetOfProcesses, fleet_of_processes, get
from tests.web.public.test_spelling import CANONICAL, OTHERS

LAUNCHER = "/v1/launcher/entry_point_000"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetOfProcesses]:
    # One snapshot for all of it, so that answers differ in nothing but what was asked for.
    folder = tmp_path_factory.mktemp("nginx")
    with fleet_of_processes(folder, members=1, fresh_for=3000, stale_for=3600, with_nginx=True) as fleet:
        yield fleet


def in_front(fleet: FleetOfProcesses) -> int:
    assert fleet.nginx is not None
    return fleet.nginx.port


def raw(port: int, target: str, headers: str = "") -> bytes:
    """Send a request target as it is, which a client's library would tidy up; return head and body.

    nginx closes the connection after it has written its log.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\n{headers}Connection: close\r\n\r\n".encode())
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def body(answer: bytes) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        return body
    joined = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        joined, body = joined + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return joined


SPELLINGS = [
    *(f"{LAUNCHER}?{query}" for query in [*CANONICAL, *OTHERS]),
    *(f"/v1/launcher/%65ntry_point_000?{query}" for query in ("locale=ar&theme=bold", "LOCALE=ar&theme=bold")),
    *(
        "//v1/launcher/entry_point_000?locale=ar&theme=",
        "/v1/./launcher/entry_point_000?locale=ar&theme=",
        "/v1/launcher/entry_point_000%3f",
    ),
    *(
        "/v1/launcher/x/../entry_point_000?locale=de&theme=",
        "/v1//launcher/entry_point_000?locale=ar&theme=bold",
        LAUNCHER + "?",
    ),
    *(
        "/v1/status/entry_point_000?locale=de",
        "/v1/status/entry_point_000?x=1",
        "/v1/status/%65ntry_point_000",
        "/v1/status/entry_point_000",
    ),
    *("/widget.js?x=1", "/widget%2ejs", "//widget.js", "/widget.js"),
]


def test_whatever_was_asked_before_everybody_gets_what_the_server_itself_says(fleet: FleetOfProcesses) -> None:
    server, nginx = fleet.members[0].port, in_front(fleet)
    expected = {target: body(raw(server, target)) for target in SPELLINGS}
    assert len({expected[f"{LAUNCHER}?{query}"] for query in CANONICAL}) == 6  # three languages in two themes
    for order in (SPELLINGS[::-1], SPELLINGS, sorted(SPELLINGS, key=len)):
        for target in order:
            if b"404" not in raw(server, target)[:15]:
                assert body(raw(nginx, target)) == expected[target], target


def test_only_the_spelling_of_the_script_is_kept(fleet: FleetOfProcesses) -> None:
    nginx, log = in_front(fleet), fleet.folder / "ece-widget.log"
    for query in (*CANONICAL, *OTHERS):
        raw(nginx, f"{LAUNCHER}?{query}")
        before = len(log.read_text().splitlines())
        raw(nginx, f"{LAUNCHER}?{query}")
        (line,) = log.read_text().splitlines()[before:]
        assert line.endswith("cache=HIT") is (query in CANONICAL), query


def test_a_query_behind_a_status_neither_makes_an_entry_nor_reaches_the_server(fleet: FleetOfProcesses) -> None:
    nginx, log = in_front(fleet), fleet.folder / "ece-widget.log"
    raw(nginx, "/v1/status/entry_point_000")
    before = len(log.read_text().splitlines())
    for at in range(20):
        assert b"cache-control: public" in raw(nginx, f"/v1/status/entry_point_000?x={at}").lower()
    assert {line.split("cache=")[1] for line in log.read_text().splitlines()[before:]} == {"HIT"}


def test_a_pinned_copy_of_the_script_is_asked_of_the_server_so_that_a_withdrawn_one_is_gone_at_once(
    fleet: FleetOfProcesses,
) -> None:
    nginx, log = in_front(fleet), fleet.folder / "ece-widget.log"
    (pinned,) = (ROOT / "static" / "frozen").glob("widget.v*.js")
    for _ in range(2):
        before = len(log.read_text().splitlines())
        assert body(raw(nginx, f"/{pinned.name}")) == pinned.read_bytes()
        (line,) = log.read_text().splitlines()[before:]
        assert line.endswith("cache=BYPASS")


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("br, gzip, deflate", "gzip"),
        ("deflate,gzip;q=0.5", "gzip"),
        ("GZIP ; q=1.0", "gzip"),
        ("gzip;q=.1", "gzip"),
        ("gzip;q=0", None),
        ("gzip; q=0.0, br", None),
        ("gzip;q=0.000", None),
        ("x-notgzip", None),
        ("identity", None),
        ("", None),
    ],
)
def test_gzip_goes_to_those_who_take_it_and_to_nobody_else(
    fleet: FleetOfProcesses, accepted: str, coding: str | None
) -> None:
    for path in (f"{LAUNCHER}?locale=de&theme=", "/widget.js"):
        for _ in range(2):
            _, sent, headers = get(in_front(fleet), path, headers={"Accept-Encoding": accepted})
            assert headers.get("content-encoding") == coding
            plain = gzip.decompress(sent) if coding else sent
            assert plain == get(in_front(fleet), path, headers={"Accept-Encoding": "identity"})[1]


@pytest.mark.parametrize(
    "alias",
    ["", "%0a", "%0d", "%00", "%0A%0d", "/", "%20", "%2f", "?x", "/%2e%2e/metrics", ";x", "%0a?token=x", "%7f", "%09"],
)
def test_no_alias_of_the_metrics_gets_past_nginx(fleet: FleetOfProcesses, alias: str) -> None:
    token = "Authorization: Bearer operator-token\r\n"
    for start in ("/metrics", "//metrics", "/%6detrics", "/./metrics", "/x/../metrics"):
        answer = raw(in_front(fleet), start + alias, token)
        assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 ")), start + alias
        assert b"ece_widget_" not in answer


@pytest.mark.parametrize(
    "path", ["/readyz", "/preview", "/openapi.json", "/v1/status/entry_point_000", "/healthz", "/widget.js"]
)
@pytest.mark.parametrize("control", ["%0a", "%0d", "%01", "%1f", "%7f"])
def test_no_address_with_a_control_character_gets_past_nginx(fleet: FleetOfProcesses, path: str, control: str) -> None:
    before = len((fleet.folder / "ece-widget.log").read_text().splitlines())
    assert raw(in_front(fleet), path + control).startswith(b"HTTP/1.1 404 ")
    (line,) = (fleet.folder / "ece-widget.log").read_text().splitlines()[before:]
    assert "s cache=" in line
    assert line.split()[-2] in ("s", "-s"), "no upstream was asked"
