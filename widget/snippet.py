"""Build the copies of `static/widget.js` that are served: small, compressed once, named and hashed by content.

The source runs as it is; the copies only take fewer bytes. Used by the build hook (wheels and editable installs) and,
where nothing is built or the source is newer, by the server when it starts.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from string import ascii_letters, digits

_TOKEN = re.compile(
    r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
  | (?P<template>`(?:[^`\\]|\\.)*`)
  | (?P<regex>(?<=[(,=:!&|?{};])\s*/(?![/*])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*)
  | (?P<number>\.?[0-9][\w.]*)
  | (?P<name>[A-Za-z_$][\w$]*)
  | (?P<space>\s+)
  | (?P<mark>\?\.(?![0-9])|=>|\.\.\.|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_TEMPLATE = re.compile(r"\$\{([^{}`]*)\}")
_DECLARED = re.compile(
    r"\b(?:const|let)\s+(?:(?P<one>\w+)|\[(?P<several>[\w\s,]+)\])"
    r"|\((?P<parameters>[\w\s,.]*)\)\s*=>|(?P<parameter>\w+)\s*=>|\bcatch\s*\((?P<caught>\w+)\)"
)
_RESERVED = frozenset({"do", "if", "in", "of", "as", "is"})


class UnsafeSource(ValueError):
    """The source uses a construct that shortening of local names does not understand."""


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

    small: str = rjsmin.jsmin(shorten(source))
    return pack(small.encode())


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


def shorten(source: str) -> str:
    """Give every local name of the script a short one.

    One name means one thing in the whole file, whatever its scope, so no scopes need to be understood; members, object
    keys, strings and globals are left alone. Shorthand properties would be members and locals at once: refused.
    """
    local = set(_declared_names(source))
    used = Counter(token for kind, token, member in _names(source) if kind == "name" and not member and token in local)
    taken = {token for kind, token, _ in _names(source) if kind == "name"} - local
    short = _short_names(taken | _RESERVED)
    new = {name: next(short) for name, _ in sorted(used.items(), key=lambda item: (-item[1], item[0]))}
    return _rename(source, new)


def _declared_names(source: str) -> Iterator[str]:
    code = "".join(" " if kind in {"comment", "string", "template", "regex"} else t for kind, t, _ in _names(source))
    for match in _DECLARED.finditer(code):
        for group in match.groups():
            yield from re.findall(r"[A-Za-z_$][\w$]*", group or "")


def _names(source: str) -> Iterator[tuple[str, str, bool]]:
    """Yield each token with its kind and whether it is a member's or an object key's name."""
    tokens = [(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(source)]
    code = [index for index, (kind, _) in enumerate(tokens) if kind not in {"comment", "space"}]
    place = {index: position for position, index in enumerate(code)}
    brackets: list[str] = []
    for index, (kind, token) in enumerate(tokens):
        member = False
        if token in {"(", "[", "{"} and kind == "mark":
            brackets.append(token)
        elif token in {")", "]", "}"} and kind == "mark":
            brackets.pop()
        elif kind == "name":
            position = place[index]
            before = tokens[code[position - 1]][1] if position else ""
            after = tokens[code[position + 1]][1] if position + 1 < len(code) else ""
            in_braces = bool(brackets) and brackets[-1] == "{"
            if in_braces and before in {"{", ","} and after in {",", "}"}:
                raise UnsafeSource(f"shorthand property {token}")
            member = before in {".", "?."} or (in_braces and before in {"{", ","} and after == ":")
        yield kind, token, member


def _rename(source: str, new: dict[str, str]) -> str:
    out = []
    for kind, token, member in _names(source):
        if kind == "template":
            token = _IN_TEMPLATE.sub(lambda match: "${" + _rename(match.group(1), new) + "}", token)
        elif kind == "name" and not member:
            token = new.get(token, token)
        out.append(token)
    return "".join(out)


def _short_names(taken: set[str] | frozenset[str]) -> Iterator[str]:
    for length in (1, 2):
        for letters in product(ascii_letters, *[ascii_letters + digits] * (length - 1)):
            name = "".join(letters)
            if name not in taken:
                yield name
