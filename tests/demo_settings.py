"""The demo's settings, for tests that use its entry points and surveys and start none of its servers."""

from __future__ import annotations

from pathlib import Path

from widget.demo.settings import demo_settings
from widget.settings import Settings


def demo_in(folder: Path) -> Settings:
    """Return the settings of a demo that keeps in `folder` what it keeps."""
    origin = "http://localhost"
    return demo_settings(
        widget_url=origin,
        simulator_url=origin,
        site_url=origin,
        mail_port=25,
        folder=folder,
        secret="a-secret-for-tests-that-is-long-enough",
        operator_token="operator-token-for-tests",
    )
