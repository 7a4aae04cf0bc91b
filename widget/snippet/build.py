"""Build the copies of `static/widget.js` that are served: small, compressed once, named and hashed by content.

The source runs as it is; the copies only take fewer bytes. The build hook writes them into `static/build/` for wheels
and editable installs; where they are missing or the source has changed since, they are made anew in memory at start.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import brotli

from widget.snippet.shortening import shorten

SOURCE = "widget.js"
MANIFEST = "widget.json"


@dataclass(frozen=True, slots=True)
class Copy:
    """One served script in all its encodings; `integrity` is for the tag's attribute of that name."""

    name: str
    integrity: str
    plain: bytes
    gzip: bytes
    brotli: bytes


def build(source: str) -> Copy:
    """Make the small copy of the snippet; raises ImportError where the minifier is not installed."""
    import rjsmin  # a build requirement: an installed wheel carries the built copy

    small: str = rjsmin.jsmin(source)
    return pack(shorten(small).encode())


def pack(script: bytes) -> Copy:
    """Compress and name a script as it stands."""
    return Copy(
        name=immutable_name(script),
        integrity=integrity(script),
        plain=script,
        gzip=gzip.compress(script, 9, mtime=0),
        brotli=brotli.compress(script, quality=11),
    )


def immutable_name(script: bytes) -> str:
    return f"widget.v1.{hashlib.sha256(script).hexdigest()[:16]}.js"


def integrity(script: bytes) -> str:
    return "sha384-" + base64.b64encode(hashlib.sha384(script).digest()).decode()


def write_build(static: Path) -> Path:
    """Build into `static/build/` and give that folder; what was there is replaced."""
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
    """Give the copy to serve: the built one if it was made of this very source, else one made now."""
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
    """Give the copies of earlier releases, which pages have pinned, by name."""
    return {path.name: pack(path.read_bytes()) for path in sorted((static / "frozen").glob("widget.v*.js"))}


def freeze(static: Path) -> Path:
    """Keep the current copy for good, as a release does."""
    copy = build((static / SOURCE).read_text(encoding="utf-8"))
    path = static / "frozen" / copy.name
    path.write_bytes(copy.plain)
    return path


def _fingerprint(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()
