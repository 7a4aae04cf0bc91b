"""`ece-widget settings`: every setting, its meaning, default and effective value, and where that comes from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from widget import settings as found
from widget.commands.options import config_option, json_option, print_json
from widget.commands.terminal import WIDE, console, fail
from widget.settings.effective import Effective, effective
from widget.settings.near_misses import did_you_mean


@click.command("settings")
@click.argument("key", required=False)
@config_option
@json_option
def settings(key: str | None, config: Path | None, as_json: bool) -> None:
    """Print the reference of all settings, or of KEY and what is below it.

    KEY is a place in the file, as server.public_url or entry_points.sales. A secret's value is never shown. Without a
    settings file the reference has no effective values.
    """
    file = config or found.default_file()
    try:
        rows = effective(file if config is not None or file.exists() else None)
    except found.SettingsFaults as faults:
        fail(str(faults), code=2)
    if key is not None:
        rows = [row for row in rows if row.is_at(key)]
        if not rows:
            hint = did_you_mean(key.split(".")) or "; `ece-widget settings` prints all that there are"
            raise click.UsageError(f"{key} is not a setting{hint}")
    if as_json:
        print_json([asdict(row) for row in rows], indent=2)
    else:
        _print(rows)


def _print(rows: list[Effective]) -> None:
    table = Table("setting", "value", "from", "default", "means", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, (row.key, row.value, row.origin, row.default, row.meaning.replace("`", ""))))
    console(WIDE).print(table)
