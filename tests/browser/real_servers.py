"""Real servers for browser tests: the product, ECE's simulator and the sample site, each on an origin of its own."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.serving import serving
from widget.app import create_app
from widget.demo.settings import demo_settings
from widget.demo.site import create_site
from widget.simulator import create_simulator

TOKEN = "operator-token-for-tests"
FRESH_FOR, STALE_FOR = 0.3, 1.0  # seconds, so that a test does not wait for a snapshot to age


@dataclass(frozen=True)
class RealServers:
    """The three origins."""

    widget: str
    simulator: str
    site: str

    def tell(self, path: str, body: dict[str, Any]) -> None:
        """Use the simulator's controls."""
        request = urllib.request.Request(
            self.simulator + path, json.dumps(body).encode(), {"content-type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=30).close()

    def surveys(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(self.simulator + "/control/surveys", timeout=30) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found

    def state(self, entry_point: str) -> str:
        """Return the state that the widget server answers."""
        with urllib.request.urlopen(f"{self.widget}/v1/status/{entry_point}", timeout=30) as answer:
            return str(json.load(answer)["state"])


@contextmanager
def serve_all(folder: Path) -> Iterator[RealServers]:
    """Start the three servers; what is kept goes into `folder`."""
    port = free_port()
    widget = f"http://127.0.0.1:{port}"
    with (
        socket.create_server(("127.0.0.1", 0)) as mail,
        serving(create_simulator(widget_url=widget)) as simulator,
        serving(create_site(widget, simulator_url=simulator, mail=mail)) as site,
    ):
        usual = demo_settings(
            widget_url=widget,
            simulator_url=simulator,
            site_url=site,
            mail_port=mail.getsockname()[1],
            folder=folder,
            secret="a secret of this test's own",
            operator_token=TOKEN,
        )
        quick = usual.model_copy(
            update={"ece": usual.ece.model_copy(update={"fresh_for": FRESH_FOR, "stale_for": STALE_FOR})}
        )
        with serving(create_app(quick, preview=True), port=port):
            yield RealServers(widget, simulator, site)
