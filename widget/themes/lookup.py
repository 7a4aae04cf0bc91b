"""Find the file a page is made from.

The order: the operator's theme, the shipped theme of that name, the operator's default, the shipped default. A
template that replaces another reaches it as `default:NAME` (also spelt `shipped:NAME`), to extend or include it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from widget.assets import asset_folder
from widget.themes.design import Design, read_design
from widget.themes.folders import Layer, ThemeRemark, read_layers
from widget.themes.icons import IconRefused, clean_icon
from widget.themes.markup import blocked_markup
from widget.themes.unused import unused
from widget.themes.versions import Changes, outdated, read_changes

DEFAULT = "default"


class Themes:
    """Every theme, read once from the shipped and from the operator's folder.

    `chains` are the layers in which a file of a theme is looked for, first one first. `faults` say what is wrong in the
    themes directory and therefore not used as written.
    """

    def __init__(
        self,
        *,
        shipped: Mapping[str, Layer],
        operator: Mapping[str, Layer],
        changes: Changes,
        faults: tuple[ThemeRemark, ...] = (),
    ) -> None:
        self._shipped, self._operator, self._changes = dict(shipped), dict(operator), changes
        self.names: tuple[str, ...] = (DEFAULT, *sorted({*shipped, *operator} - {DEFAULT}))
        self.chains = {name: self._chain(name) for name in self.names}
        self.designs: dict[str, Design] = {}
        design_faults: list[ThemeRemark] = []
        for name in self.names:
            self.designs[name], found = read_design(name, self.chains[name])
            design_faults += [fault for fault in found if fault not in design_faults]
        self.faults = (*faults, *design_faults)

    @classmethod
    def load(cls, directory: Path | None = None, *, shipped: Path | None = None) -> Themes:
        """Read the shipped themes and those in the operator's `directory`, which need not exist."""
        shipped_folder = shipped or asset_folder("templates")
        ours, our_faults = read_layers(shipped_folder, "shipped")
        theirs, their_faults = read_layers(directory, "operator") if directory else ({}, [])
        if DEFAULT not in ours:
            raise FileNotFoundError("templates/default/ is missing from this installation; install ece-widget again")
        return cls(
            shipped=ours,
            operator=theirs,
            changes=read_changes(shipped_folder),
            faults=(*our_faults, *their_faults),
        )

    def resolve(self, name: str | None, default: str = DEFAULT) -> str:
        """Return a theme there is: `name`, else `default`, else the default theme. Odd names never go further."""
        return next((each for each in (name, default) if each in self.chains), DEFAULT)

    def changed(self, theme: str) -> bool:
        """Return whether anything of a theme is the operator's."""
        return any(layer.owner == "operator" for layer in self.chains[theme])

    def drawing(self, theme: str, file: str) -> str:
        """Return an SVG file of `theme` as markup for a page. Raise IconRefused, which names the file."""
        layer = next((each for each in self.chains[theme] if file in each.files), None)
        if layer is None:
            raise IconRefused(f'the theme "{theme}" has no file {file}')
        try:
            return clean_icon(layer.files[file])
        except IconRefused as refused:
            raise IconRefused(f"{layer.where(file)} {refused}") from refused

    def files(self, theme: str) -> tuple[str, ...]:
        """Return every file name there is for `theme`, from whatever layer."""
        return tuple(sorted({name for layer in self.chains[theme] for name in layer.files}))

    def where(self, theme: str, file: str) -> str:
        """Return the path of the file that `theme` uses under this name."""
        return next((layer.where(file) for layer in self.chains[theme] if file in layer.files), file)

    @cached_property
    def overrides(self) -> tuple[tuple[Layer, str], ...]:
        """The operator's files, each with its layer."""
        return tuple((layer, name) for layer in self._operator.values() for name in layer.files)

    def replaced(self, theme: str, file: str) -> Layer | None:
        """Return the shipped layer whose file the operator's `theme`/`file` stands in for, if there is one."""
        return next((each for each in self.chains[theme] if each.owner == "shipped" and file in each.files), None)

    def unused(self, named: frozenset[str]) -> list[ThemeRemark]:
        """Return the operator's files that replace none of ours and that neither a file of theirs nor `named` has."""
        ours = frozenset(name for each in self._shipped.values() for name in each.files)
        return unused(self._operator.values(), ours, named)

    def warnings(self) -> tuple[ThemeRemark, ...]:
        """Return overrides of older versions of ours, markup a strict policy blocks, and colours too close to read."""
        found: list[ThemeRemark] = []
        for layer, name in self.overrides:
            found += blocked_markup(layer, name)
            replaced = self.replaced(layer.theme, name)
            if replaced is not None:
                found += outdated(layer, name, replaced, self._changes)
        for theme in self._operator:
            found += self.designs[theme].contrast_warnings()
        return tuple(found)

    def _chain(self, name: str) -> tuple[Layer, ...]:
        wanted = [
            (owner, theme) for theme in dict.fromkeys((name, DEFAULT)) for owner in (self._operator, self._shipped)
        ]
        return tuple(owner[theme] for owner, theme in wanted if theme in owner)
