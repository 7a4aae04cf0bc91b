"""`ece-widget serve`: the web server, with the survey delivery loop inside."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from widget import settings
from widget.commands.moments import seconds
from widget.commands.options import config_option, load_settings
from widget.commands.terminal import fail


def _seconds_or_zero(text: str) -> float:
    return 0.0 if text.strip() in ("0", "0s") else seconds(text)


@click.command()
@config_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="The port to listen on.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes that serve.")
@click.option(
    "--drain",
    default="0",
    show_default=True,
    metavar="SECONDS",
    type=_seconds_or_zero,
    help="Before a stop, for how long /readyz answers 503 while the rest is served as before.",
)
@click.option("--no-delivery", is_flag=True, help="Leave delivering surveys to `ece-widget deliver`.")
@click.option("--reload", is_flag=True, help="Show changed templates, texts and code at once; for designers.")
def serve(
    config: Path | None, host: str, port: int, workers: int, drain: float, no_delivery: bool, reload: bool
) -> None:
    """Serve the button, the chat address and the surveys."""
    if not host.strip():  # which a socket takes for every address there is
        fail("--host is empty; name an address, as 127.0.0.1, or 0.0.0.0 for every one of IPv4.", code=2)
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
            drain=drain,
        )
    )
