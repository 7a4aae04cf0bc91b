"""Run a command without a right of root's, which containers and build machines often are."""

from __future__ import annotations

import os
import subprocess

import pytest


def without(*rights: str) -> list[str]:
    """Return what to put before a command; skips the test where root cannot give rights up."""
    if os.geteuid() != 0:
        return []
    command = ["setpriv", "--bounding-set=" + ",".join(f"-{right}" for right in rights)]
    try:
        subprocess.run([*command, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("root cannot give up its rights here")
    return command
