"""Read the settings file as a table; where that fails, say what would be right, not what a library calls it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from widget.settings.faults import Fault, SettingsFaults

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_WIDEST = 1000  # bits of a number: no setting needs more than 63, and neither `str` nor `float` takes any number
_LINE = re.compile(r"\(at line ([0-9]+)")
_TWICE = re.compile(r"Cannot (?:overwrite|declare|mutate|redefine)|Duplicate inline table key")


def read_table(file: Path) -> dict[str, Any]:
    """Return what the file says. Raise SettingsFaults."""
    try:
        table = tomllib.loads(_text(file))
    except FileNotFoundError:
        raise _unusable(file, "does not exist; `ece-widget init` writes a starter") from None
    except OSError as error:
        raise _unusable(file, f"cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise _unusable(file, f"is not TOML: {_in_words(str(error))}") from None
    except RecursionError:
        raise _unusable(file, "is not TOML: nested too deep") from None
    except ValueError as error:  # a name with a NUL, or a number that Python does not read
        words = "is not TOML: a number in it has thousands of digits" if "digits" in str(error) else "cannot be read"
        raise _unusable(file, words) from None
    if wide := [
        Fault(".".join(place), "", "a shorter number; this one has hundreds of digits") for place in _wide(table)
    ]:
        raise SettingsFaults(str(file), wide)
    return table


def _text(file: Path) -> str:
    content = file.read_bytes()
    if content.startswith(_UTF_16) or b"\0" in content[:4]:
        raise _unusable(file, "is not TOML, which is UTF-8; this looks like UTF-16: save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unusable(file, f"is not TOML, which is UTF-8: line {line} has other bytes; save it as UTF-8") from None


def _unusable(file: Path, words: str) -> SettingsFaults:
    return SettingsFaults(str(file), [Fault("the file", "", words)])


def _in_words(message: str) -> str:
    if not _TWICE.match(message):
        return message
    line = _LINE.search(message)
    where = f"in line {line[1]}" if line else "in its last line"
    return f"{where} a key or section is written that stands further up already; keep one of the two"


def _wide(node: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Return the place of each number that is too long to be written in a message."""
    if isinstance(node, int) and node.bit_length() > _WIDEST:
        yield place
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, inner in parts:
        yield from _wide(inner, (*place, str(key)))
