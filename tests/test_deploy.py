"""The deploy examples: followed to the letter as far as a test can, and the capacity page against its simulation."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from tests.fleet_processes import INSTALL_NGINX
from tests.release.packages import ROOT, carried, runtime_lock
from widget import settings
from widget.commands.init import starter

DEPLOY = ROOT / "examples" / "deploy"
PAGE = (DEPLOY / "CAPACITY.md").read_text()
GUIDE = (DEPLOY / "README.md").read_text()
UNIT = (DEPLOY / "ece-widget@.service").read_text()


def columns() -> list[dict[str, str]]:
    rows = re.findall(r"^\| ([^|]+) \| ([\d,.]+) \| ([\d,.]+) \|$", PAGE, re.MULTILINE)
    return [{row[0]: row[at].replace(",", "") for row in rows} for at in (1, 2)]


@pytest.mark.parametrize("number", [0, 1])
def test_the_simulation_gives_the_numbers_of_the_capacity_page(number: int) -> None:
    command = re.findall(r"^python3 (examples/deploy/simulate\.py.*)$", PAGE, re.MULTILINE)[number]
    done = subprocess.run(
        [sys.executable, *command.split(), "--json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert {name: float(value) for name, value in columns()[number].items()} == told


def test_the_words_of_the_capacity_page_use_the_numbers_of_its_table() -> None:
    million = columns()[0]
    for name, words in {
        "calls to ECE, a second": "1,000 × 2 / 5 = 400 calls",
        "requests to the fleet, a second": "16,000 requests a second instead of 400",
        "megabits a second from the edge": "853 Mbit/s",
        "gigabytes of surveys in 90 days": "90 days are 194 GB",
    }.items():
        assert words in PAGE
        assert str(int(float(million[name]))) in words.replace(",", "")


def test_every_file_that_the_guide_names_is_there() -> None:
    names = set(re.findall(r"\]\(([^)]+)\)", GUIDE))
    assert {name for name in names if not (DEPLOY / name).exists()} == set()
    assert {each.name for each in DEPLOY.iterdir() if each.is_file()} - names <= {
        "README.md",
        "Containerfile.dockerignore",
    }


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:  # nothing to ask on a machine without systemd; the unit is for others
        assert "[Service]" in UNIT
        return
    command = tmp_path / "ece-widget"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    unit = tmp_path / "ece-widget@8001.service"
    unit.write_text(UNIT.replace("/opt/ece-widget/bin/ece-widget", str(command)))
    done = subprocess.run([program, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "ece-widget" in line]
    assert ours == []


def test_the_unit_leaves_a_service_little_to_reach(tmp_path: Path) -> None:
    """systemd's own judgement of a unit: 0 is nothing, 10 everything."""
    for line in ("SystemCallFilter=@system-service", "MemoryDenyWriteExecute=yes", "RestartPreventExitStatus=2"):
        assert f"\n{line}\n" in UNIT
    program = shutil.which("systemd-analyze")
    if program is None:  # nothing to ask on a machine without systemd; the unit is for others
        return
    unit = tmp_path / "ece-widget@8001.service"
    unit.write_text(UNIT)
    command = [program, "security", "--offline=true", "--no-pager", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert exposure
    assert float(exposure[1]) <= 1.5


@pytest.mark.parametrize(("fault", "code"), [("", 0), ('surprise = "yes"', 2)])
def test_a_reload_of_the_unit_fails_for_settings_that_cannot_be_used(tmp_path: Path, fault: str, code: int) -> None:
    first, second = re.findall(r"^ExecReload=(.*)$", UNIT, re.MULTILINE)
    assert second == "/bin/kill -HUP $MAINPID"
    file = tmp_path / "ece-widget.toml"
    file.write_text(starter().replace("[server]", f"[server]\n{fault}", 1))
    program, *arguments = first.split()
    assert program == "/opt/ece-widget/bin/ece-widget"
    arguments[arguments.index("--config") + 1] = str(file)
    done = subprocess.run(
        [sys.executable, "-m", "widget", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert ("surprise" in done.stderr) == bool(fault)


def test_the_processes_of_the_unit_have_a_metrics_port_each() -> None:
    assert "Environment=ECE_WIDGET_SERVER__METRICS_LISTEN=127.0.0.1:1%i" in UNIT
    assert "18001" in GUIDE


def test_the_commands_of_unit_and_image_are_ours() -> None:
    from widget.cli import COMMANDS

    image = (DEPLOY / "Containerfile").read_text()
    assert re.findall(r"ece-widget serve --config \S+ --host \S+ --port %i", UNIT)
    assert '"ece-widget", "serve", "--host", "0.0.0.0", "--port", "8000"' in image
    assert {"serve", "check", "init"} <= set(COMMANDS)
    assert set(re.findall(r"bin/ece-widget (\w+)", GUIDE)) <= set(COMMANDS)


def test_the_image_gets_what_the_product_needs_to_run_by_hash_and_nothing_else() -> None:
    lock = runtime_lock()
    assert len(re.findall(r"^\S+==", lock, re.MULTILINE)) == len(carried())
    assert "--hash=sha256:" in lock
    assert "pytest" not in lock


def test_the_environment_of_the_compose_file_is_understood(tmp_path: Path) -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    storage = tmp_path / "storage"
    storage.write_text("postgresql://ece_widget:secret@postgres/ece_widget")
    environ = dict(re.findall(r"^    (ECE_WIDGET_\w+): (\S+)$", text, re.MULTILINE))
    environ["ECE_WIDGET_STORAGE__URL_FILE"] = str(storage)
    assert len(environ) == 3
    file = tmp_path / "ece-widget.toml"
    file.write_text(
        'server.public_url = "https://chat.example.com"\n'
        'security.secret_keys = ["a-secret-for-tests-that-is-long-enough"]\n'
        'ece.base_url = "https://ece.example.com/system"\nentry_points.sales.id = 1001\n'
        'entry_points.sales.chat_url = "https://ece.example.com/chat?id={id}"\n'
    )
    read = settings.load(file, environ=environ)
    assert read.shared is not None
    assert read.shared.url.get_secret_value() == "redis://valkey:6379/0"
    assert read.storage.url.get_secret_value() == storage.read_text()
    assert read.server.trusted_proxies == ("172.16.0.0/12",)


def test_nothing_in_the_site_file_keeps_an_answer_longer_than_its_headers_say() -> None:
    directives = [
        line.split()[0]
        for line in (DEPLOY / "nginx.conf").read_text().splitlines()
        if line.strip() and not line.strip().startswith("#")
    ]
    assert {"proxy_cache_use_stale", "proxy_cache_valid", "proxy_hide_header", "expires"} & set(directives) == set()


def test_nginx_takes_the_site_file_as_the_compose_file_changes_it(tmp_path: Path) -> None:
    changes = re.findall(r"-e '(s[^']+)'", (DEPLOY / "compose.yaml").read_text())
    site = (DEPLOY / "nginx.conf").read_text()
    done = subprocess.run(
        ["sed", *(word for change in changes for word in ("-e", change))],
        input=site,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.findall(r"server (widget-\d:8000 max_fails=\d fail_timeout=2s);", done.stdout) == [
        "widget-1:8000 max_fails=3 fail_timeout=2s",
        "widget-2:8000 max_fails=3 fail_timeout=2s",
    ]
    changed = done.stdout.replace("widget-1:", "127.0.0.1:").replace("widget-2:", "127.0.0.1:")
    assert "/var/log/nginx" not in changed
    trustme.CA().issue_cert("chat.example.com").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "site.pem"))
    changed = re.sub(r"/etc/ssl/chat\.example\.com/\w+\.pem", f"{tmp_path}/site.pem", changed)
    changed = changed.replace("/var/cache/nginx/ece-widget", f"{tmp_path}/cache")
    (tmp_path / "site.conf").write_text(changed)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}}\nhttp {{ include {tmp_path}/site.conf; }}\n"
    )
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    assert program is not None, INSTALL_NGINX
    command = [program, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr


def test_nothing_secret_of_the_guide_gets_into_the_image_or_the_repository() -> None:
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text().split()
    assert {"**/ece-widget.toml", "examples/deploy/secrets", "examples/deploy/certificates"} <= set(ignored)
    kept_out = (ROOT / ".gitignore").read_text().split()
    assert {"ece-widget.toml", "/examples/deploy/secrets/", "/examples/deploy/certificates/"} <= set(kept_out)
