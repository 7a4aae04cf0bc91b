"""`ece-widget demo`: what `make demo` starts."""

from __future__ import annotations

import sys
from functools import partial

import click

_port = click.IntRange(1, 65535)


@click.command()
@click.option("--port", default=8000, show_default=True, type=_port, help="The widget server's port.")
@click.option("--simulator-port", default=8100, show_default=True, type=_port, help="The ECE simulator's port.")
@click.option("--site-port", default=8080, show_default=True, type=_port, help="The sample site's port.")
def demo(port: int, simulator_port: int, site_port: int) -> None:
    """Start an ECE simulator, the widget server and a sample site, all on this machine only."""
    from widget.demo.run import Ports, run

    ports = Ports(widget=port, simulator=simulator_port, site=site_port)
    sys.exit(run(ports, say=click.echo, complain=partial(click.echo, err=True)))
