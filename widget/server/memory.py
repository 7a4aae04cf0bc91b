"""Keep the search for garbage away from what stays as long as the process.

A full collection looks at every object, some 120,000 once the application is built, and holds the event loop for 40 ms
while it does: all visitors wait. So what was built is set aside for good, and a collection looks at what came since.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Look for no garbage while a command is imported and built, or until `set_aside`: there is next to none."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def set_aside() -> None:
    """Look no more at what there is now, and begin to look for garbage."""
    gc.freeze()
    gc.enable()


def drop_replaced() -> None:
    """Collect an application that another has replaced, which may have been set aside, and set aside the other."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
