"""Read the settings: TOML file, then what `environment.py` lays over it, then checks that find every fault at once.

Why not a settings library's sources: they stop at the first bad value and pass over unknown variables; here every
fault of every source stands in one list, and a misspelt variable is a fault too.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from widget.settings.addresses import SQLITE
from widget.settings.environment import Overlay, lay_over
from widget.settings.faults import SettingsFaults, in_words, origin_of
from widget.settings.model import Settings, StorageSettings, ThemesSettings
from widget.settings.near_misses import did_you_mean
from widget.settings.raw import table_at
from widget.settings.reading import read_table
from widget.settings.rules import broken_rules


def default_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the file read when none is named: `ECE_WIDGET_CONFIG`, else `ece-widget.toml` here."""
    return Path(environ.get("ECE_WIDGET_CONFIG") or "ece-widget.toml")


def load(file: Path, environ: Mapping[str, str] = os.environ, *, new_themes: bool = False) -> Settings:
    """Read and check the settings of `file` with the environment over it; raise SettingsFaults with all faults.

    `new_themes`: the themes directory is about to be made, so it may be missing.
    """
    return parse(
        read_table(file), environ=environ, directory=file.absolute().parent, source=str(file), new_themes=new_themes
    )


def parse(
    raw: dict[str, Any],
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    source: str = "settings",
    new_themes: bool = False,
) -> Settings:
    """Check a table as read from TOML; relative paths start at `directory`. Raise SettingsFaults with all faults."""
    overlay = Overlay(copy.deepcopy(raw), directory or Path())
    lay_over(overlay, environ or {})
    start_paths_at(overlay.directory, overlay.table)
    faults, settings = overlay.faults, None
    try:
        settings = Settings.model_validate(overlay.table)
    except ValidationError as error:
        faults += in_words(error.errors(include_url=False), overlay.table, overlay.origins, did_you_mean=did_you_mean)
    faults += (
        replace(fault, variable=origin_of(fault.key.split("."), overlay.origins))
        for fault in broken_rules(overlay.table, overlay.directory, new_themes=new_themes)
    )
    if faults or settings is None:
        raise SettingsFaults(source, list(dict.fromkeys(faults)))
    return settings


def start_paths_at(directory: Path, table: dict[str, Any]) -> None:
    """Make relative paths start at the folder of the settings file, defaults and SQLite's file too.

    A service manager's working directory is `/`: an outbox that moves with it would look empty.
    """
    defaults = {
        ("themes", "directory"): str(ThemesSettings().directory),
        ("storage", "url"): StorageSettings().url.get_secret_value(),
    }
    for (section, key), default in defaults.items():
        if isinstance(inner := table.setdefault(section, {}), dict):
            inner.setdefault(key, default)
    webhooks = table_at(table, "webhooks")
    for holder, key in (
        *((table_at(table, "ece"), key) for key in ("ca_file", "client_cert", "client_key")),
        (table_at(table, "smtp"), "ca_file"),
        *((table_at(webhooks, name), "ca_file") for name in webhooks),
        (table_at(table, "themes"), "directory"),
    ):
        if isinstance(holder.get(key), str) and holder[key]:
            holder[key] = str(directory / holder[key])
    storage = table_at(table, "storage")
    url = str(storage.get("url"))
    if url.startswith(SQLITE) and url.removeprefix(SQLITE).strip("/") not in ("", ":memory:"):
        storage["url"] = f"{SQLITE}{directory / url.removeprefix(SQLITE)}"
