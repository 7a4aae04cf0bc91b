"""`ece-widget init`: a commented starter with a fresh secret."""

from __future__ import annotations

import os
import secrets
from importlib import resources
from pathlib import Path

import click

from widget import settings
from widget.commands.options import config_option
from widget.commands.terminal import fail


@click.command()
@config_option
def init(config: Path | None) -> None:
    """Write a commented starter ece-widget.toml with a fresh secret; never overwrite."""
    file = config or settings.default_file()
    try:
        # Created and refused in one step, and readable by its owner alone from the first moment: it holds a secret.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        fail(f"{file} is there already; nothing was written")
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(starter())
    except OSError as error:
        file.unlink(missing_ok=True)  # half a file would be in the way of the next try
        fail(f"{file} cannot be written: {error.strerror}")
    click.echo(f"Wrote {file}. Fill in the lines marked with <-, then run: ece-widget check")


def starter() -> str:
    """Return the starter's text with a secret and an operator token that nobody had before."""
    text = resources.files("widget.commands").joinpath("starter.toml").read_text(encoding="utf-8")
    return text.replace("@SECRET@", secrets.token_urlsafe(48)).replace("@TOKEN@", secrets.token_urlsafe(32))
