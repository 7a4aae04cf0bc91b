"""What several commands share: `--config`, `--json`, a typed sid, and one message for settings that cannot be used."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from widget import settings
from widget.commands.streams import can_write
from widget.commands.terminal import fail

config_option: Callable[[Any], Any] = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The settings; default ece-widget.toml here, or ECE_WIDGET_CONFIG.",
)
json_option: Callable[[Any], Any] = click.option("--json", "as_json", is_flag=True, help="Print JSON, not a table.")


def load_settings(config: Path | None, *, new_themes: bool = False) -> settings.Settings:
    """Read the settings, or print every fault and leave with exit code 2."""
    try:
        return settings.load(config or settings.default_file(), new_themes=new_themes)
    except settings.SettingsFaults as faults:
        fail(str(faults), code=2)


def print_json(value: Any, *, indent: int | None = None) -> None:
    """Print JSON for people to read, or with every other character spelled out where the output cannot have it."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    click.echo(text if can_write(text) else json.dumps(value, indent=indent))


def typed_sid(longest: int) -> str:
    """Read a session id from standard input, where no process list shows it."""
    # four bytes a character at most, and a line end; more cannot be a session id
    return sys.stdin.buffer.read(longest * 4 + 3).decode("utf-8", "replace").rstrip("\r\n")
