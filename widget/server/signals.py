"""Signals from a command's first moment on: one that comes while it still starts is neither lost nor the end of it.

SIGHUP asks for the settings to be read again, but its default action ends a process, and a service manager takes that
for a clean end. So the signal stays blocked until a handler is installed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Set
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)
RELOADING = signal.SIGHUP

Handler = Callable[[int, FrameType | None], None]


@contextlib.contextmanager
def from_the_start() -> Iterator[None]:
    """While a command starts: block SIGHUP, and have SIGINT and SIGTERM end it at once with exit code 0."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with handled(dict.fromkeys(STOPPING, _exit), blocking={RELOADING}):
        yield


@contextlib.contextmanager
def blocked_for_a_child() -> Iterator[None]:
    """Start a process in here: it begins with all of these signals blocked, until it installs its handlers."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {RELOADING, *STOPPING})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextlib.contextmanager
def handled(
    handlers: Mapping[signal.Signals, Handler], *, blocking: Set[signal.Signals] = frozenset()
) -> Iterator[None]:
    """Handle these signals, also those that came before and were blocked; hold back those of `blocking`."""
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, blocking)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)  # a process may start with them blocked
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(_: int, __: FrameType | None) -> None:
    # Not by an exception: raised inside an import's callback it would be printed and forgotten. Nothing runs yet that
    # would have to be closed.
    os._exit(0)
