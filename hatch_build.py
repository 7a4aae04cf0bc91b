"""Build the snippet's small copy whenever the package is built, for editable installs too (run by hatchling)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SnippetBuildHook(BuildHookInterface[Any]):
    """Write `static/build/` before the files of the wheel are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        sys.path.insert(0, str(root))  # the package is not installed yet
        try:
            from widget.snippet.build import write_build

            write_build(root / "static")
        finally:
            sys.path.remove(str(root))
