"""`ece-widget snippet ENTRY_POINT`: the script tag to paste."""

from __future__ import annotations

import json
from pathlib import Path

import click

from widget.assets import asset_folder
from widget.commands.options import config_option, json_option, load_settings
from widget.commands.terminal import fail
from widget.snippet import build as scripts


@click.command()
@click.argument("entry_point")
@config_option
@json_option
def snippet(entry_point: str, config: Path | None, as_json: bool) -> None:
    """Print the tag that puts ENTRY_POINT's button on a page, with and without the integrity hash."""
    settings = load_settings(config)
    if entry_point not in settings.entry_points:
        known = ", ".join(settings.entry_points) or "none"
        fail(f"{entry_point[:80]!r} is no entry point of these settings; configured: {known}", code=2)
    copy = scripts.current(asset_folder("static"))
    origin = settings.server.public_url
    always = f'<script async src="{origin}/widget.js" data-entry-point="{entry_point}"></script>'
    pinned = (
        f'<script async src="{origin}/{copy.name}" integrity="{copy.integrity}" crossorigin="anonymous" '
        f'data-entry-point="{entry_point}"></script>'
    )
    if as_json:
        click.echo(json.dumps({"entryPoint": entry_point, "tag": always, "pinnedTag": pinned}, indent=2))
        return
    click.echo(
        f"Always the latest:\n\n  {always}\n\nThis very version, for good, checked by the browser:\n\n  {pinned}"
    )
