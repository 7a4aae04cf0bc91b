"""Make text from templates: an own Jinja environment, escaping always on, a missing variable always an error.

An operator's template that fails is answered with the shipped one: the visitor gets a page in any case, the log says so
once, and `check` lists it. One that takes for ever cannot be told from one that takes long: nothing stops it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jinja2 import TemplateError
from markupsafe import Markup, escape

from widget import telemetry
from widget.texts import Texts
from widget.themes import Layer, Themes
from widget.web.pages.theme_environment import ThemeEnvironment

# What a template of someone else's may raise while it is rendered: Jinja's errors, and those of the values it touches.
_FAILURES = (
    TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    AssertionError,
    RuntimeError,
    MemoryError,
)
_TOO_DEAR = (RecursionError, MemoryError)  # take seconds, in which nobody else is served


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """A template that failed, in which theme, and why; `name` is its path in the themes directory, `file` the whole."""

    file: str
    theme: str
    problem: str
    name: str = ""
    instead: str = "the shipped template is used instead"

    def __str__(self) -> str:
        return f"{self.file} (theme {self.theme}): {self.problem}; {self.instead}"


def log_failure(fault: TemplateFault) -> None:
    telemetry.logger().error("template_failed", template=fault.name, theme=fault.theme, problem=fault.problem)


class Templates:
    """Render a theme's files; a template that failed is told to `on_failure` and kept in `failures`, once."""

    def __init__(self, themes: Themes, texts: Texts, *, on_failure: Callable[[TemplateFault], None]) -> None:
        self._texts, self._themes, self._on_failure = texts, themes, on_failure
        self._full = ThemeEnvironment(themes, shipped_only=False)
        self._shipped = ThemeEnvironment(themes, shipped_only=True)
        self._speeches: dict[str, dict[str, Callable[..., str]]] = {}
        self._failed: set[tuple[str, str]] = set()
        self._given_up: set[tuple[str, str]] = set()  # not tried again
        self.failures: list[TemplateFault] = []
        for theme in themes.names:
            for file in themes.files(theme):
                if file.endswith((".html", ".css")):
                    self._compile(theme, file)

    def has(self, theme: str, file: str) -> bool:
        return self._full.find(theme, file) is not None

    def render(self, file: str, *, theme: str, language: str, values: Mapping[str, Any]) -> str:
        """Render `file` as `theme` has it, or as we shipped it when that fails."""
        values = {**values, **self._speech(language)}
        if (theme, file) not in self._given_up:
            try:
                return self._full.named(theme, file).render(values)
            except _FAILURES as error:
                self._note(theme, file, error)
        if self._shipped.find(theme, file) is None:
            return ""  # a file of the operator's alone
        return self._shipped.named(theme, file).render(values)

    def _compile(self, theme: str, file: str) -> None:
        """Compile now what a visitor would wait for, and hear at start of syntax errors and of what has no end."""
        if self._themes.overrides and (circle := self._full.circle(theme, file)):
            layer, files = circle
            self._given_up.add((theme, file))
            problem = f'refers to itself: {" → ".join(files)}; ours is named "default:{files[0]}"'
            self._tell(theme, file, (layer, files[0]), problem)
            return
        try:
            self._full.named(theme, file)
        except _FAILURES as error:
            self._note(theme, file, error)

    def _note(self, theme: str, file: str, error: Exception) -> None:
        found = self._full.find(theme, file)
        layer = found[1] if found else None
        if (layer is None or layer.owner == "shipped") and not self._themes.overrides:
            raise error  # our own template, and nobody's change to it: a bug, and not to be hidden
        if isinstance(error, _TOO_DEAR):
            self._given_up.add((theme, file))
        place = self._full.place(error)
        problem = f"{type(error).__name__}: {error}".removesuffix(": ")
        if place:
            self._tell(theme, file, place[:2], f"line {place[2]}: {problem}")
        else:
            self._tell(theme, file, (layer, file) if layer else None, problem)

    def _tell(self, theme: str, file: str, place: tuple[Layer, str] | None, problem: str) -> None:
        """Tell of the first failure of each page, and of a base that fails under many pages once."""
        if (theme, file) in self._failed:
            return
        self._failed.add((theme, file))
        where, name = (place[0].where(place[1]), place[0].name(place[1])) if place else (file, file)
        if any((each.file, each.problem) == (where, problem) for each in self.failures):
            return
        fault = TemplateFault(where, theme, problem, name)
        if self._shipped.find(theme, file) is None:
            fault = replace(fault, instead="it is left out")
        self.failures.append(fault)
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
