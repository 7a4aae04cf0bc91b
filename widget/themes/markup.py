"""Markup in an operator's templates that a strict content security policy would block, or a launcher must not have.

The source is read, not the result: Jinja's tags are taken out first, so that a line number is the designer's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from widget.themes.folders import Layer, ThemeRemark

_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_STATEMENT = re.compile(r"\{%.*?%\}", re.DOTALL)
_OUTPUT = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_CSS = {
    re.compile(r"url\(", re.IGNORECASE): "url(): nothing is loaded by our style sheets; draw it, or use an SVG icon",
    re.compile(r"@import", re.IGNORECASE): '@import: use {% include "…" %}',
    re.compile(r"\bexpression\(|-moz-binding", re.IGNORECASE): "script in a style sheet",
}
_LINKS = frozenset({"href", "src", "action", "formaction", "xlink:href", "data"})
# What the script takes over of a launcher, as `static/widget.js` has it. A form belongs to the panel alone.
IN_A_LAUNCHER = re.compile(
    r"a|abbr|b|bdi|br|button|circle|details|dialog|div|ellipse|em|form|g|h[1-6]|hr|i|iframe|input|li|line|ol|p|path"
    r"|polygon|polyline|rect|section|small|span|strong|summary|svg|template|ul"
)
MAIL = "message/mail.html"  # no policy is over a mail, and many mail programs know no style sheet
_NOWHERE = frozenset({"iframe", "object", "embed", "base", "applet"})


def blocked_markup(layer: Layer, file: str) -> list[ThemeRemark]:
    """Name what the browser would refuse in one file, each with its line."""
    source = _without_jinja(layer.files[file])
    if file.endswith(".css"):
        found = list(_in_css(source))
    elif file.endswith(".html"):
        found = _Reader(source, file).found
    else:
        return []
    return [ThemeRemark(f"{layer.where(file)}, line {line}", problem) for line, problem in sorted(found)]


def _without_jinja(source: str) -> str:
    """Blank out Jinja's tags and keep every line where it is."""
    for pattern, instead in ((_COMMENT, ""), (_STATEMENT, ""), (_OUTPUT, "x")):
        source = pattern.sub(lambda match, instead=instead: instead + "\n" * match[0].count("\n"), source)  # type: ignore[misc]
    return source


def _in_css(source: str) -> Iterator[tuple[int, str]]:
    plain = re.sub(r"/\*.*?\*/", lambda match: "\n" * match[0].count("\n"), source, flags=re.DOTALL)
    for number, line in enumerate(plain.splitlines(), 1):
        for pattern, problem in _CSS.items():
            if pattern.search(line):
                yield number, problem


class _Reader(HTMLParser):
    def __init__(self, source: str, file: str) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._launcher, self._frames, self._mail = file == "launcher.html", file == "panel.html", file == MAIL
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" and not self._mail:
            self._note("<style>: put it into launcher.css or page.css")
        elif tag == "script" and (self._launcher or "src" not in given):
            self._note("<script> with code in it: only files of ours run, and none in a launcher")
        elif tag in _NOWHERE and not (tag == "iframe" and self._frames):
            self._note(f"<{tag}>")
        elif (self._launcher and tag == "form") or (
            (self._launcher or self._frames) and not IN_A_LAUNCHER.fullmatch(tag)
        ):
            self._note(f"<{tag}> in a launcher: the script leaves it out")
        for name, value in attrs:
            if name == "style" and not self._mail:
                self._note(f"style= on <{tag}>: use a class")
            elif name.startswith("on") and len(name) > 3:
                self._note(f"{name}= on <{tag}>: no code in attributes runs")
            elif name in _LINKS and re.match(r"\s*(?:javascript|data|vbscript):", value or "", re.IGNORECASE):
                self._note(f"{name}= with {(value or '').strip().partition(':')[0].lower()}: on <{tag}>")
            elif value and "url(" in value.lower():
                self._note(f"url() in {name}= on <{tag}>")

    def _note(self, problem: str) -> None:
        self.found.append((self.getpos()[0], problem))
