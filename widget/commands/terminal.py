"""What commands print for a person: tables, progress, and a sentence with exit code 1."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

WIDTH, WIDE = 120, 160  # of a table in a pipe or a file, where nobody can say how wide it is


def console(width: int = WIDTH) -> Console:
    """Return what prints tables on standard output: as wide as the terminal, or `width` where there is none."""
    return Console(width=None if sys.stdout.isatty() else width, highlight=False)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how far a command is while the block runs, on a terminal alone; yields what adds to it."""
    shown = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda number: bar.advance(task, number)


def fail(sentence: str, *, code: int = 1) -> NoReturn:
    """End the command with a sentence on standard error and an exit code."""
    click.echo(sentence, err=True)
    sys.exit(code)
