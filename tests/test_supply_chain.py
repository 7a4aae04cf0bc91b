"""What a release brings along: licences, a lock file with hashes, a bill of materials, the same wheel twice."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import pytest
from packaging.utils import NormalizedName, canonicalize_name

from tests.release.bill import bill
from tests.release.packages import LOCK, ROOT, carried, locked

# Licences under which an operator may run the product as it is, without a duty that reaches their own code.
ALLOWED = {
    *("MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "Apache-2.0", "PSF-2.0", "Zlib", "Unlicense"),
    "MPL-2.0",  # certifi: data files, unchanged
}
# Of the extra `postgres`: used as a library, unchanged and replaceable, as the LGPL asks.
ALLOWED_FOR = {"psycopg": {"LGPL-3.0-only"}, "psycopg-binary": {"LGPL-3.0-only"}}
BLOCK = re.compile(r"^\S+==\S+(?: ; [^\\]+)? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", re.MULTILINE)
MOMENT = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize("package", carried(), ids=lambda package: package.name)
def test_each_package_has_a_licence_that_operators_may_use(package: object) -> None:
    name, licence = package.name, package.licence  # type: ignore[attr-defined]
    allowed = ALLOWED | ALLOWED_FOR.get(name, set())
    choices = [set(re.findall(r"[\w.-]+", choice)) - {"AND"} for choice in licence.split(" OR ")]
    assert any(choice and choice <= allowed for choice in choices), f"{name}: {licence or 'no licence is named'}"


def test_every_locked_package_has_hashes_and_no_index_is_named() -> None:
    text = LOCK.read_text()
    names = [name for name, _, _ in locked()]
    blocks = re.findall(
        r"^\S+==\S+(?: ; [^\\]+)? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", text, re.MULTILINE
    )
    assert len(blocks) == len(names) == len(set(map(canonicalize_name, names))) > 50
    assert "".join(blocks) == re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    assert "://" not in text
    assert "index" not in re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)


def test_the_lock_names_everything_that_is_carried_and_what_runs_here_is_what_it_names() -> None:
    versions = {canonicalize_name(name): version for name, version, _ in locked()}
    assert {package.name: package.version for package in carried()}.items() <= versions.items()


def test_pip_takes_the_lock_file_as_one_that_requires_hashes(tmp_path: Path) -> None:
    """What is installed here is not fetched again: pip reads those lines and finds them satisfied."""
    here = {canonicalize_name(each.name): each.version for each in metadata.distributions()}
    found = {canonicalize_name(name): version for name, version, _ in locked()}
    there = tmp_path / "requirements.lock"
    blocks = [block for block in BLOCK.findall(LOCK.read_text()) if _name(block) in here]
    assert {_name(block) for block in blocks if here[_name(block)] == found[_name(block)]} >= {
        package.name for package in carried()
    }
    there.write_text("".join(block for block in blocks if here[_name(block)] == found[_name(block)]))
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--no-index", "--require-hashes"]
    done = subprocess.run([*command, "-r", str(there)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", ["Makefile", "examples/deploy/Containerfile"])
def test_pip_installs_the_lock_file_and_chooses_nothing_itself(file: str) -> None:
    """An older pip forgets a locked version where a package asks for it with an extra, and takes the newest."""
    lines = [line for line in (ROOT / file).read_text().splitlines() if " install " in line and ".lock" in line]
    assert lines
    assert [line for line in lines if " --no-deps " not in line] == []


def test_the_lock_file_lacks_nothing() -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def _name(block: str) -> NormalizedName:
    return canonicalize_name(block.partition("==")[0])


def test_the_bill_of_materials_names_every_package_once_with_its_licence_and_is_the_same_twice() -> None:
    packages = carried()
    document = bill(packages, moment=MOMENT)
    assert document == bill(packages, moment=MOMENT)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert [each["name"] for each in document["components"]] == [each.name for each in packages]
    assert all(each["licenses"][0]["expression"] for each in document["components"])
    known = {each["bom-ref"] for each in document["components"]}
    for each in document["dependencies"]:
        assert set(each["dependsOn"]) <= known
    reached, wanted = set[str](), [document["metadata"]["component"]["bom-ref"]]
    needs = {each["ref"]: each["dependsOn"] for each in document["dependencies"]}
    while wanted:
        if (ref := wanted.pop()) not in reached:
            reached.add(ref)
            wanted += needs[ref]
    assert known <= reached, "each is there because something needs it"


def test_the_wheel_is_the_same_whoever_builds_it_wherever_and_whenever(tmp_path: Path) -> None:
    digests = set()
    for number, (mask, when) in enumerate(((0o022, 1_000_000_000), (0o077, 1_700_000_000))):
        tree = tmp_path / f"somebody-{number}" / "tree"
        ignored = shutil.ignore_patterns(".git", ".venv", "dist", "build", "__pycache__", ".*_cache", ".tools", "*.db")
        shutil.copytree(ROOT, tree, ignore=ignored, symlinks=True)
        for file in tree.rglob("*"):
            if file.is_file() and not file.is_symlink():
                file.chmod(0o666 & ~mask)
                os.utime(file, (when, when))
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / str(number))]
        environ = {
            **os.environ,
            "SOURCE_DATE_EPOCH": "1790000000",
            "PYTHONHASHSEED": str(number),
            "TZ": f"Etc/GMT+{number}",
        }
        subprocess.run(command, cwd=tree, env=environ, check=True, capture_output=True)
        (wheel,) = (tmp_path / str(number)).glob("*.whl")
        digests.add((wheel.name, hashlib.sha256(wheel.read_bytes()).hexdigest()))
    assert len(digests) == 1


def test_this_python_has_no_known_form_parser_beside_ours() -> None:
    """Uploads are refused, so the library that parses them stays out: its faults cannot be ours."""
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version("python-multipart")
