"""What a misspelt setting was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from widget.settings.reference import all_settings, section_at

_ALIKE = 0.75  # of difflib's ratio: one or two wrong letters in a short word, not another word


def did_you_mean(place: Sequence[str]) -> str:
    """Return the words "; did you mean …?" for an unknown key at its place, or "" where no setting is like it."""
    *above, key = place
    section = section_at(above)
    if section is not None and (near := difflib.get_close_matches(key, section.model_fields, 1, _ALIKE)):
        return _question(".".join([*above, near[0]]))
    elsewhere = [each.key for each in all_settings() if each.key.rpartition(".")[2] == key]
    return _question(elsewhere[0]) if len(elsewhere) == 1 else ""


def did_you_mean_variable(variable: str, table: Mapping[str, Any]) -> str:
    """Return the same for a variable that is no setting's; `table` has the names of entry points and surveys."""
    meant = {each.replace("__", "_"): each for each in _variables(table)}
    near = difflib.get_close_matches(variable.replace("__", "_"), meant, 1, 0.9)
    return _question(meant[near[0]]) if near else ""


def _variables(table: Mapping[str, Any]) -> Iterator[str]:
    for each in all_settings():
        section, *more = each.key.split(".")
        named = table.get(section)
        names = list(named) if "NAME" in more and isinstance(named, dict) else ["NAME"]
        for name in names:
            parts = [section, *(str(name) if part == "NAME" else part for part in more)]
            yield "ECE_WIDGET_" + "__".join(parts).upper().replace("-", "_")


def _question(meant: str) -> str:
    return f"; did you mean {meant}?"
