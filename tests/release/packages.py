"""The packages that the product brings along, read from the metadata of what is installed here."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
EXTRAS = ("postgres", "shared")
# Older classifiers and free words, in the spelling of SPDX.
_SPDX = {
    "MIT License": "MIT",
    "The MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "New BSD": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "zlib/libpng License": "Zlib",
}
_READ_BY_US = {"pysqlite3": "Zlib"}  # names none in its metadata; the file it carries is the zlib licence


@dataclass(frozen=True)
class Package:
    """One package; `needs` are the names of those that it needs itself."""

    name: str
    version: str
    licence: str
    needs: tuple[str, ...]


def carried() -> list[Package]:
    """Return every package that `pip install ece-widget[postgres,shared]` brings to this platform."""
    wanted = [requirement for text in _our_requirements() if _applies(requirement := Requirement(text), ())]
    found: dict[str, Package] = {}
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        about = metadata.distribution(name)
        needed = [
            each for text in about.requires or () if _applies(each := Requirement(text), tuple(requirement.extras))
        ]
        if name not in found:
            needs = tuple(sorted({canonicalize_name(each.name) for each in needed}))
            found[name] = Package(name, about.version, licence_of(about), needs)
            wanted += needed
        elif new := [each for each in needed if canonicalize_name(each.name) not in found[name].needs]:
            needs = tuple(
                sorted({*map(canonicalize_name, found[name].needs), *(canonicalize_name(each.name) for each in new)})
            )
            found[name] = Package(name, about.version, found[name].licence, needs)
            wanted += new
    return sorted(found.values(), key=lambda package: package.name)


def licence_of(about: metadata.Distribution) -> str:
    """Return the licence as SPDX spells it, from the expression, the classifiers or free text; "" when none says."""
    if expression := about.metadata["License-Expression"]:
        return str(expression)
    listed = [
        name.rpartition(" :: ")[2]
        for name in about.metadata.get_all("Classifier") or ()
        if name.startswith("License :: ") and name != "License :: OSI Approved"
    ]
    words = listed or [str(about.metadata["License"] or "").strip().partition("\n")[0]]
    named = " AND ".join(sorted({_SPDX.get(word, word) for word in words}))
    return named or _READ_BY_US.get(canonicalize_name(about.metadata["Name"]), "")


def locked() -> Iterator[tuple[str, str, str]]:
    """Yield name, version and marker of each line of the lock file."""
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([\w.\[\]-]+)==([\w.!+]+)(?: ; ([^\\]+?))?(?: \\)?$", line):
            yield match[1], match[2], match[3] or ""


def _our_requirements() -> list[str]:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*table["dependencies"], *(each for extra in EXTRAS for each in table["optional-dependencies"][extra])]


def _applies(requirement: Requirement, extras: tuple[str, ...]) -> bool:
    marker: Marker | None = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, ""))


def runtime_lock() -> str:
    """Return the part of the lock file that the product needs to run, without what only builds and tests it."""
    wanted = {package.name for package in carried()}
    text = LOCK.read_text(encoding="utf-8")
    blocks = re.findall(r"^\S+==.*(?:\n    --hash=.*)+\n", text, re.MULTILINE)
    return "".join(block for block in blocks if canonicalize_name(block.partition("==")[0]) in wanted)


if __name__ == "__main__":
    if sys.argv[1:] == ["--lock"]:
        sys.stdout.write(runtime_lock())
    else:
        for each in carried():
            sys.stdout.write(f"{each.name} {each.version}: {each.licence}\n")
