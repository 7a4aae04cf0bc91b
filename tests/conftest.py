"""Fixtures for all tests: a clean environment, a blocked event loop as an error, and settings that hold."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from widget import settings, telemetry

# A busy machine is no fault of the code: there the first text alone takes seconds, for a table of characters.
hypothesis.settings.register_profile("suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _no_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in list(os.environ):
        if variable.startswith("ECE_WIDGET_"):
            monkeypatch.delenv(variable)


@pytest.fixture(autouse=True)
def _blocked_event_loop_is_an_error() -> Iterator[BlockBuster]:
    with blockbuster_ctx("widget") as blockbuster:
        # Coverage takes a lock of its own when a thread meets a new file: the measuring blocks, not the product.
        blockbuster.functions["threading.Lock.acquire"].can_block_in("coverage/collector.py", {"lock_data"})
        # The first moments after a start: a visitor who comes before a language's data was read waits for it, 3 ms.
        for reading in ("os.stat", "io.BufferedReader.read"):
            blockbuster.functions[reading].can_block_in(
                "babel/localedata.py", {"load", "exists", "resolve_locale_filename"}
            )
        yield blockbuster


@pytest.fixture(autouse=True)
def log_lines() -> Iterator[io.StringIO]:
    """What the product logs, as it logs it: JSON lines after redaction."""
    stream = io.StringIO()
    handlers = list(logging.getLogger().handlers)
    telemetry.configure("info", stream=stream)
    yield stream
    logging.getLogger().handlers = handlers


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def table(tmp_path: Path) -> dict[str, Any]:
    """A settings table as TOML gives it, with one entry point `sales`; change it, then call `settings.parse`."""
    (tmp_path / "themes").mkdir(exist_ok=True)
    return {
        "server": {"public_url": "https://chat.example.com", "allowed_origins": ["https://www.example.com"]},
        "security": {
            "secret_keys": ["a-secret-for-tests-that-is-long-enough"],
            "operator_tokens": ["operator-token-for-tests"],
        },
        "ece": {"base_url": "https://ece.example.com/system"},
        "entry_points": {
            "sales": {
                "id": 1001,
                "chat_url": "https://ece.example.com/system/templates/chat/aqua/index.html"
                "?entryPointId={id}&locale={locale}&ticket={ticket}",
            }
        },
        "storage": {"url": f"sqlite:///{tmp_path}/outbox.db"},
        "themes": {"directory": str(tmp_path / "themes")},
    }


@pytest.fixture
def configured(table: dict[str, Any]) -> settings.Settings:
    return settings.parse(table)
