"""What several commands share: `--config`, `--json`, and one clear message for settings that cannot be used."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from widget import settings

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
        click.echo(str(faults), err=True)
        sys.exit(2)
