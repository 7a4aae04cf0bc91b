"""Icons are SVG inside the page, so an icon file must be shapes and nothing else: no script, handler, link or `url()`.

What is not on the lists below is refused, not dropped: a half-drawn icon would only puzzle its designer.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

_ELEMENTS = frozenset({"svg", "g", "path", "circle", "ellipse", "rect", "line", "polyline", "polygon"})
_IGNORED = frozenset({"title", "desc", "metadata"})
_ATTRIBUTES = {
    name.lower(): name
    for name in [
        "viewBox",
        "d",
        "points",
        "cx",
        "cy",
        "r",
        "rx",
        "ry",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "width",
        "height",
        "transform",
        "opacity",
        "fill",
        "fill-opacity",
        "fill-rule",
        "clip-rule",
        "stroke",
        "stroke-width",
        "stroke-linecap",
        "stroke-linejoin",
        "stroke-miterlimit",
        "stroke-opacity",
        "stroke-dasharray",
        "stroke-dashoffset",
    ]
}
_DROPPED = re.compile(r"xmlns(?::\w+)?|version|id|class|role|focusable|xml:space|aria-[a-z]+")
_VALUE = re.compile(r"[A-Za-z0-9#.,()%\s+-]{0,4000}")
_LARGEST = 8000


def _filled(path: str) -> str:
    return (
        f'<svg viewBox="0 0 24 24" fill="currentColor" fill-rule="evenodd" aria-hidden="true"><path d="{path}"/></svg>'
    )


# One family: filled shapes of 24 units; what is cut out of a shape shows the background.
ICONS = {
    "chat": _filled(
        "M12 3C6.5 3 2 6.8 2 11.5c0 2.6 1.4 4.9 3.5 6.5-.1 1.1-.6 2.2-1.4 3-.3.4-.1.9.4.9 2 0 3.7-.7 5-1.7"
        " .8.2 1.6.3 2.5.3 5.5 0 10-3.8 10-8.5S17.5 3 12 3z"
        "M7.5 10a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3zm4.5 0a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3z"
        "m4.5 0a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3z"
    ),
    "bubbles": _filled(
        "M9 2C4.6 2 1 4.9 1 8.5c0 1.9 1 3.6 2.6 4.8-.1.8-.5 1.5-1 2.1-.3.3 0 .8.4.8 1.5 0 2.8-.5 3.8-1.3"
        " .7.1 1.4.2 2.2.2 4.4 0 8-2.9 8-6.6S13.4 2 9 2z"
        "M18.8 9.3c-.4 4-4.3 7.2-9.2 7.5 1.3 1.7 3.5 2.8 6 2.8.6 0 1.2-.1 1.8-.2 1 .8 2.3 1.3 3.8 1.3"
        " .4 0 .7-.5.4-.8-.5-.6-.9-1.3-1-2.1 1.5-1 2.4-2.5 2.4-4.2 0-1.9-1.6-3.6-4.2-4.3z"
    ),
    "headset": _filled(
        "M12 2a9 9 0 0 0-9 9v5.5A2.5 2.5 0 0 0 5.5 19H7a1 1 0 0 0 1-1v-6a1 1 0 0 0-1-1H5a7 7 0 0 1 14 0h-2"
        "a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h1.8a3 3 0 0 1-2.8 2h-2.3a1 1 0 0 0 0 2H16a5 5 0 0 0 5-5v-8a9 9 0 0 0-9-9z"
    ),
    "question": _filled(
        "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm0 4.5c2.3 0 4 1.5 4 3.5 0 1.6-.9 2.4-1.9 3.1-.8.6-1.1.9-1.1 1.4"
        "a1 1 0 0 1-2 0c0-1.6 1-2.4 1.9-3 .8-.6 1.1-.9 1.1-1.5 0-.8-.8-1.5-2-1.5-1 0-1.7.5-1.9 1.3"
        "a1 1 0 0 1-1.9-.6C8.6 7.5 10.1 6.5 12 6.5zm0 9.7a1.3 1.3 0 1 1 0 2.6 1.3 1.3 0 0 1 0-2.6z"
    ),
}


class IconRefused(ValueError):
    """The file is not an icon that may stand in a page; says what is in it."""


def clean_icon(source: str) -> str:
    """Return the icon's markup, written anew from what is allowed; raise IconRefused."""
    if len(source) > _LARGEST:
        raise IconRefused(f"is larger than {_LARGEST} characters")
    reader = _Reader()
    reader.feed(re.sub(r"<\?xml[^>]*\?>|<!--.*?-->", "", source, flags=re.DOTALL).strip())
    reader.close()
    if not reader.out or reader.open:
        raise IconRefused("is not one complete <svg> element")
    if not reader.draws:
        raise IconRefused("has no shape in it, so that nothing would be seen")
    return "".join(reader.out)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.open: list[str] = []
        self.draws = False
        self._skipping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _IGNORED or self._skipping:
            self._skipping += 1
            return
        self._start(tag, attrs, closed=False)
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _IGNORED and not self._skipping:
            self._start(tag, attrs, closed=True)

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            self._skipping -= 1
        elif not self.open or self.open.pop() != tag:
            raise IconRefused(f"closes </{tag}>, which is not open")
        else:
            self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._skipping:
            raise IconRefused("has text in it")

    def handle_decl(self, decl: str) -> None:
        raise IconRefused(f"has a declaration <!{decl[:20]}…>")

    def unknown_decl(self, data: str) -> None:
        raise IconRefused(f"has a section <![{data[:20]}…>")

    def handle_pi(self, data: str) -> None:
        raise IconRefused(f"has an instruction <?{data[:20]}…>")

    def _start(self, tag: str, attrs: list[tuple[str, str | None]], *, closed: bool) -> None:
        if tag not in _ELEMENTS or (tag == "svg") == bool(self.out):
            raise IconRefused(f"has the element <{tag}>")
        kept = []
        for name, value in attrs:
            if name in _ATTRIBUTES and value is not None and _VALUE.fullmatch(value) and "url" not in value.lower():
                kept.append(f' {_ATTRIBUTES[name]}="{escape(value)}"')
            elif not _DROPPED.fullmatch(name):
                raise IconRefused(f'has the attribute {name}="{(value or "")[:40]}" on <{tag}>')
        self.draws = self.draws or tag not in ("svg", "g")
        hidden = ' aria-hidden="true"' if tag == "svg" else ""
        self.out.append(f"<{tag}{''.join(kept)}{hidden}{'/' if closed else ''}>")
