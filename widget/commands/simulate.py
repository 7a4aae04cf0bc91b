"""`ece-widget simulate`: the ECE simulator alone."""

from __future__ import annotations

import sys

import click

from widget.commands.terminal import fail


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8100, show_default=True, type=click.IntRange(1, 65535), help="The port to listen on.")
@click.option(
    "--widget-url",
    default="http://127.0.0.1:8000",
    show_default=True,
    help="The widget server, to which its chat page goes for the survey.",
)
@click.option("--seed", type=int, help="The same seed gives the same queue again.")
def simulate(host: str, port: int, widget_url: str, seed: int | None) -> None:
    """Start a stand-in for ECE: six calls, a queue that lives, faults by hand, a chat page."""
    from widget.server.ports import PortTaken, listen, take_port
    from widget.simulator import create_simulator
    from widget.simulator.server import (
        ResettableProtocol,
        ServerThread,
        make_server,
        run_until_stopped,
        stopped_by_signals,
    )

    try:
        listener = take_port(host, port, option="--port", host_option="--host")
        listen(listener)
    except PortTaken as taken:
        fail(str(taken))
    app = create_simulator(widget_url=widget_url, seed=seed)
    server = ServerThread(make_server(app, http=ResettableProtocol), listener)
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    started = f"The ECE simulator: {address}/   (base_url {address}/system; Ctrl-C stops it)"
    with listener, stopped_by_signals() as stop:
        sys.exit(run_until_stopped([server], stop, started=lambda: click.echo(started)))
