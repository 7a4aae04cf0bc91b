"""The style sheets of themes: files of their own for pages, text inside the HTML for launchers."""

from __future__ import annotations

from functools import cache
from typing import Literal, Protocol

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from widget.themes import Themes
from widget.web.pages.contexts import StyleContext
from widget.web.pages.static_files import FOR_GOOD, PREFIX, StyleSheet, compact, style_sheet, without_unused

Scheme = Literal["auto", "light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("auto", "light", "dark")
EXTRA_SHEETS = ("offers.css", "greeting.css")  # of launchers that offer something, or greet
_IN_THE_LAUNCHER = ("launcher.css", *EXTRA_SHEETS, "panel.css")


class Render(Protocol):
    """Render a theme's file, as `Pages.render` does."""

    def __call__(
        self, template: str, context: StyleContext, *, theme: str, language: str, scheme: Scheme = "auto"
    ) -> str: ...


class ThemeSheets:
    """Style sheets under the addresses that pages name, and the launcher's as text; made when they are asked for."""

    def __init__(self, themes: Themes, render: Render) -> None:
        self._themes, self._render = themes, render
        self._sheets: dict[str, StyleSheet] = {}
        self._addresses: dict[tuple[str, str, str], str] = {}
        self.make = cache(self._make)
        self.launcher = cache(self._make_launcher)

    def route(self) -> Route:
        """Return the route that serves all of them, as `/assets/<hash>/page.css`."""
        return Route(PREFIX + "/{hash}/{file}", self._answer, methods=["GET"], name="stylesheet")

    def add(self, sheet: StyleSheet) -> None:
        """Serve a style sheet under its own address."""
        self._sheets.setdefault(sheet.path, sheet)

    def find(self, path: str) -> StyleSheet | None:
        """Return the style sheet of an address, also of one that another process put into a page."""
        if path not in self._sheets:
            self.make_all()
        return self._sheets.get(path)

    def make_all(self) -> None:
        """Make those of every theme and scheme."""
        for theme in self._themes.names:
            for scheme in SCHEMES:
                self.make(theme, scheme)

    def url(self, theme: str, file: str, *, scheme: Scheme = "auto") -> str:
        """Return the address of a style sheet of this theme. Raise LookupError when it has none of that name."""
        self.make(theme, scheme)
        return self._addresses[theme, file, scheme]

    def launcher_url(self, theme: str, corner: str, scheme: Scheme) -> str:
        """Return the address of `launcher.css` as a file: the preview makes its shadow roots without script."""
        sheet = style_sheet("launcher.css", self._joined(theme, scheme, corner, EXTRA_SHEETS))
        self.add(sheet)  # bounded by themes, corners and schemes
        return sheet.path

    async def _answer(self, request: Request) -> Response:
        sheet = self.find(request.url.path)
        if sheet is None:
            raise HTTPException(404)
        return Response(sheet.body, media_type="text/css", headers=FOR_GOOD)

    def _make_launcher(self, theme: str, corner: str, scheme: Scheme, extra: tuple[str, ...]) -> Markup:
        """Return the launcher's style sheet as text inside HTML."""
        css = without_unused(compact(self._joined(theme, scheme, corner, extra)))
        return Markup(css.replace("&", "&amp;").replace("<", "&lt;"))  # noqa: S704 — escaped here

    def _make(self, theme: str, scheme: Scheme) -> None:
        """Make those of a theme."""
        for file in self._themes.files(theme):
            name = file.rpartition("/")[2]
            if file.endswith(".css") and name not in _IN_THE_LAUNCHER:
                sheet = style_sheet(file, self._style(file, theme, scheme, self._themes.designs[theme].corner))
                self.add(sheet)
                self._addresses[theme, file, scheme] = sheet.path

    def _joined(self, theme: str, scheme: Scheme, corner: str, extra: tuple[str, ...]) -> str:
        return "".join(self._style(file, theme, scheme, corner) for file in ("launcher.css", *extra))

    def _style(self, file: str, theme: str, scheme: Scheme, corner: str) -> str:
        return self._render(file, StyleContext(corner=corner), theme=theme, language="en", scheme=scheme)
