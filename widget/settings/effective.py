"""What each setting is now, and where that comes from: the file, a variable, a file of secrets, or the default."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from widget.settings.environment import Overlay, lay_over
from widget.settings.faults import is_secret, origin_of
from widget.settings.reading import read_table
from widget.settings.reference import NOTHING, Setting, all_settings, attribute_of, shown
from widget.settings.sources import load

HIDDEN = "(set; not shown)"


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting. `key` is its place in the file, `reference` the same with NAME; a secret's `value` is not given."""

    key: str
    reference: str
    value: str
    origin: str
    default: str
    meaning: str

    def is_at(self, place: str) -> bool:
        """Return whether this is the setting at a place, or one below it."""
        return any(each == place or each.startswith(f"{place}.") for each in (self.key, self.reference))


def effective(file: Path | None) -> list[Effective]:
    """Return every setting; without a file, what the model alone says. Raise SettingsFaults with all faults."""
    if file is None:
        return [_row(each, each.key, NOTHING, "") for each in all_settings()]
    settings, written = load(file), read_table(file)
    overlay = Overlay(read_table(file), file.absolute().parent)
    lay_over(overlay, os.environ)
    return [
        _row(each, ".".join(place), _as_text(place, value), _origin(place, written, overlay.origins))
        for each in all_settings()
        for place, value in _values(settings, each.key.split("."))
    ]


def _row(setting: Setting, key: str, value: str, origin: str) -> Effective:
    return Effective(key, setting.key, value, origin, setting.default, setting.meaning)


def _values(node: Any, path: Sequence[str], place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the place and value of a setting, once for each name and each entry of a list on the way to it."""
    if not path:
        yield place, node
    elif isinstance(node, tuple):
        for number, each in enumerate(node):
            yield from _values(each, path, (*place, str(number)))
    elif isinstance(node, Mapping):
        for name, each in node.items():
            yield from _values(each, path[1:], (*place, name))
    elif isinstance(node, BaseModel):
        yield from _values(getattr(node, attribute_of(type(node), path[0])), path[1:], (*place, path[0]))


def _as_text(place: Sequence[str], value: Any) -> str:
    if isinstance(value, SecretStr):
        text = value.get_secret_value()
        return text if text.startswith("sqlite:") else HIDDEN  # any other address may hold a password
    return HIDDEN if value and is_secret(place[-1:]) else shown(value)


def _origin(place: Sequence[str], written: Mapping[str, Any], variables: Mapping[tuple[str, ...], str]) -> str:
    if variable := origin_of(place, variables):
        return variable
    node: Any = written
    for part in place:
        if isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict) and part in node:
            node = node[part]
        else:
            return f"file ({part}_file)" if isinstance(node, dict) and f"{part}_file" in node else "default"
    return "file"
