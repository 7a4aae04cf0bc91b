"""Jinja over the layers of themes: which file a name means, what a file is made of, and where an error stands.

Template names inside Jinja are `theme:layer:file`, made here from what `Themes` read at start; the loader knows only
those.
"""

from __future__ import annotations

import traceback
from functools import cache
from types import CodeType

from jinja2 import (
    BytecodeCache,
    Environment,
    FunctionLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateSyntaxError,
    meta,
)
from jinja2.bccache import Bucket
from jinja2.sandbox import safe_range

from widget.themes import Themes
from widget.themes.folders import Layer

REPLACED_PREFIXES = ("default:", "shipped:")


class CompiledTemplates(BytecodeCache):
    """Keep what Jinja compiled, for as long as a template's text stays the same.

    Both environments of a build compile most files alike, and so does every reload: compiling took three quarters of
    a build. All environments compile with the same options, so that name, path and text decide the code. One entry for
    each name and path: that of an edited file replaces the one before.
    """

    def __init__(self) -> None:
        self._compiled: dict[str, tuple[str, CodeType]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        checksum, code = self._compiled.get(bucket.key, ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._compiled[bucket.key] = (bucket.checksum, bucket.code)


_COMPILED = CompiledTemplates()  # of the process: a reload builds new environments


class ThemeEnvironment(Environment):
    """Resolve a name in an `extends` or `include` by the theme of the template it stands in."""

    def __init__(self, themes: Themes, *, shipped_only: bool) -> None:
        super().__init__(
            loader=FunctionLoader(self._load),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,  # bounded by the files there are
            bytecode_cache=_COMPILED,
        )
        self.newstyle_gettext = True
        self.globals["range"] = safe_range  # an error where a typing error would fill the memory
        self._chains: dict[str, tuple[Layer, ...]] = {
            theme: tuple(each for each in themes.chains[theme] if each.owner == "shipped" or not shipped_only)
            for theme in themes.names
        }
        layers = {id(layer): layer for chain in self._chains.values() for layer in chain}.values()
        self._places = {layer.where(file): (layer, file) for layer in layers for file in layer.files}
        self._referenced = cache(self._read_references)

    def named(self, theme: str, file: str) -> Template:
        return self.get_template(self._name(theme, 0, file))

    def find(self, theme: str, file: str, start: int = 0) -> tuple[int, Layer] | None:
        layers = self._chains.get(theme, ())
        return next(((at, layers[at]) for at in range(start, len(layers)) if file in layers[at].files), None)

    def circle(self, theme: str, file: str) -> tuple[Layer, tuple[str, ...]] | None:
        """Return the files by which `file` includes or extends itself, and the layer they begin in, or None."""
        path: list[str] = []
        done: set[str] = set()

        def walk(name: str) -> tuple[str, ...] | None:
            if name in path:
                return tuple(path[path.index(name) :])
            if name in done:
                return None
            path.append(name)
            found = next((found for each in self._referenced(name) if (found := walk(each))), None)
            path.pop()
            done.add(name)
            return found

        names = walk(self._name(theme, 0, file))
        if names is None:
            return None
        first = next((at for at, name in enumerate(names) if self._layer(name).owner == "operator"), 0)
        names = names[first:] + names[: first + 1]
        return self._layer(names[0]), tuple(name.split(":", 2)[2] for name in names)

    def place(self, error: Exception) -> tuple[Layer, str, int] | None:
        """Return layer and name of the file in which `error` was raised, and the line; the operator's file if any."""
        if isinstance(error, TemplateSyntaxError) and error.filename in self._places:
            return *self._places[error.filename], error.lineno
        places = [
            (*self._places[frame.f_code.co_filename], line)
            for frame, line in traceback.walk_tb(error.__traceback__)
            if frame.f_code.co_filename in self._places
        ]
        return next((each for each in reversed(places) if each[0].owner == "operator"), places[-1] if places else None)

    def join_path(self, template: str, parent: str) -> str:
        theme, at, parent_file = parent.split(":", 2)
        prefix = next((each for each in REPLACED_PREFIXES if template.startswith(each)), None)
        if prefix is None:
            return self._name(theme, 0, template)
        file = template.removeprefix(prefix)
        start = int(at) + 1 if file == parent_file else self._first_shipped(theme)
        return self._name(theme, start, file)

    def _first_shipped(self, theme: str) -> int:
        return next(at for at, layer in enumerate(self._chains[theme]) if layer.owner == "shipped")

    def _name(self, theme: str, start: int, file: str) -> str:
        found = self.find(theme, file, start)
        return f"{theme}:{found[0] if found else len(self._chains.get(theme, ()))}:{file}"

    def _layer(self, name: str) -> Layer:
        theme, at, _ = name.split(":", 2)
        return self._chains[theme][int(at)]

    def _read_references(self, name: str) -> tuple[str, ...]:
        """Return the templates that one names; not those it chooses while it is rendered."""
        try:
            named = list(meta.find_referenced_templates(self.parse(self._source(name) or "")))
        except TemplateError:  # reported when it is compiled
            return ()
        return tuple(self.join_path(each, name) for each in named if each is not None)

    def _source(self, name: str) -> str | None:
        theme, at, file = name.split(":", 2)
        layers = self._chains.get(theme, ())
        return layers[int(at)].files.get(file) if int(at) < len(layers) else None

    def _load(self, name: str) -> tuple[str, str, None] | None:
        source = self._source(name)
        return None if source is None else (source, self._layer(name).where(name.split(":", 2)[2]), None)
