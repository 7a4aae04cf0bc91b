"""Rows of the outbox as files: CSV that a spreadsheet does not execute, and JSON Lines."""

from __future__ import annotations

import codecs
import csv
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from widget.commands.moments import shown
from widget.commands.new_file import new_file
from widget.domain.outbox import OutboxRow
from widget.domain.spreadsheet import cell

Write = Callable[[OutboxRow], None]

_ABOUT = (
    "id",
    "state",
    "kind",
    "destination",
    "chat",
    "entryPoint",
    "survey",
    "acceptedAt",
    "settledAt",
    "attempts",
    "reason",
)
_COLUMNS = (*_ABOUT, "questionId", "question", "answer")


def as_json_object(row: OutboxRow, *, answers: bool = True) -> dict[str, Any]:
    """Return a row as JSON has it; `chat` is a fingerprint of the session id, or of the address of a message."""
    about: dict[str, Any] = {
        "id": row.id,
        "state": row.state.value,
        "kind": row.kind,
        "destination": row.destination,
        "chat": row.fingerprint or None,
        "entryPoint": row.entry_point,
        "survey": row.survey,
        "acceptedAt": shown(row.accepted_at),
        "nextAttemptAt": shown(row.next_attempt_at),
        "settledAt": shown(row.settled_at),
        "attempts": row.attempts,
        "reason": row.reason,
        "possibleDoubles": row.possible_doubles,
    }
    if answers:
        about["answers"] = [
            {"questionId": each.question_id, "question": each.question, "answer": each.answer}
            for each in row.answers or ()
        ]
    return about


def csv_lines(stream: TextIO) -> Write:
    """Write a heading; return what writes a line for each answer of a row, and one for a row that cannot be read."""
    writer = csv.writer(stream, lineterminator="\r\n")  # RFC 4180
    writer.writerow(_COLUMNS)

    def write(row: OutboxRow) -> None:
        values = as_json_object(row, answers=False)
        about = [cell(values[name]) for name in _ABOUT]
        for answer in row.answers or ():
            writer.writerow([*about, *map(cell, (answer.question_id, answer.question, answer.answer))])
        if row.faults and row.answers is None:
            writer.writerow([*about, "", "", ""])  # `reason` says why there are no answers

    return write


def json_lines(stream: TextIO) -> Write:
    """Return what writes a JSON object on a line of its own for each row."""

    def write(row: OutboxRow) -> None:
        stream.write(json.dumps(as_json_object(row), ensure_ascii=False) + "\n")

    return write


FORMATS: dict[str, Callable[[TextIO], Write]] = {"csv": csv_lines, "jsonl": json_lines}


@contextmanager
def opened(output: Path | None) -> Iterator[Any]:
    """Open a new file for an export, or standard output."""
    if is_standard(output):
        yield codecs.getwriter("utf-8")(sys.stdout.buffer, "replace")
        sys.stdout.flush()
        return
    assert output is not None
    with new_file(output) as stream:
        yield stream


def is_standard(output: Path | None) -> bool:
    """Return whether an export goes to standard output."""
    return output is None or str(output) == "-"


def printable(text: str) -> str:
    """Return text for a terminal: what would steer it, or turn the reading order around, is spelled out."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\u{ord(char):04x}" for char in text)
