"""Read the folders of themes into memory, once: afterwards no name that a visitor sends can reach the file system."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from widget.themes.faults import ThemeFault

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
LARGEST = 256 * 1024
DESIGN_FILE = "theme.toml"
RESERVED = frozenset({"locales"})  # the operator's catalogs lie beside the themes

_FILE = re.compile(r"(?:[a-z0-9_][a-z0-9_-]*/){0,2}[a-z0-9_][a-z0-9_-]*\.(?:html|css|svg|toml)")


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
        """Give the file's path inside the themes directory, which is short enough for a log."""
        return f"{'shipped:' if self.owner == 'shipped' else ''}{self.theme}/{file}"


def read_layers(directory: Path, owner: Literal["operator", "shipped"]) -> tuple[dict[str, Layer], list[ThemeFault]]:
    """Read every theme in a directory; a directory that is not there has none."""
    layers: dict[str, Layer] = {}
    faults = [
        ThemeFault(str(each), "lies in no theme's folder", "move it into one, as default/")
        for each in _stray(directory)
    ]
    for folder in _subfolders(directory):
        if folder.name in RESERVED:
            continue
        if not NAME.fullmatch(folder.name):
            faults.append(
                ThemeFault(str(folder), "is no name for a theme", "small letters, digits, - and _, 64 at most")
            )
            continue
        files: dict[str, str] = {}
        others: list[str] = []
        for name, path in _files(folder):
            if not _FILE.fullmatch(name):
                others.append(name)
                continue
            try:
                files[name] = _text(path)
            except (OSError, ValueError) as error:
                faults.append(ThemeFault(str(path), f"cannot be read: {error}"))
        layers[folder.name] = Layer(owner, folder.name, folder, files, tuple(others))
    return layers, faults


def _stray(directory: Path) -> list[Path]:
    if not directory.is_dir():
        return []
    return sorted(each for each in directory.iterdir() if each.suffix in (".html", ".css") or each.name == DESIGN_FILE)


def _subfolders(directory: Path) -> list[Path]:
    if not directory.is_dir():
        return []
    return sorted(each for each in directory.iterdir() if each.is_dir() and not each.name.startswith("."))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file():
            yield name, path


def _text(path: Path) -> str:
    if path.stat().st_size > LARGEST:
        raise ValueError(f"is larger than {LARGEST // 1024} KiB")
    return path.read_bytes().decode("utf-8-sig")
