"""Build the copies of `static/widget.js` that are served: small, compressed once, named and hashed by content.

The source runs as it is; the copies only take fewer bytes. Used by the build hook (wheels and editable installs) and,
where nothing is built or the source is newer, by the server when it starts.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from dataclasses import dataclass

from widget.shortening import shorten


@dataclass(frozen=True, slots=True)
class Copy:
    """One served copy of the snippet, in all its encodings."""

    name: str
    integrity: str
    plain: bytes
    gzip: bytes
    brotli: bytes


def build(source: str) -> Copy:
    """Make the small copy of the snippet; raises ImportError where the minifier is not installed."""
    import rjsmin  # a build requirement: an installed wheel carries the built copy instead

    small: str = rjsmin.jsmin(source)
    return pack(shorten(small).encode())


def pack(script: bytes) -> Copy:
    """Compress and name a script as it stands."""
    import brotli

    return Copy(
        name=immutable_name(script),
        integrity="sha384-" + base64.b64encode(hashlib.sha384(script).digest()).decode(),
        plain=script,
        gzip=gzip.compress(script, 9, mtime=0),
        brotli=brotli.compress(script, quality=11, lgwin=18),
    )


def immutable_name(script: bytes) -> str:
    return f"widget.v1.{hashlib.sha256(script).hexdigest()[:16]}.js"
