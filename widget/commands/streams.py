"""Standard streams as an operator leaves them: closed, on a full disk, or unable to write every character."""

from __future__ import annotations

import errno
import io
import os
import sys

# What a write says, and a call that names no file: the commands tell themselves of every file that they write.
_OF_WRITING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
_STREAMS = (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w"))


def prepare() -> None:
    """Put something where a stream was closed, and let no character that an encoding lacks stop a command.

    A number left free would be taken by the next file that is opened, and what is printed would be written into it.
    Where the output was closed, nothing can be written, so that a command whose answer nobody gets does not succeed.
    """
    for name, flags, mode in _STREAMS:
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, flags), mode, encoding="utf-8"))  # noqa: SIM115 — for good
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def can_write(text: str) -> bool:
    """Return whether standard output has these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def in_words(error: OSError) -> str:
    """Return a sentence that says what could not be read or written."""
    reason = error.strerror or str(error)
    unbuffered = error.filename is None and error.errno in _OF_WRITING
    if _output_fails() or unbuffered:
        return f"Standard output cannot be written: {reason}."
    if error.filename is not None:
        return f"{os.fsdecode(error.filename)} cannot be used: {reason}."
    return f"The system refused something that is needed: {reason}."


def _output_fails() -> bool:
    """What could not be written is still waiting, so it fails again; then it is let go, or the exit would fail too."""
    try:
        sys.stdout.flush()
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), sys.stdout.fileno())
        return True
    return False
