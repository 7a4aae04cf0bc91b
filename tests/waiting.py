"""Wait until another task, thread or process has done something; the limits guard against hangs and measure nothing."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

PATIENCE = 120.0  # seconds

T = TypeVar("T")


async def until(condition: Callable[[], bool | Awaitable[bool]], *, seconds: float = PATIENCE) -> None:
    """Wait on the event loop until the condition holds."""
    async with asyncio.timeout(seconds):
        while True:
            met = condition()
            if await met if inspect.isawaitable(met) else met:
                return
            await asyncio.sleep(0.005)


def wait_until(condition: Callable[[], T], what: str, log: Path | None = None, *, seconds: float = PATIENCE) -> T:
    """Return the first true outcome of the condition; a failure shows the end of the log."""
    limit = time.monotonic() + seconds
    while not (outcome := condition()):
        if time.monotonic() > limit:
            said = log.read_text(errors="replace")[-3000:] if log is not None and log.exists() else ""
            raise AssertionError(f"waited in vain: {what}\n{said}")
        time.sleep(0.01)
    return outcome
