"""Files in the themes directory that nothing uses: misspelt, in the wrong folder, or named by no template."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import PurePath

from widget.themes.folders import DESIGN_FILE, Layer, ThemeRemark

_NOTES = frozenset({"", ".md", ".txt", ".rst"})
_REFERENCE = re.compile(r"\{%[-+]?\s*(?:include|extends|import|from)\s(.*?)%\}", re.DOTALL)
_IN_QUOTES = re.compile(r"""[\["'(]""")


def is_a_note(file: str) -> bool:
    """Return whether a file is none that a theme would be made of: notes, hidden files and editors' copies."""
    name = PurePath(file).name
    return name.startswith(".") or name.endswith("~") or PurePath(name).suffix.lower() in _NOTES


def unused(layers: Iterable[Layer], shipped: frozenset[str], named: frozenset[str]) -> list[ThemeRemark]:
    """Name every file that replaces none of the shipped ones, and that neither a file of theirs nor `named` has."""
    layers = tuple(layers)
    sources = "\n".join(source for layer in layers for source in layer.files.values())
    chosen_while_rendering = any(
        "~" in found[1] or _IN_QUOTES.match(found[1]) is None for found in _REFERENCE.finditer(sources)
    )
    faults: list[ThemeRemark] = []
    for layer in layers:
        unnamed = () if chosen_while_rendering else (file for file in layer.files if not _is_named(file, sources))
        faults += [
            ThemeRemark(layer.where(file), "is used by nothing", _advice(file, shipped))
            for file in sorted({*unnamed, *layer.others})
            if file not in shipped | named and file != DESIGN_FILE and not is_a_note(file)
        ]
    return faults


def _is_named(file: str, sources: str) -> bool:
    return re.search(rf"""["'](?:default:|shipped:)?{re.escape(file)}["']""", sources) is not None


def _advice(file: str, shipped: frozenset[str]) -> str:
    near = get_close_matches(PurePath(file).name.lower(), {PurePath(each).name for each in shipped}, n=1, cutoff=0.75)
    alike = [each for each in sorted(shipped) if near == [PurePath(each).name]]
    if alike:
        return f"rename it to {get_close_matches(file, alike, n=1, cutoff=0)[0]} if it shall replace ours"
    return "name it in a template, or delete it; files are named in small letters, digits, - and _"
