"""`ece-widget demo`: what `make demo` starts."""

from __future__ import annotations

import sys

import click

from widget.commands.terminal import fail

_port = click.IntRange(1, 65535)


@click.command()
@click.option("--port", default=8000, show_default=True, type=_port, help="The widget server's port.")
@click.option("--simulator-port", default=8100, show_default=True, type=_port, help="The ECE simulator's port.")
@click.option("--site-port", default=8080, show_default=True, type=_port, help="The sample site's port.")
def demo(port: int, simulator_port: int, site_port: int) -> None:
    """Start an ECE simulator, the widget server and a sample site, all on this machine only."""
    from widget.demo.run import run
    from widget.server.ports import PortTaken

    ports = {"widget": port, "simulator": simulator_port, "site": site_port}
    try:
        sys.exit(run(ports, say=click.echo))
    except PortTaken as taken:
        fail(str(taken))
