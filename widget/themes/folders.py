"""Read the folders of themes into memory, once: afterwards no name that a visitor sends can reach the file system.

`Layer` is what was read of a theme, `ThemeRemark` what is to be said of a file in it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from widget.domain.names import NAME

LARGEST = 256 * 1024
DESIGN_FILE = "theme.toml"
# What lies beside the themes: the operator's catalogs, and our pages for operators.
RESERVED = {"operator": frozenset({"locales"}), "shipped": frozenset({"console"})}

_FILE = re.compile(r"(?:[a-z0-9_][a-z0-9_-]*/){0,2}[a-z0-9_][a-z0-9_-]*\.(?:html|css|svg|toml)")


class ThemeRemark(NamedTuple):
    """A fault, of a file that is not used as written and that ours stands in for, or a warning, of one that is used."""

    file: str
    problem: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.problem.rstrip('.')}{'; ' + self.advice if self.advice else ''}"


@dataclass(frozen=True, slots=True)
class Layer:
    """The files of one theme from one owner, by their name inside the theme."""

    owner: Literal["operator", "shipped"]
    theme: str
    folder: Path
    files: Mapping[str, str] = field(repr=False)
    others: tuple[str, ...] = ()  # files with names that none of a theme has

    def where(self, file: str) -> str:
        return str(self.folder / file)

    def name(self, file: str) -> str:
        """Return the file's path inside the themes directory, which is short enough for a log."""
        return f"{'shipped:' if self.owner == 'shipped' else ''}{self.theme}/{file}"


def read_layers(directory: Path, owner: Literal["operator", "shipped"]) -> tuple[dict[str, Layer], list[ThemeRemark]]:
    """Read every theme in a directory; a directory that is not there has none."""
    layers: dict[str, Layer] = {}
    faults = [
        ThemeRemark(str(each), "lies in no theme's folder", "move it into one, as default/")
        for each in _stray(directory)
    ]
    for folder in _subfolders(directory, faults):
        if folder.name in RESERVED[owner]:
            continue
        if not re.fullmatch(NAME, folder.name):
            faults.append(
                ThemeRemark(str(folder), "is no name for a theme", "small letters, digits, - and _, 64 at most")
            )
            continue
        files: dict[str, str] = {}
        others: list[str] = []
        for name, path in _files(folder, faults):
            if not _FILE.fullmatch(name):
                others.append(name)
                continue
            try:
                files[name] = _text(path)
            except (OSError, ValueError) as error:
                faults.append(_unreadable(path, error))
        layers[folder.name] = Layer(owner, folder.name, folder, files, tuple(others))
    return layers, faults


def _stray(directory: Path) -> list[Path]:
    """Return what looks like a theme's file and lies beside the themes; `_subfolders` tells what cannot be read."""
    names = os.listdir(directory) if os.path.isdir(directory) and os.access(directory, os.R_OK) else []
    found = (directory / name for name in sorted(names))
    return [each for each in found if each.suffix in (".html", ".css") or each.name == DESIGN_FILE]


def _subfolders(directory: Path, faults: list[ThemeRemark]) -> list[Path]:
    if not os.path.isdir(directory):
        return []
    try:
        return sorted(each for each in directory.iterdir() if each.is_dir() and not each.name.startswith("."))
    except OSError as error:
        faults.append(_unreadable(directory, error))
        return []


def _files(folder: Path, faults: list[ThemeRemark]) -> list[tuple[str, Path]]:
    def note(error: OSError) -> None:
        faults.append(_unreadable(Path(error.filename), error))

    paths = [Path(place) / name for place, _, names in os.walk(folder, onerror=note) for name in names]
    return sorted((path.relative_to(folder).as_posix(), path) for path in paths)


def _unreadable(path: Path, error: OSError | ValueError) -> ThemeRemark:
    return ThemeRemark(str(path), f"cannot be read: {(isinstance(error, OSError) and error.strerror) or error}")


def _text(path: Path) -> str:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("is no file")
    if found.st_size > LARGEST:
        raise ValueError(f"is larger than {LARGEST // 1024} KiB")
    return path.read_bytes().decode("utf-8-sig")
