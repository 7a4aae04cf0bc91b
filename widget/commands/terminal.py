"""What commands print for a person: tables, and a sentence with exit code 1."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from rich.console import Console

WIDTH, WIDE = 120, 160  # of a table in a pipe or a file, where nobody can say how wide it is


def console(width: int = WIDTH) -> Console:
    """Return what prints tables on standard output: as wide as the terminal, or `width` where there is none."""
    from rich.console import Console  # late: `serve` prints no table

    return Console(width=None if sys.stdout.isatty() else width, highlight=False)


def fail(sentence: str, *, code: int = 1) -> NoReturn:
    """End the command with a sentence on standard error and an exit code."""
    click.echo(sentence, err=True)
    sys.exit(code)
