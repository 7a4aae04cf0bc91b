"""Versions of the shipped templates: an override made from an older one is named, with what has changed since.

Each shipped template starts with `{# ece-widget launcher.html version 1 #}`; a copy keeps that line, and so says
what it was made from. What changed with each version stands in `templates/changes.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from widget.themes.folders import Layer, ThemeRemark

CHANGES_FILE = "changes.toml"
Changes = Mapping[str, Mapping[int, str]]

_LINE = re.compile(r"\{#-? *ece-widget +([a-z0-9_./-]+) +version +([0-9]{1,6})\b[^#]*#\}")


def version_of(source: str) -> int | None:
    """Read the version a template says it is, or was made from."""
    match = _LINE.search(source)
    return int(match[2]) if match else None


def read_changes(shipped: Path) -> Changes:
    """Read what changed: `{"launcher.html": {2: "…"}}`."""
    raw = tomllib.loads((shipped / CHANGES_FILE).read_text(encoding="utf-8"))
    return {name: {int(version): str(what) for version, what in table.items()} for name, table in raw.items()}


def outdated(layer: Layer, file: str, replaced: Layer, changes: Changes) -> list[ThemeRemark]:
    """Compare an override with the shipped template it replaces."""
    current = version_of(replaced.files[file])
    if current is None:
        return []
    made_from = version_of(layer.files[file])
    where = layer.where(file)
    if made_from is None:
        return [
            ThemeRemark(
                where,
                "does not say which version of our template it was made from",
                f"add the line {{# ece-widget {file} version {current} #}} when it fits version {current}",
            )
        ]
    if made_from >= current:
        return []
    news = changes.get(file, {})
    what = " ".join(f"Version {each}: {news[each]}" for each in sorted(news) if made_from < each <= current)
    return [
        ThemeRemark(
            where,
            f"was made for version {made_from}; ours is version {current}. {what}".rstrip(),
            f"look at {replaced.where(file)}, then write version {current} into the first line",
        )
    ]
