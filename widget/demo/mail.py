"""The company's mail server, as small as one can be: it takes every mail (RFC 5321) and gives it to whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing, suppress

LARGEST_MAIL = 1_000_000  # bytes
# What a client raises that leaves, or that sends more than this takes.
_LEFT = (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
_ANSWERS = {
    b"EHLO": b"250 alder-vale.example",
    b"HELO": b"250 alder-vale.example",
    b"MAIL": b"250 OK",
    b"RCPT": b"250 OK",
    b"RSET": b"250 OK",
    b"NOOP": b"250 OK",
    b"DATA": b"354 End with a dot alone",
    b"QUIT": b"221 Bye",
}


async def take_mails(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, take: Callable[[bytes], None]) -> None:
    """Talk with one client until it leaves; `take` gets each mail."""
    with closing(writer), suppress(*_LEFT):
        writer.write(b"220 alder-vale.example\r\n")
        while command := (await reader.readline())[:4].upper().strip():
            writer.write(_ANSWERS.get(command, b"502 Not here") + b"\r\n")
            if command == b"DATA":
                take(await _mail(reader))
                writer.write(b"250 Taken\r\n")
            await writer.drain()
            if command == b"QUIT":
                break


async def _mail(reader: asyncio.StreamReader) -> bytes:
    """Return what comes up to the dot alone. Raise ValueError for more than anybody writes by hand."""
    lines: list[bytes] = []
    size = 0
    while (line := await reader.readuntil(b"\n")) not in (b".\r\n", b".\n"):
        size += len(line)
        if size > LARGEST_MAIL:
            raise ValueError("too large")
        lines.append(line.removeprefix(b"."))
    return b"".join(lines)
