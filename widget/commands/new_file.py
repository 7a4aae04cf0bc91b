"""A file that a command writes: a new one or none, and nobody's but its owner's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from widget.commands.terminal import fail


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """Open a file that was not there, or end the command; nothing is left of one that cannot be written whole.

    Made and refused in one step, and readable by its owner alone from the first moment: it may hold secrets.
    """
    try:
        stream = open(path, "x", encoding="utf-8", errors="replace", newline="", opener=_for_its_owner_alone)  # noqa: SIM115 — closed below
    except FileExistsError:
        fail(f"{path} is there already; nothing was written")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")
    try:
        with stream:
            yield stream
    except BaseException as failed:
        path.unlink(missing_ok=True)  # half of it would pass for the whole, and be in the way of the next try
        if isinstance(failed, OSError):
            fail(f"{path} cannot be written: {failed.strerror}")
        raise


def _for_its_owner_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
