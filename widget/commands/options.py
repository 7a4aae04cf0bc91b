"""What several commands share: `--config`, `--json`, and one clear line for settings or a port that cannot be used."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from widget import settings

config_option: Callable[[Any], Any] = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The settings; default ece-widget.toml here, or ECE_WIDGET_CONFIG.",
)
json_option: Callable[[Any], Any] = click.option("--json", "as_json", is_flag=True, help="Print JSON, not a table.")


def load_settings(config: Path | None) -> settings.Settings:
    """Read the settings, or print every fault and leave with exit code 2."""
    try:
        return settings.load(config or settings.default_file())
    except settings.SettingsFaults as faults:
        click.echo(str(faults), err=True)
        sys.exit(2)


def leave_if_taken(host: str, port: int, option: str) -> None:
    """Leave with exit code 1 and one line that names the port, when nobody can listen there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        reason = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        click.echo(f"Port {port} on {host} {reason}; choose another with {option}", err=True)
        sys.exit(1)
