"""Make text from templates: an own Jinja environment, escaping always on, a missing variable always an error.

An operator's template that fails is answered with the shipped one: the visitor gets a page in any case, the log says so
once, and `check` lists it. Nothing stops one that never ends: it cannot be distinguished from one that takes long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, NamedTuple

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
_TOO_EXPENSIVE = (RecursionError, MemoryError)  # take seconds, in which nobody else is served


class TemplateFault(NamedTuple):
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
    """Render a theme's files; a template that failed is passed to `on_failure` and kept in `failures`, once."""

    def __init__(self, themes: Themes, texts: Texts, *, on_failure: Callable[[TemplateFault], None]) -> None:
        self._themes, self._on_failure = themes, on_failure
        self._full = ThemeEnvironment(themes, shipped_only=False)
        self._shipped = ThemeEnvironment(themes, shipped_only=True)
        self._functions = cache(partial(template_functions, texts))  # by language
        self._failed: set[tuple[str, str]] = set()
        self._given_up: set[tuple[str, str]] = set()  # not tried again
        self.failures: list[TemplateFault] = []
        self._compile_themes(changed=True)

    def warm_up(self) -> None:
        """Compile the themes that are as they were shipped; takes a third of a second, so call it in a thread.

        They have no faults to report, and a start is not to wait for them. A visitor who comes before waits for one
        template, some milliseconds.
        """
        self._compile_themes(changed=False)

    def _compile_themes(self, *, changed: bool) -> None:
        for theme in self._themes.names:
            if self._themes.changed(theme) == changed:
                for file in self._themes.files(theme):
                    if file.endswith((".html", ".css")):
                        self._compile(theme, file)

    def render(self, file: str, *, theme: str, language: str, values: Mapping[str, Any]) -> str:
        """Render `file` as `theme` has it, or as we shipped it when that fails."""
        values = {**values, **self._functions(language)}
        if (theme, file) not in self._given_up:
            try:
                return self._full.named(theme, file).render(values)
            except _FAILURES as error:
                self._note(theme, file, error)
        if self._shipped.find(theme, file) is None:
            return ""  # a file of the operator's alone
        return self._shipped.named(theme, file).render(values)

    def _compile(self, theme: str, file: str) -> None:
        """Compile, so that no visitor waits for it and syntax errors and endless inclusion are reported."""
        if self._themes.overrides and (circle := self._full.circle(theme, file)):
            layer, files = circle
            self._given_up.add((theme, file))
            problem = f'refers to itself: {" → ".join(files)}; ours is named "default:{files[0]}"'
            self._report(theme, file, (layer, files[0]), problem)
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
        if isinstance(error, _TOO_EXPENSIVE):
            self._given_up.add((theme, file))
        place = self._full.place(error)
        problem = f"{type(error).__name__}: {error}".removesuffix(": ")
        if place:
            self._report(theme, file, place[:2], f"line {place[2]}: {problem}")
        else:
            self._report(theme, file, (layer, file) if layer else None, problem)

    def _report(self, theme: str, file: str, place: tuple[Layer, str] | None, problem: str) -> None:
        """Report the first failure of each page, and a base that fails under many pages once."""
        if (theme, file) in self._failed:
            return
        self._failed.add((theme, file))
        where, name = (place[0].where(place[1]), place[0].name(place[1])) if place else (file, file)
        if any((each.file, each.problem) == (where, problem) for each in self.failures):
            return
        fault = TemplateFault(where, theme, problem, name)
        if self._shipped.find(theme, file) is None:
            fault = fault._replace(instead="it is left out")
        self.failures.append(fault)
        self._on_failure(fault)


def template_functions(texts: Texts, language: str) -> dict[str, Callable[..., str]]:
    """Make the functions that translate for a template; they escape the text as well as the values put into it."""
    translated: dict[str, Markup] = {}  # bounded by the texts that templates have

    def gettext(message: str, **values: object) -> Markup:
        if values:
            return escape(texts.gettext(language, message)) % values
        if message not in translated:
            translated[message] = escape(texts.gettext(language, message))
        return translated[message]

    def ngettext(singular: str, plural: str, n: int, **values: object) -> Markup:
        number = texts.number(language, n)
        return escape(texts.ngettext(language, singular, plural, n)) % {"num": number, "n": number, **values}

    return {"_": gettext, "gettext": gettext, "ngettext": ngettext, "number": partial(texts.number, language)}
