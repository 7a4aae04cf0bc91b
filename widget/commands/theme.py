"""`theme new` copies what a designer needs; `theme check` says what is wrong with the themes there are."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click

from widget.commands.options import config_option, json_option, load_settings, print_json
from widget.commands.terminal import fail
from widget.domain.names import NAME
from widget.texts import Texts
from widget.themes import DEFAULT, Themes
from widget.themes.folders import DESIGN_FILE, RESERVED
from widget.web.designers.findings import findings
from widget.web.pages.pages import Pages

USUAL = (DESIGN_FILE, "launcher.html", "launcher.css", "page.css", "closed.html", "error.html")
_NOTE = (
    "A copy of ours, to change. Delete the files you leave as they are: they then come from us and follow upgrades.\n"
    '   To change a little only, keep the first line, then {{% extends "default:{file}" %}} and the blocks that differ.'
)


@click.group()
def theme() -> None:
    """Themes of your own: `new` starts one, `check` looks over all of them."""


@theme.command()
@click.argument("name")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--from", "source", default=None, help="The theme to copy; default NAME if we ship it, else default.")
@config_option
def new(name: str, files: tuple[str, ...], source: str | None, config: Path | None) -> None:
    """Copy templates into the themes directory as NAME, to be changed there.

    FILE is what to copy, as survey/form.html, also into a theme that is there; without one, the usual files are copied.
    All that can be replaced are named.
    """
    if not re.fullmatch(NAME, name) or name in RESERVED["operator"]:
        raise click.UsageError(f"{name!r} is no name for a theme: small letters, digits, - and _, 64 at most.")
    directory = load_settings(config, new_themes=True).themes.directory
    themes = Themes.load(directory)
    source = source or (name if name in themes.names else DEFAULT)
    if source not in themes.names:
        raise click.UsageError(f"there is no theme {source!r}; there are {', '.join(themes.names)}.")
    replaceable = [file for file in themes.files(source) if not file.startswith("preview")]
    for file in files:
        if file not in replaceable:
            raise click.UsageError(f"{source} has no file {file!r}; there are {', '.join(replaceable)}.")
    folder, wanted = directory / name, dict.fromkeys(files or USUAL)
    for path in [folder / file for file in files] or [folder]:
        if path.exists():
            fail(f"{path} is there already; nothing was written.")
    _copy(themes, source, wanted, folder)
    click.echo(f"{folder} is there, a copy of {source}: {', '.join(wanted)}.")
    others = ", ".join(file for file in replaceable if not (folder / file).exists())
    click.echo(f"What else can be replaced, by `ece-widget theme new {name} FILE`: {others}.")
    click.echo(f'Use it with theme = "{name}" in an entry point, or data-theme="{name}" on the script tag.')


def _copy(themes: Themes, source: str, files: Iterable[str], folder: Path) -> None:
    """Write the files, or none: half a theme would be in the way of the next try."""
    was_there, written = folder.exists(), list[Path]()
    try:
        for file in files:
            layer = next(each for each in themes.chains[source] if file in each.files)
            text = layer.files[file]
            written.append(folder / file)
            written[-1].parent.mkdir(parents=True, exist_ok=True)
            written[-1].write_text(
                _with_note(text, file) if file.endswith((".html", ".css")) else text, encoding="utf-8"
            )
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        if not was_there:
            shutil.rmtree(folder, ignore_errors=True)
        fail(f"{folder} cannot be written: {error.strerror}")


@theme.command()
@config_option
@json_option
def check(config: Path | None, as_json: bool) -> None:
    """Name overrides of older templates, markup that a strict policy blocks, and what else cannot be used."""
    settings = load_settings(config)
    directory = settings.themes.directory
    pages = Pages(settings, Themes.load(directory), Texts.load(directory), on_failure=lambda _: None)
    found = findings(pages, now=datetime.now(UTC))
    if as_json:
        print_json([each._asdict() for each in found], indent=2)
    else:
        for each in found:
            click.echo(f"{each.kind}: {each.words}")
        if not found:
            click.echo(
                f"Nothing to say about {directory}."
                if directory.is_dir()
                else f"{directory} does not exist; ours are used."
            )
    sys.exit(1 if found else 0)


def _with_note(text: str, file: str) -> str:
    """Put the note behind the version line, which stays the first."""
    first, newline, rest = text.partition("\n")
    return f"{first}{newline}{{# {_NOTE.format(file=file)} #}}\n{rest}"
