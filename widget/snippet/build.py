"""Build the copies of `static/widget.js` that are served: small, compressed once, named and hashed by content.

The source runs as it is; the copies only take fewer bytes. The build hook writes them into `static/build/` for wheels
and editable installs; where they are missing or the source has changed since, they are made anew in memory at start.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import brotli

SOURCE = "widget.js"
MANIFEST = "widget.json"
WITHDRAWN = "withdrawn.txt"  # in frozen/: names of copies that have a security fault
BEST, AT_START = 11, 5  # of brotli: the best takes thirty times as long for 7 % fewer bytes
_NAME = re.compile(r"widget\.v\d+\.[0-9a-f]{16}\.js")


class Copy(NamedTuple):
    """One served script in all its encodings; `integrity` is for the tag's attribute of that name."""

    name: str
    integrity: str
    plain: bytes
    gzip: bytes
    brotli: bytes


def build(source: str) -> Copy:
    """Return the small copy of the snippet; raise ImportError where the minifier is not installed."""
    import minify  # a build requirement: an installed wheel carries the built copy

    small: str = minify.string("text/javascript", source)
    return pack(small.encode(), quality=BEST)


@lru_cache(maxsize=16)  # a reload of the settings finds the same scripts
def pack(script: bytes, *, quality: int = AT_START) -> Copy:
    """Compress and name a script as it stands."""
    return Copy(
        name=immutable_name(script),
        integrity=integrity(script),
        plain=script,
        gzip=gzip.compress(script, 9, mtime=0),
        brotli=brotli.compress(script, quality=quality),
    )


def immutable_name(script: bytes) -> str:
    return f"widget.v1.{hashlib.sha256(script).hexdigest()[:16]}.js"


def integrity(script: bytes) -> str:
    return "sha384-" + base64.b64encode(hashlib.sha384(script).digest()).decode()


def write_build(static: Path) -> Path:
    """Build into `static/build/` and return that folder; what was there is replaced."""
    source = (static / SOURCE).read_bytes()
    folder = static / "build"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("widget.*"):
        old.unlink()
    copy = build(source.decode())
    (folder / copy.name).write_bytes(copy.plain)
    (folder / f"{copy.name}.gz").write_bytes(copy.gzip)
    (folder / f"{copy.name}.br").write_bytes(copy.brotli)
    (folder / MANIFEST).write_text(json.dumps({"name": copy.name, "source": _fingerprint(source)}) + "\n")
    return folder


def current(static: Path) -> Copy:
    """Return the copy to serve: the built one if it was made of this very source, else one made now."""
    source = (static / SOURCE).read_bytes()
    built = _read_build(static / "build", source)
    if built is not None:
        return built
    try:
        return build(source.decode())
    except ImportError:
        return pack(source)  # bigger, but what the designer just wrote


def _read_build(folder: Path, source: bytes) -> Copy | None:
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        if manifest["source"] != _fingerprint(source):
            return None
        plain = folder / manifest["name"]
        return Copy(
            name=plain.name,
            integrity=integrity(plain.read_bytes()),
            plain=plain.read_bytes(),
            gzip=plain.with_name(f"{plain.name}.gz").read_bytes(),
            brotli=plain.with_name(f"{plain.name}.br").read_bytes(),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # never built here, or half a build


def frozen(static: Path) -> dict[str, Copy]:
    """Return the copies of earlier releases, which pages have pinned, by name; raise ValueError for a withdrawn one."""
    copies = {path.name: pack(path.read_bytes()) for path in sorted((static / "frozen").glob("widget.v*.js"))}
    if both := sorted(copies.keys() & withdrawn(static)):
        raise ValueError(f"{', '.join(both)}: named in frozen/{WITHDRAWN} and still there; delete the file")
    return copies


def withdrawn(static: Path) -> frozenset[str]:
    """Return the names of copies with a security fault, which answer 410; raise ValueError for what is no such name.

    The file has one name a line; what follows a "#" is a comment.
    """
    path = static / "frozen" / WITHDRAWN
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [name for line in lines if (name := line.partition("#")[0].strip())]
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"frozen/{WITHDRAWN}: {name!r} is no name of a copy, as in widget.v1.0123456789abcdef.js")
    return frozenset(names)


def freeze(static: Path) -> Path:
    """Keep the current copy for good, as a release does, and return its file; raise ValueError if it was withdrawn."""
    copy = build((static / SOURCE).read_text(encoding="utf-8"))
    if copy.name in withdrawn(static):
        raise ValueError(f"{copy.name} is withdrawn: correct static/{SOURCE} before it is frozen")
    path = static / "frozen" / copy.name
    path.write_bytes(copy.plain)
    return path


def _fingerprint(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()
