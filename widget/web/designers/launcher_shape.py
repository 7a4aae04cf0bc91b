"""What the script needs of a launcher: one root, in it the style sheet, the panel, and a button to press.

The script would do without each of them and say nothing: no root is no button, no style sheet is a bare one, and no
panel makes a pop-up of every docked chat.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

ROOT, BUTTON = "ece-chat", "ece-chat-button"
CSS, PANE = "ece-chat-css", "ece-chat-pane"
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)


def missing(fragment: str, *, drawn: bool, show: bool) -> Iterator[tuple[str, str]]:
    """Name what a rendered launcher lacks, each with the template to look at and what to do there.

    `drawn` says that there is something to see, `show` that it is the button. A hidden launcher needs its root alone.
    """
    shape = _Shape()
    shape.feed(fragment)
    shape.close()
    if len(shape.roots) != 1 or shape.roots[0] != 0:
        found = "none" if not shape.roots else str(len(shape.roots)) if len(shape.roots) > 1 else "one inside another"
        todo = f'put everything into one <div class="{ROOT}" …>, with the attributes that ours has'
        yield "launcher.html", f'needs one outermost element of class "{ROOT}" and has {found}; {todo}'
    if not drawn or not shape.roots:
        return
    first, second = (*shape.templates, "", "")[:2]
    if first != CSS:
        todo = f'<template class="{CSS}">{{{{ css }}}}</template> first in the root'
        yield "launcher.html", f"has no style sheet, so that its button has none either; write {todo}"
    elif not shape.css.strip():
        yield "launcher.html", f'has an empty <template class="{CSS}">; write {{{{ css }}}} into it'
    if PANE not in (first, second):
        todo = f'write {{{{ panel }}}} behind the style sheet; panel.html has to give a <template class="{PANE}">'
        yield "launcher.html", f"has no panel, so that docked chats open in a window and surveys nowhere; {todo}"
    if show and not shape.button:
        todo = f'give the button the class "{BUTTON}"'
        yield "launcher.html", f"has nothing that opens the chat when it is pressed; {todo}"


class _Shape(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.roots: list[int] = []  # how deep each stands
        self.templates: list[str] = []  # of the root's own ones the class that counts
        self.button = False
        self.css = ""
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if "template" not in self._open:
            if ROOT in classes:
                self.roots.append(len(self._open))
            if tag == "template":
                self.templates.append(next((each for each in classes if each in (CSS, PANE)), ""))
            self.button = self.button or BUTTON in classes
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Leave nothing open: drawings close their shapes this way."""
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.templates == [CSS] and "template" in self._open:
            self.css += data
