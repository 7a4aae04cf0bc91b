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


def _drawn(shapes: str) -> str:
    return (
        f'<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true">{shapes}</svg>'
    )


ICONS = {
    "chat": _drawn('<path d="M4 4h16v12h-9l-5 4v-4H4z"/>'),
    "bubbles": _drawn('<path d="M3 3h12v9H9l-4 3v-3H3zM18 8h3v9h-2v3l-4-3h-5v-2"/>'),
    "headset": _drawn('<path d="M4 15v-3a8 8 0 0 1 16 0v3M4 14h3v5H4zM17 14h3v5h-3zM20 19c0 2-2 3-6 3"/>'),
    "question": _drawn('<circle cx="12" cy="12" r="9"/><path d="M9 9.5a3 3 0 1 1 4 3c-1 .5-1 1-1 2M12 16v2"/>'),
}


class IconRefused(ValueError):
    """The file is not an icon that may stand in a page; says what is in it."""


def clean_icon(source: str) -> str:
    """Give the icon's markup, written anew from what is allowed; raises IconRefused."""
    if len(source) > _LARGEST:
        raise IconRefused(f"is larger than {_LARGEST} characters")
    reader = _Reader()
    reader.feed(re.sub(r"<\?xml[^>]*\?>|<!--.*?-->", "", source, flags=re.DOTALL).strip())
    reader.close()
    if not reader.out or not reader.out[0].startswith("<svg") or reader.open:
        raise IconRefused("is not one complete <svg> element")
    return "".join(reader.out)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.open: list[str] = []
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
        hidden = ' aria-hidden="true"' if tag == "svg" else ""
        self.out.append(f"<{tag}{''.join(kept)}{hidden}{'/' if closed else ''}>")
