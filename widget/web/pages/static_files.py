"""Style sheets and scripts of pages as ready bytes, each under a name that changes with it."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

from starlette.routing import Route

from widget.web.edge.fixed_answers import fixed_route

PREFIX = "/assets"
FOR_GOOD = {"Cache-Control": "max-age=31536000, immutable"}

_STRING_OR_COMMENT = re.compile(r"""("[^"]*"|'[^']*')|/\*.*?\*/""", re.DOTALL)


class StyleSheet(NamedTuple):
    path: str
    body: bytes


def style_sheet(file: str, css: str) -> StyleSheet:
    body = compact(css).encode()
    digest = hashlib.sha256(body).hexdigest()[:16]
    return StyleSheet(f"{PREFIX}/{digest}/{file.rpartition('/')[2]}", body)


@lru_cache(maxsize=64)  # of 48 sheets in the shipped themes and schemes 15 differ
def compact(css: str) -> str:
    """Leave out comments and blanks that mean nothing; texts between quotes stay as they are."""
    parts = [part or "" for part in _STRING_OR_COMMENT.split(css)]  # a comment's own group is None
    for at in range(0, len(parts), 2):
        part = re.sub(r"\s+", " ", parts[at])
        part = re.sub(r" (?=[{};,>]|!important)|(?<=[{};,>]) ", "", part)
        part = re.sub(r"[{;(][a-z-]+: ", lambda match: match[0][:-1], part)
        part = re.sub(r"#([0-9a-f])\1([0-9a-f])\2([0-9a-f])\3\b", r"#\1\2\3", part)
        parts[at] = part.replace(";}", "}")
    return "".join(parts).strip()


def without_unused(css: str) -> str:
    """Leave out the custom properties of ours that a compact style sheet sets and never uses."""
    used = set(re.findall(r"var\((--ece-[a-z-]+)", css))
    drop = {name for name in re.findall(r"(--ece-[a-z-]+):", css) if name not in used}
    return re.sub(r"(--ece-[a-z-]+):[^;}]*;?", lambda match: "" if match[1] in drop else match[0], css)


def script_route(name: str, script: bytes) -> Route:
    """Serve a script; the address, with a hash of it, is the route's path."""
    path = f"/{name}.{hashlib.sha256(script).hexdigest()[:16]}.js"
    return fixed_route(path, script, "text/javascript", FOR_GOOD)
