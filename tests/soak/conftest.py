"""The same databases as in tests/store."""

from __future__ import annotations

from tests.store.conftest import cluster, url

__all__ = ["cluster", "url"]
