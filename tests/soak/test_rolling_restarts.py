"""Processes restarted in turn, over and over, under visitors behind real balancers: 50,000 requests each, none fails.

haproxy passes connections on and asks /readyz; nginx's stream passes connections on and asks nothing: only a refused
connection tells it that a process has gone. Each request reaches a process, since no cache keeps these addresses.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fleet_processes import FleetOfProcesses, Process, fleet_of_processes
from tests.ports import free_port
from tests.server.test_rolling_restart import PATHS, is_ready
from tests.visitors import visitors
from tests.waiting import wait_until

REQUESTS = 50_000
INSTALL = "not found; install it (Debian: apt-get install haproxy libnginx-mod-stream)"
HAPROXY = """
global
  maxconn 500
  stats socket {folder}/haproxy.sock
defaults
  mode tcp
  timeout connect 2s
  timeout client 60s
  timeout server 60s
listen widget
  bind 127.0.0.1:{port}
  option httpchk GET /readyz
  default-server check inter 500ms fall 1 rise 1
{servers}
"""
STREAM = """
load_module {module};
daemon off; worker_processes 1; pid {folder}/stream.pid; error_log {folder}/stream.log;
events {{ worker_connections 2048; }}
stream {{
  upstream widget {{
{servers}
  }}
  server {{ listen 127.0.0.1:{port}; proxy_pass widget; proxy_connect_timeout 2s; }}
}}
"""


def haproxy(folder: Path, ports: Sequence[int]) -> Process:
    program, port = shutil.which("haproxy") or shutil.which("/usr/sbin/haproxy"), free_port()
    assert program, f"haproxy was {INSTALL}"
    servers = "\n".join(f"  server widget-{each} 127.0.0.1:{each}" for each in ports)
    (folder / "haproxy.cfg").write_text(HAPROXY.format(folder=folder, port=port, servers=servers))
    return Process([program, "-db", "-f", str(folder / "haproxy.cfg")], port, folder / "haproxy.log")


def stream(folder: Path, ports: Sequence[int]) -> Process:
    program, port = shutil.which("nginx") or shutil.which("/usr/sbin/nginx"), free_port()
    module = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
    assert program, f"nginx was {INSTALL}"
    assert module.exists(), f"nginx's stream module was {INSTALL}"
    servers = "\n".join(f"    server 127.0.0.1:{each} max_fails=0;" for each in ports)
    text = STREAM.format(module=module, folder=folder, port=port, servers=servers)
    (folder / "stream.conf").write_text(text)
    return Process([program, "-p", str(folder), "-c", str(folder / "stream.conf")], port, folder / "stream.out")


def sees(folder: Path, member: Process) -> bool:
    """Whether haproxy, where it is in front, sends visitors to this process."""
    if not (folder / "haproxy.sock").exists():
        return is_ready(member.port)
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(str(folder / "haproxy.sock"))
        asked.sendall(b"show stat -1 4 -1\n")
        lines = b"".join(iter(lambda: asked.recv(65536), b"")).decode().splitlines()
    return any(f",widget-{member.port}," in line and ",UP," in line for line in lines)


@contextmanager
def in_front(fleet: FleetOfProcesses, front: Callable[[Path, Sequence[int]], Process] | None) -> Iterator[int]:
    """Yield the port that visitors ask: that of the site file's nginx, or of a balancer of connections."""
    if front is None:
        assert fleet.nginx is not None
        yield fleet.nginx.port
        return
    with front(fleet.folder, [each.port for each in fleet.members]).serving() as port:
        yield port


@pytest.mark.parametrize("front", [None, haproxy, stream], ids=["nginx", "haproxy", "nginx's stream"])
def test_of_fifty_thousand_requests_rolling_restarts_fail_none(
    front: Callable[[Path, Sequence[int]], Process] | None, tmp_path: Path
) -> None:
    restarts = 0
    with (
        fleet_of_processes(tmp_path, members=2, with_nginx=front is None, options=["--drain", "5s"]) as fleet,
        in_front(fleet, front) as port,
    ):
        with visitors(port, PATHS, threads=16) as tally:
            while tally.answered < REQUESTS or restarts < 4:
                member = fleet.members[restarts % 2]
                seen = tally.answered
                wait_until(lambda seen=seen: tally.answered > seen + 500, "visitors")  # type: ignore[misc]
                assert member.stop() == 0
                member.start()
                wait_until(lambda member=member: sees(tmp_path, member), "it is back", member.log)  # type: ignore[misc]
                restarts += 1
        print(f"{tally.answered:,} requests, {restarts} restarts, {tally.failed()} failed, {tally.closed} closed")
        assert (tally.failed(), tally.closed) == (0, 0), (tally.statuses, tally.lost[:5])
