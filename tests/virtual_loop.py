"""An event loop whose time jumps to the next timer: hours of schedule in milliseconds, the same each time."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any


class _Leaping(selectors.SelectSelector):
    """Never waits; tells the loop to leap ahead instead."""

    def __init__(self) -> None:
        super().__init__()
        self.leap: float = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing is due any more: the test waits for something that never happens")
        self.leap += max(timeout, 0.0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` is virtual and starts at 1000 seconds."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return 1000.0 + self._leaping.leap


def run(main: Any) -> Any:
    """Run a coroutine to its end in virtual time; fails when it leaves tasks behind."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:

        async def whole() -> Any:
            result = await main
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, f"left running: {left}"
            return result

        return runner.run(whole())
