"""Signals from a command's first moment on: one that comes while it still starts is neither lost nor deadly.

SIGHUP asks for the settings to be read again, but its default action ends a process, and a service manager takes that
for a clean end. So the kernel keeps it until there is somebody to heed it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Set
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)
HANGING_UP = signal.SIGHUP

Handler = Callable[[int, FrameType | None], None]


@contextlib.contextmanager
def from_the_start() -> Iterator[None]:
    """While a command starts: keep SIGHUP for later, and let SIGINT and SIGTERM end it at once with exit code 0."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with _handling(dict.fromkeys(STOPPING, _leave), keeping={HANGING_UP}):
        yield


@contextlib.contextmanager
def heeded(handlers: Mapping[signal.Signals, Handler]) -> Iterator[None]:
    """Heed these signals, also those that came before and were kept."""
    with _handling(handlers):
        yield


@contextlib.contextmanager
def kept_for_a_child() -> Iterator[None]:
    """Let a process that is started in here begin with all of these signals kept, until it says what to do."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {HANGING_UP, *STOPPING})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextlib.contextmanager
def _handling(
    handlers: Mapping[signal.Signals, Handler], *, keeping: Set[signal.Signals] = frozenset()
) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, keeping)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)  # a process may be born with them blocked
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(_: int, __: FrameType | None) -> None:
    # Not by an exception: raised inside an import's callback it would be printed and forgotten. Nothing runs yet that
    # would have to be closed.
    os._exit(0)
