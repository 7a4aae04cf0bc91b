"""A fleet as operators run it: `serve` processes, a stand-in for ECE, and nginx with the site file of the examples."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import trustme

from tests.ports import free_port
from tests.waiting import PATIENCE, wait_until
from widget.tokens import Tokens

ROOT = Path(__file__).parent.parent
SITE = ROOT / "examples" / "deploy" / "nginx.conf"
INSTALL_NGINX = "nginx was not found; install it (Debian: apt-get install nginx-light)"
HOST = "chat.example.com"
KEY = "a-secret-for-tests-that-is-long-enough"
SETTINGS = """
[server]
public_url = "https://chat.example.com"
[security]
secret_keys = ["{key}"]
operator_tokens = ["operator-token-for-tests"]
[ece]
base_url = "http://127.0.0.1:{ece_port}/system"
fresh_for = {fresh_for}
stale_for = {stale_for}
[limits]
tokens = "{tokens}"
submits = "off"
[surveys.after_chat]
title = "How did we do?"
[[surveys.after_chat.questions]]
id = "helpful"
kind = "rating"
text = "How helpful was the agent?"
required = true
"""


@dataclass
class Process:
    """One process that listens; `start` waits until it does."""

    command: Sequence[str]
    port: int
    log: Path
    running: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        with self.log.open("ab") as output:
            self.running = subprocess.Popen(
                self.command, stdout=output, stderr=output, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
            )

    def start(self) -> None:
        self.launch()
        wait_until(self._listens, f"port {self.port} answers", self.log)

    def _listens(self) -> bool:
        assert self.running is not None
        assert self.running.poll() is None, self.log.read_text(errors="replace")[-3000:]
        with suppress(OSError):
            return get(self.port, "/healthz")[0] > 0
        return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.running is None:
            return 0
        with suppress(ProcessLookupError):
            self.running.send_signal(number)
        try:
            return self.running.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.running.kill()
            return self.running.wait()

    @contextmanager
    def serving(self) -> Iterator[int]:
        """Start it, give its port, and stop it at the end of the block."""
        try:
            self.start()
            yield self.port
        finally:
            self.stop()

    def restart(self, number: int = signal.SIGTERM) -> int:
        code = self.stop(number)
        self.start()
        return code


@dataclass
class FleetOfProcesses:
    folder: Path
    ece: Process
    members: list[Process]
    nginx: Process | None = None
    names: list[str] = field(default_factory=list)

    def calls(self) -> int:
        """How often ECE was asked so far."""
        return int(get(self.ece.port, "/count")[1])

    def ece_goes(self, mode: str) -> None:
        get(self.ece.port, f"/mode/{mode}")

    def survey_path(self, sid: str) -> str:
        tokens = Tokens([KEY], lambda: datetime.now(UTC))
        return f"/survey/{tokens.sign_survey(sid, self.names[0], 'after_chat', datetime.now(UTC) + timedelta(hours=1))}"

    def logs(self) -> str:
        return "".join(each.log.read_text(errors="replace") for each in self.members)


@contextmanager
def fleet_of_processes(
    folder: Path,
    *,
    members: int,
    entry_points: int = 1,
    fresh_for: float = 5,
    stale_for: float = 60,
    shared_url: str | None = None,
    storage_url: str | None = None,
    workers: int = 1,
    tokens: str = "off",
    with_nginx: bool = False,
    delivery: bool = False,
    prefix: Sequence[str] = (),
    options: Sequence[str] = (),
    more: str = "",
) -> Iterator[FleetOfProcesses]:
    """Start everything, and end it with the block. `prefix` goes before each server's command, as `taskset -c 0`.

    `options` are more of `serve`'s own, `more` are settings to append.
    """
    ece = stand_in_for_ece(folder)
    names = [f"entry_point_{at:03}" for at in range(entry_points)]
    processes = []
    for at in range(members):
        text = SETTINGS.format(key=KEY, ece_port=ece.port, fresh_for=fresh_for, stale_for=stale_for, tokens=tokens)
        text += f'[storage]\nurl = "{storage_url or f"sqlite:///{folder}/outbox-{at}.db"}"\n'
        text += more
        text += f'[shared]\nurl = "{shared_url}"\n' if shared_url else ""
        for number, name in enumerate(names):
            text += f'[entry_points.{name}]\nid = {1001 + number}\nsurvey = "after_chat"\n'
            text += f'chat_url = "http://127.0.0.1:{ece.port}/chat?id={{id}}&ticket={{ticket}}"\n'
        config, port = folder / f"widget-{at}.toml", free_port()
        config.write_text(text)
        command = [sys.executable, "-m", "widget", "serve", "--config", str(config), "--port", str(port)]
        command += ["--workers", str(workers), *([] if delivery else ["--no-delivery"]), *options]
        processes.append(Process([*prefix, *command], port, folder / f"widget-{at}.log"))
    fleet = FleetOfProcesses(folder, ece, processes, names=names)
    with ExitStack() as stack:
        for process in (ece, *processes):
            stack.callback(process.stop, signal.SIGTERM)
            process.start()
        if with_nginx:
            fleet.nginx = nginx(folder, [process.port for process in processes])
            stack.callback(fleet.nginx.stop, signal.SIGTERM)
            fleet.nginx.start()
        yield fleet


def stand_in_for_ece(folder: Path) -> Process:
    """Return an ECE that answers as it is told at /mode and counts what it was asked."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.bench.ece:app", "--port", str(port), "--log-level", "warning"]
    return Process(command, port, folder / "ece.log")


def nginx(folder: Path, ports: Sequence[int], *, prefix: Sequence[str] = ()) -> Process:
    """Return nginx with the examples' site file as it is, but for ports, certificates and folders."""
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    assert program is not None, INSTALL_NGINX
    port = free_port()
    (folder / "cache").mkdir(exist_ok=True)
    certificate = trustme.CA().issue_cert(HOST)
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "site.pem"))
    site = SITE.read_text()
    servers = "\n".join(f"    server 127.0.0.1:{each} max_fails=0;" for each in ports)
    site, replaced = re.subn(r"(    server 127\.0\.0\.1:80\d\d max_fails=0;\n)+", servers + "\n", site)
    assert replaced == 1
    site = site.replace("/var/cache/nginx/ece-widget", f"{folder}/cache").replace("/var/log/nginx", str(folder))
    site = re.sub(r"/etc/ssl/chat\.example\.com/\w+\.pem", f"{folder}/site.pem", site)
    plain = free_port()  # beside TLS, for load generators that speak none
    site = site.replace("listen 443 ssl http2;", f"listen {port} ssl http2; listen {plain};")
    (folder / "site.conf").write_text(site)
    temporary = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; worker_processes 1; worker_rlimit_nofile 4096; pid {folder}/nginx.pid;\n"
        f"error_log {folder}/nginx.log; events {{ worker_connections 2048; }}\n"
        f"http {{ {temporary} keepalive_requests 1000000; include {folder}/site.conf; }}\n"
    )
    command = [*prefix, program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    return Process(command, plain, folder / "nginx.log")


def get(
    port: int, path: str, *, method: str = "GET", body: str = "", headers: Mapping[str, str] = MappingProxyType({})
) -> tuple[int, bytes, dict[str, str]]:
    """Ask once, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        headers = {"Host": HOST, **headers}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()
