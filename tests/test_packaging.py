"""The wheel: what it carries, and that it serves from an empty folder on a machine that has only its dependencies."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

import widget
from tests.ports import free_port

ROOT = Path(__file__).parent.parent
PATIENCE = 60.0
SETTINGS = """
server.public_url = "http://127.0.0.1:{port}"
security.secret_keys = ["a-secret-for-tests-that-is-long-enough"]
ece.base_url = "http://127.0.0.1:{nobody}/system"
entry_points.sales.id = 1001
entry_points.sales.chat_url = "http://127.0.0.1:{nobody}/system/templates/chat/aqua/index.html?entryPointId={{id}}"
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


def inside(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def in_tree(folder: Path) -> set[str]:
    """The files under a folder of the source tree that belong to the product."""
    return {
        str(file.relative_to(ROOT))
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and "build" not in file.parts
    }


def test_the_wheel_carries_every_file_of_the_product(wheel: Path) -> None:
    names = inside(wheel)
    expected = in_tree(ROOT / "widget")
    expected |= {f"widget/{name}" for folder in ("static", "templates") for name in in_tree(ROOT / folder)}
    assert expected - names == set()


@pytest.mark.parametrize(
    "pattern",
    [
        r"widget/static/widget\.js",
        r"widget/templates/default/launcher\.html",
        r"widget/templates/default/survey/form\.html",
        r"widget/locales/de/LC_MESSAGES/ece_widget\.po",
        r"widget/store/migrations/versions/.+\.py",
        r"widget/commands/starter\.toml",
        r"widget/py\.typed",
    ],
)
def test_what_is_no_python_travels_too(wheel: Path, pattern: str) -> None:
    assert any(re.fullmatch(pattern, name) for name in inside(wheel))


def test_the_wheel_carries_nothing_else(wheel: Path) -> None:
    foreign = {name for name in inside(wheel) if not name.startswith(("widget/", f"ece_widget-{widget.__version__}."))}
    assert foreign == set()
    assert not {name for name in inside(wheel) if name.endswith((".pyc", ".db")) or "/tests/" in name}


def test_what_builds_the_wheel_is_not_in_it(wheel: Path) -> None:
    assert (ROOT / "hatch_build.py").exists()
    with zipfile.ZipFile(wheel) as archive:
        code = {name: archive.read(name) for name in archive.namelist() if name.endswith(".py")}
    assert [name for name, text in code.items() if b"hatchling" in text or "hatch_build" in name] == []


def test_the_wheel_has_the_version_and_the_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        about = f"ece_widget-{widget.__version__}.dist-info"
        metadata = archive.read(f"{about}/METADATA").decode()
        assert f"Version: {widget.__version__}\n" in metadata
        assert "License-Expression: Apache-2.0\n" in metadata
        assert "ece-widget = widget.cli:main" in archive.read(f"{about}/entry_points.txt").decode()


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh environment with the wheel in it; dependencies are borrowed, so no network is asked."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "--quiet", "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True)
    (packages,) = home.glob("lib/python*/site-packages")
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n")
    return home / "bin" / "ece-widget"


def get(url: str) -> tuple[int, bytes]:
    """Ask until somebody answers."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read()
        except OSError as error:
            if isinstance(error, HTTPError) or time.monotonic() > end:
                raise
            time.sleep(0.05)  # a process of its own: there is no condition to wait for but its port


@pytest.fixture(scope="module")
def served(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("empty")
    port, nobody = free_port(), free_port()
    (folder / "ece-widget.toml").write_text(SETTINGS.format(port=port, nobody=nobody))
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("ECE_WIDGET", "PYTHON", "COV"))
    }
    with (folder / "log").open("wb") as log:
        command = [str(installed), "serve", "--port", str(port)]
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log)
        try:
            get(f"http://127.0.0.1:{port}/healthz")
            yield f"http://127.0.0.1:{port}"
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.wait()
            print((folder / "log").read_text(errors="replace"))


def test_the_installed_wheel_is_not_the_source_tree(installed: Path) -> None:
    script = "import widget.assets as a; print(a.asset_folder('static')); print(a.asset_folder('templates'))"
    python = installed.with_name("python")
    done = subprocess.run([python, "-I", "-c", script], check=True, capture_output=True, text=True, cwd="/")
    static, templates = done.stdout.splitlines()
    assert static.startswith(str(installed.parent.parent))
    assert templates.startswith(str(installed.parent.parent))


def test_the_installed_wheel_answers_from_an_empty_folder_with_five_lines_of_settings(served: str) -> None:
    status, body = get(f"{served}/v1/status/sales")
    decision = json.loads(body)
    assert status == 200
    assert (decision["state"], decision["reason"], decision["show"]) == ("unknown", "ece_unreachable", False)


def test_the_installed_wheel_serves_the_launcher_and_the_script(served: str) -> None:
    assert b"data-entry-point" in get(f"{served}/v1/launcher/sales")[1]
    assert b"ece-chat" in get(f"{served}/widget.js")[1]


def test_the_installed_command_says_its_version(installed: Path) -> None:
    done = subprocess.run([installed, "--version"], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == f"ece-widget, version {widget.__version__}"
