"""Install what Python packages cannot bring: browsers, databases, packages of npm. Standard library alone: runs first.

    python tests/install_tools.py venv      what `python -m venv` needs
    python tests/install_tools.py tests     what the tests need

As root on Debian the missing packages are installed; elsewhere one line says what to install.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
AXE_FILE = TOOLS / "node_modules" / "axe-core" / "axe.min.js"
# In a folder of its own, as npm takes away what an install does not name.
TYPESCRIPT = TOOLS / "typescript" / "node_modules" / "typescript" / "bin" / "tsc"
FROM_NPM = {"axe-core@4.14.1": (TOOLS, AXE_FILE), "typescript@5.9.3": (TOOLS / "typescript", TYPESCRIPT)}


def _command(*names: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(name) is not None for name in names)


def _postgresql() -> bool:
    return bool(shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")))


# Debian's package → whether it is there already
FOR_VENV = {"python3-venv": lambda: importlib.util.find_spec("ensurepip") is not None}
FOR_TESTS = {
    "chromium-headless-shell": _command("chromium-headless-shell"),
    "firefox-esr": _command("firefox-esr", "firefox"),
    "webkit2gtk-driver": _command("WebKitWebDriver"),
    "xvfb": _command("Xvfb"),  # WebKitGTK wants a screen
    "postgresql": _postgresql,
    "redis-server": _command("valkey-server", "redis-server"),
    "nginx-light": lambda: bool(shutil.which("nginx") or Path("/usr/sbin/nginx").exists()),
    "strace": _command("strace"),
    "npm": _command("npm"),
}
FOR_BENCH = {"wrk": _command("wrk"), "util-linux": _command("taskset")}


def missing(wanted: dict[str, Callable[[], bool]]) -> list[str]:
    """Return the Debian packages among these that are not there in any form."""
    return [package for package, is_there in wanted.items() if not is_there()]


def install(packages: list[str]) -> bool:
    """Install Debian packages, or say in one line what to install; return whether they are there now."""
    if not packages:
        return True
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"Please install: {', '.join(packages)} (Debian: apt-get install {' '.join(packages)})")
        return False
    print(f"Installing {', '.join(packages)}", flush=True)
    # No server of the distribution's is started: the tests start their own, on ports of their own.
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run(["apt-get", "-qq", *arguments], env=quiet, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"apt-get {arguments[0]} failed: {done.stderr.strip()[-400:]}")
            return False
    return True


def install_from_npm() -> None:
    """Put what comes from npm into `.tools/`, once; the tests that need it say so when it is not there."""
    wanted = {package: folder for package, (folder, file) in FROM_NPM.items() if not file.exists()}
    npm = shutil.which("npm")
    if wanted and npm is None:
        print("Please install npm: the tests need " + " and ".join(wanted))
        return
    for package, folder in wanted.items():
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        command = [str(npm), "install", "--prefix", str(folder), *options, package]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not FROM_NPM[package][1].exists():
            print(f"npm could not install {package}: {done.stderr.strip()[-400:]}")


def main(what: str) -> int:
    """Install one group; only a missing venv stops everything, a missing tool fails the tests that want it."""
    if what == "venv":
        return 0 if install(missing(FOR_VENV)) else 1
    install(missing(FOR_TESTS))
    install_from_npm()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "tests"))
