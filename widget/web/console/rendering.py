"""Make the console's pages: an own Jinja environment over `templates/console/`, which no theme replaces.

Every page extends `_layout.html`, which needs what `Frame` has; a page's own values stand beside them.
"""

from __future__ import annotations

from typing import NamedTuple

from jinja2 import DictLoader, Environment, StrictUndefined
from starlette.responses import Response

from widget.assets import asset_folder
from widget.texts import Texts
from widget.web.edge.headers import nonce
from widget.web.pages.static_files import StyleSheet, script_route, style_sheet
from widget.web.pages.templating import template_functions

# A form's Origin is "null" under the policy of the other pages, so that none could be told from a sandbox.
_HEADERS = {"Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex, nofollow"}
FOLDER = "console"


class Notice(NamedTuple):
    """What is switched by hand in a sentence, and where it is changed: `action` is the link's words, `about` whose."""

    tone: str
    text: str
    link: str
    action: str
    about: str = ""


class Frame(NamedTuple):
    """What stands around every page: who looks, in which language, where in the console."""

    language: str
    page: str
    who: str = ""
    form_token: str = ""
    may_sign_out: bool = False
    notices: tuple[Notice, ...] = ()


class ConsolePages:
    """Render templates of the console; `texts` are those of its own catalogs."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        folder = asset_folder("templates") / FOLDER
        sources = {file.name: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.html"))}
        self._environment = Environment(
            loader=DictLoader(sources),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,  # bounded by the files there are
        )
        self._environment.newstyle_gettext = True  # type: ignore[attr-defined]  # of the extension
        for name in sources:
            self._environment.get_template(name)
        self._functions = {each: template_functions(texts, each) for each in texts.languages}
        self.sheet: StyleSheet = style_sheet("console.css", (folder / "console.css").read_text(encoding="utf-8"))
        self.script = script_route("console", (asset_folder("static") / "console.js").read_bytes())

    def page(self, template: str, frame: Frame, *, status: int = 200, **values: object) -> Response:
        """Answer with one page; `values` are those of its own template."""
        html = self._environment.get_template(template).render(
            values,
            frame=frame,
            lang=frame.language,
            dir=self.texts.language(frame.language).locale.text_direction,
            stylesheet=self.sheet.path,
            script=self.script.path,
            nonce=nonce(),
            **self._functions[frame.language],
        )
        # What a damaged row holds may be no UTF-8.
        return Response(html.encode(errors="replace"), status, _HEADERS, "text/html; charset=utf-8")
