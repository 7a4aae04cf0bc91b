"""`ece-widget serve`: the web server, with the survey delivery loop inside."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from widget import settings
from widget.commands.options import config_option, load_settings


@click.command()
@config_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="The port to listen on.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes that serve.")
@click.option("--no-delivery", is_flag=True, help="Leave delivering surveys to `ece-widget deliver`.")
@click.option("--reload", is_flag=True, help="Show changed templates, texts and code at once; for designers.")
def serve(config: Path | None, host: str, port: int, workers: int, no_delivery: bool, reload: bool) -> None:
    """Serve the button, the chat address and the surveys."""
    if not host.strip():  # which a socket takes for every address there is
        click.echo("--host is empty; name an address, as 127.0.0.1, or 0.0.0.0 for every one of IPv4.", err=True)
        sys.exit(2)
    file = config or settings.default_file()
    found = load_settings(file)
    if reload and workers > 1:
        raise click.UsageError("--reload serves with one worker")
    from widget.server.run import serve as run

    sys.exit(
        run(
            found,
            host=host,
            port=port,
            workers=workers,
            delivery=not no_delivery,
            reload=reload,
            config=file,
            announce=lambda: _announce(found, host, port),
        )
    )


def _announce(found: settings.Settings, host: str, port: int) -> None:
    names = ", ".join(list(found.entry_points)[:5]) + (", …" if len(found.entry_points) > 5 else "")
    shown = f"[{host}]" if ":" in host else host
    click.echo(
        f"Serving {len(found.entry_points)} entry point{'s' if len(found.entry_points) > 1 else ''} ({names})"
        f" at http://{shown}:{port} for {found.server.public_url}; ECE at {found.ece.base_url}",
        err=True,
    )
    for warning in found.warnings():
        click.echo(f"Warning: {warning}", err=True)
