"""Make text from templates: an own Jinja environment, escaping always on, a missing variable always an error.

Template names inside Jinja are `theme:layer:file`, made here from what `Themes` read at start; the loader knows only
those. An operator's template that fails is answered with the shipped one: the visitor gets a page in any case, the log
says so once, and `check` lists it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template, TemplateError, meta, nodes
from markupsafe import Markup, escape

from widget import telemetry
from widget.texts import Texts
from widget.themes import Themes
from widget.themes.folders import Layer

REPLACED_PREFIXES = ("default:", "shipped:")

# What a template of someone else's may raise while it is rendered: Jinja's errors, and those of the values it touches.
_FAILURES = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """A template that failed, in which theme, and why; the shipped one stood in."""

    file: str
    theme: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file} (theme {self.theme}): {self.problem}; the shipped template is used instead"


def log_failure(fault: TemplateFault) -> None:
    telemetry.logger().error("template_failed", template=fault.file, theme=fault.theme, problem=fault.problem)


class Templates:
    """Render a theme's files; a template that failed is told to `on_failure` and kept in `failures`, once."""

    def __init__(self, themes: Themes, texts: Texts, *, on_failure: Callable[[TemplateFault], None]) -> None:
        self._texts, self._themes, self._on_failure = texts, themes, on_failure
        self._full = _ThemeEnvironment(themes, shipped_only=False)
        self._shipped = _ThemeEnvironment(themes, shipped_only=True)
        self._speeches: dict[str, dict[str, Callable[..., str]]] = {}
        self.failures: dict[tuple[str, str], TemplateFault] = {}
        for theme in themes.names:
            for file in themes.files(theme):
                if file.endswith((".html", ".css")):
                    self._compile(theme, file)

    def has(self, theme: str, file: str) -> bool:
        return self._full.find(theme, file) is not None

    def writes_once(self, file: str, variables: set[str], *, theme: str) -> bool:
        """Say whether `file`, with all it extends or includes, uses each of `variables` once, and only to write it out.

        A filter, a condition or a second place makes it no; so does a file that is chosen while rendering.
        """
        written, used = Counter[str](), Counter[str]()
        try:
            trees = list(self._full.trees(theme, file))
        except TemplateError:  # told of when it was compiled
            return False
        for tree in trees:
            if tree is None:
                return False
            used.update(each.name for each in tree.find_all(nodes.Name) if each.name in variables)
            for output in tree.find_all(nodes.Output):
                written.update(each.name for each in output.nodes if isinstance(each, nodes.Name))
        return all(used[each] == written[each] == 1 for each in variables)

    def render(self, file: str, *, theme: str, language: str, values: Mapping[str, Any]) -> str:
        """Render `file` as `theme` has it, or as we shipped it when that fails."""
        values = {**values, **self._speech(language)}
        try:
            return self._full.named(theme, file).render(values)
        except _FAILURES as error:
            self._note(theme, file, error)
        return self._shipped.named(theme, file).render(values)

    def _compile(self, theme: str, file: str) -> None:
        """Compile now what a visitor would wait for, and hear of syntax errors at start."""
        try:
            self._full.named(theme, file)
        except _FAILURES as error:
            self._note(theme, file, error)

    def _note(self, theme: str, file: str, error: Exception) -> None:
        found = self._full.find(theme, file)
        layer = found[1] if found else None
        if (layer is None or layer.owner == "shipped") and not self._themes.overrides:
            raise error  # our own template, and nobody's change to it: a bug, and not to be hidden
        if (theme, file) not in self.failures:
            place = f"line {error.lineno}: " if isinstance(getattr(error, "lineno", None), int) else ""  # type: ignore[attr-defined]
            problem = f"{place}{type(error).__name__}: {error}"
            where = layer.where(file) if layer else file
            fault = self.failures[theme, file] = TemplateFault(where, theme, problem)
            self._on_failure(fault)

    def _speech(self, language: str) -> dict[str, Callable[..., str]]:
        """The functions a template speaks with, made once for each language."""
        if language not in self._speeches:
            self._speeches[language] = self._make_speech(language)
        return self._speeches[language]

    def _make_speech(self, language: str) -> dict[str, Callable[..., str]]:
        """Make functions that escape the text as well as the values put into it."""
        said: dict[str, Markup] = {}  # bounded by the texts that templates have

        def gettext(message: str, **values: object) -> Markup:
            if values:
                return escape(self._texts.gettext(language, message)) % values
            if message not in said:
                said[message] = escape(self._texts.gettext(language, message))
            return said[message]

        def ngettext(singular: str, plural: str, n: int, **values: object) -> Markup:
            values = {"num": self._texts.number(language, n), "n": self._texts.number(language, n), **values}
            return escape(self._texts.ngettext(language, singular, plural, n)) % values

        def number(value: int) -> str:
            return self._texts.number(language, value)

        return {"_": gettext, "gettext": gettext, "ngettext": ngettext, "number": number}


class _ThemeEnvironment(Environment):
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
        )
        self.newstyle_gettext = True
        self._chains: dict[str, tuple[Layer, ...]] = {
            theme: tuple(each for each in themes.chain(theme) if each.owner == "shipped" or not shipped_only)
            for theme in themes.names
        }

    def named(self, theme: str, file: str) -> Template:
        return self.get_template(self._name(theme, 0, file))

    def find(self, theme: str, file: str, start: int = 0) -> tuple[int, Layer] | None:
        layers = self._chains.get(theme, ())
        return next(((at, layers[at]) for at in range(start, len(layers)) if file in layers[at].files), None)

    def trees(self, theme: str, file: str) -> Iterator[nodes.Template | None]:
        """Give what is read to render a theme's `file`, None for what cannot be told before."""
        names, seen = [self._name(theme, 0, file)], set[str]()
        while names:
            name = names.pop()
            source = self._load(name)
            if source is None:
                yield None
            if source is None or name in seen:
                continue
            seen.add(name)
            tree = self.parse(source)
            yield tree
            for found in meta.find_referenced_templates(tree):
                if found is None:
                    yield None
                else:
                    names.append(self.join_path(found, name))

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

    def _load(self, name: str) -> str | None:
        theme, at, file = name.split(":", 2)
        layers = self._chains.get(theme, ())
        return layers[int(at)].files.get(file) if int(at) < len(layers) else None
