"""The commands of README, deploy guide and contributors, from a bare shell, to the letter: only places are the test's.

Needs a package index, as whoever follows them does. What changes the machine itself (systemd, users, nginx) is stood in
by programs that say that they were called.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.ports import free_port
from tests.release.packages import ROOT
from tests.waiting import wait_until

README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "examples" / "deploy" / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
STOOD_IN = ("systemctl", "useradd", "chgrp", "nginx", "curl", "kubectl", "docker")
IGNORED = shutil.ignore_patterns(".git", ".venv", ".tools", "dist", "__pycache__", ".*_cache", "*.db")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A machine's places in a folder: a copy of the sources, and programs that only note their call."""
    shutil.copytree(ROOT, tmp_path / "sources", ignore=IGNORED, symlinks=True)
    for folder in ("opt", "etc/systemd/system", "etc/nginx/sites-enabled", "var/cache/nginx", "programs"):
        (tmp_path / folder).mkdir(parents=True)
    for name in STOOD_IN:
        (tmp_path / "programs" / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{tmp_path}/called"\n')
        (tmp_path / "programs" / name).chmod(0o755)
    (tmp_path / "programs" / "install").write_text('#!/bin/sh\nfor last; do :; done\nmkdir -p "$last"\n')
    (tmp_path / "programs" / "install").chmod(0o755)
    (tmp_path / "programs" / "python3").symlink_to(sys.executable)
    return tmp_path


def blocks(text: str, heading: str) -> list[str]:
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def run(bare: Path, block: str, folder: str) -> str:
    block = re.sub(r"(?<![\w.])/(opt|etc|var)/", rf"{bare}/\1/", block)
    # pip's own settings are the machine's: where its index is
    environ = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))}
    environ |= {"PATH": f"{bare}/programs:/usr/bin:/bin", "HOME": os.environ.get("HOME", str(bare))}
    done = subprocess.run(
        ["sh", "-eu"],
        input=block,
        cwd=bare / folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_readmes_first_way_installs_it_and_makes_a_wheel(bare: Path) -> None:
    (block,) = blocks(README, "Put it on a site")
    run(bare, block, "sources")
    assert len(list((bare / "sources" / "dist").glob("ece_widget-*.whl"))) == 1
    said = run(bare, "cd /opt/ && ece-widget/bin/ece-widget init && ece-widget/bin/ece-widget check --offline", ".")
    assert "can be used" in said


def test_the_guides_machine_and_its_upgrade(bare: Path) -> None:
    first, second = blocks(GUIDE, "One machine, two processes")
    (upgrade,) = blocks(GUIDE, "Restart without downtime")
    run(bare, first, "sources/examples/deploy")
    settings = bare / "etc" / "ece-widget" / "ece-widget.toml"
    (settings.parent / "storage").write_text(f"sqlite:///{bare}/outbox.db\n")
    settings.write_text(settings.read_text() + f'\n[storage]\nurl_file = "{settings.parent}/storage"\n')
    # There is no ECE here to ask, so its check is of the settings.
    run(bare, second.replace("ece-widget check", "ece-widget check --offline"), "sources/examples/deploy")
    run(bare, upgrade, "sources/examples/deploy")
    assert (bare / "opt" / "ece-widget").resolve().name == "ece-widget-1.1.0"
    assert "ece-widget, version" in run(bare, "/opt/ece-widget/bin/ece-widget --version", ".")
    called = (bare / "called").read_text()
    assert "systemctl enable --now ece-widget@8001 ece-widget@8002" in called
    assert called.index("systemctl restart ece-widget@8001") < called.index("systemctl restart ece-widget@8002")


def test_the_guide_to_kubernetes_makes_the_secrets_that_its_kustomization_reads(bare: Path) -> None:
    folder = bare / "sources" / "examples" / "deploy" / "kubernetes"
    (block,) = blocks((folder / "README.md").read_text(encoding="utf-8"), "Set it up")
    run(bare, block, "sources/examples/deploy/kubernetes")
    made = {each.name: each for each in (folder / "secrets").iterdir()}
    kustomization = (folder / "kustomization.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"secrets/([\w-]+)", kustomization)) == set(made)
    assert {each.stat().st_mode & 0o777 for each in made.values()} == {0o600}
    assert all(len(made[name].read_text().strip()) > 40 for name in ("secret-keys", "operator-tokens"))
    called = (bare / "called").read_text()
    assert called.index("kubectl create namespace") < called.index("kubectl apply") < called.index("kubectl rollout")


def test_the_commands_of_the_compose_file_make_the_secrets_that_it_reads(bare: Path) -> None:
    folder = bare / "sources" / "examples" / "deploy"
    run(bare, blocks(README, "Put it on a site")[0].splitlines()[0], "sources")
    (bare / "programs" / "ece-widget").symlink_to(bare / "opt" / "ece-widget" / "bin" / "ece-widget")
    text = (folder / "compose.yaml").read_text(encoding="utf-8").partition("name: ece-widget\n")[0]
    first, second = re.findall(r"(?:^# {3,}\S.*\n)+", text, re.MULTILINE)
    # Two blanks and a bracket begin what is said about a command.
    first = re.sub(r" {2,}\(.*", "", re.sub(r"^# {10,}.*\n", "", first, flags=re.MULTILINE))
    block = re.sub(r"^#   ", "", first, flags=re.MULTILINE)
    assert block.startswith("cd examples/deploy\n")
    run(bare, block, "sources")
    run(bare, re.sub(r"^#   ", "", second, flags=re.MULTILINE), "sources/examples/deploy")
    password = (folder / "secrets" / "postgres").read_text().strip()
    assert len(password) == 48
    assert (folder / "secrets" / "storage").read_text() == f"postgresql://ece_widget:{password}@postgres/ece_widget"
    assert "secret_keys" in (folder / "ece-widget.toml").read_text()
    called = (bare / "called").read_text()
    assert called.index("docker compose up --build") < called.index("docker compose build\n")
    assert called.index("--wait widget-1") < called.index("--wait widget-2")


def test_what_contributors_type_in_a_fresh_clone(tmp_path: Path) -> None:
    """Without `make test` and `make check`, which run the tests, and the long `make bench`, `soak` and `audit`."""
    clone = tmp_path / "ece-widget"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True, timeout=60)
    widget, simulator, site = (free_port() for _ in range(3))
    ports = [f"PORT={widget}", f"SIMULATOR_PORT={simulator}", f"SITE_PORT={site}"]
    log = tmp_path / "log"
    with log.open("w") as file:
        demo = subprocess.Popen(["make", "demo", *ports], cwd=clone, stdout=file, stderr=file, start_new_session=True)
    try:
        wait_until(lambda: f"http://127.0.0.1:{site}" in log.read_text(), "the demo names its site", log, seconds=600)
        assert httpx.get(f"http://127.0.0.1:{site}/").status_code == 200
    finally:
        os.killpg(demo.pid, signal.SIGINT)
        demo.wait(60)
    for port in (widget, simulator, site):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    pages = CONTRIBUTING + (ROOT / "examples" / "wordpress" / "README.md").read_text(encoding="utf-8")
    for command in ["make lint", *re.findall(r"`(\.venv/bin/python [^`]+)`", pages), "make release"]:
        done = subprocess.run(
            ["sh", "-euc", command], cwd=clone, capture_output=True, text=True, timeout=900, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    changed = subprocess.run(["git", "status", "--short"], cwd=clone, capture_output=True, text=True, check=True)
    assert changed.stdout == "", "what is written from something else is as it would be written now"
