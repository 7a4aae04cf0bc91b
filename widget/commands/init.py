"""`ece-widget init`: a commented starter with a fresh secret."""

from __future__ import annotations

import secrets
from importlib import resources
from pathlib import Path

import click

from widget import settings
from widget.commands.new_file import new_file
from widget.commands.options import config_option


@click.command()
@config_option
def init(config: Path | None) -> None:
    """Write a commented starter ece-widget.toml with a fresh secret; never overwrite."""
    file = config or settings.default_file()
    with new_file(file) as opened:
        opened.write(starter())
    click.echo(f"Wrote {file}. Fill in the lines marked with <-, then run: ece-widget check")


def starter() -> str:
    """Return the starter's text with a secret and an operator token that nobody had before."""
    text = resources.files("widget.commands").joinpath("starter.toml").read_text(encoding="utf-8")
    return text.replace("@SECRET@", secrets.token_urlsafe(48)).replace("@TOKEN@", secrets.token_urlsafe(32))
