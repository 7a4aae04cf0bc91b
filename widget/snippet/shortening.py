"""Make our own script smaller: short local names, joined declarations, no marks that mean nothing.

Not a minifier for any script. It relies on how `static/widget.js` is written: semicolons after every statement, one
meaning for each local name wherever it can be seen (scopes are known by their brackets alone), and no shorthand
properties, which would be a member and a local at once; those it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, product
from string import digits

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
  | (?P<template>`(?:[^`\\]|\\.)*`)
  | (?P<number>\.?[0-9][\w.]*)
  | (?P<name>[A-Za-z_$][\w$]*)
  | (?P<mark>\?\.(?![0-9])|=>|\.\.\.|\+\+|--|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_BEFORE_REGEX = frozenset("(,=:!&|?{};[") | {"", "=>", "return"}
_IN_TEMPLATE = re.compile(r"\$\{([^{}`]*)\}")
_DECLARED = re.compile(
    r"\b(?:const|let|class) (?:(\w+)|\[([\w\s,]+)\])"  # const one, const [several]
    r"|\(([\w\s,.]*)\) ?=>|(\w+) ?=>"  # parameters
    r"|\bcatch ?\( ?(\w+) ?\)"
)
_NOT_SHORT = frozenset({"do", "if", "in", "of", "as"})
# The most frequent names take the first. Any order is right; this one, found by trial, packs `static/widget.js` best.
_LETTERS = "esltydrwCSbonuvxhaDKHLMkfpYiRjAQNPFJEmqVIXcZgzUOBGTW"
_OPENING, _CLOSING = {"(", "[", "{"}, {")", "]", "}"}


class UnsafeSource(ValueError):
    """The script uses a construct that shortening does not understand."""


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    member: bool = False  # the name of a member or of an object's key, never a local one


def shorten(script: str) -> str:
    """Give the script with the same meaning in fewer characters."""
    return _join(_tighten(_rename(_put_in_place(_tokens(script)))))


def _tokens(script: str) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while at < len(script):
        before = tokens[-1].text if tokens else ""
        regex = _REGEX.match(script, at) if before in _BEFORE_REGEX else None
        found = _TOKEN.match(script, at)
        assert found is not None
        if found.lastgroup == "space":
            at = found.end()
        elif regex is not None:
            tokens.append(Token("regex", regex.group()))
            at = regex.end()
        else:
            tokens.append(Token(found.lastgroup or "", found.group()))
            at = found.end()
    return list(_mark_members(tokens))


def _mark_members(tokens: list[Token]) -> Iterator[Token]:
    brackets = [""]
    for index, token in enumerate(tokens):
        if token.kind == "mark" and token.text in _OPENING:
            brackets.append(token.text)
        elif token.kind == "mark" and token.text in _CLOSING:
            brackets.pop()
        elif token.kind == "name":
            before = tokens[index - 1].text if index else ""
            after = tokens[index + 1].text if index + 1 < len(tokens) else ""
            entry = brackets[-1] == "{" and before in {"{", ","}
            if entry and after in {",", "}"}:
                raise UnsafeSource(f"shorthand property: {token.text}")
            yield replace(token, member=before in {".", "?."} or (entry and after == ":"))
            continue
        yield token


def _put_in_place(tokens: list[Token]) -> list[Token]:
    """Write each numeric constant where it is used."""
    numbers: dict[str, Token] = {}
    rest: list[Token] = []
    at = 0
    while at < len(tokens):
        five = tokens[at : at + 5]
        if [each.text for each in five[:1] + five[2:3] + five[4:]] == ["const", "=", ";"] and five[3].kind == "number":
            numbers[five[1].text] = five[3]
            at += 5
        else:
            rest.append(tokens[at])
            at += 1
    return [token if token.member else numbers.get(token.text, token) for token in rest]


@dataclass(frozen=True, slots=True)
class Local:
    """A local name: where it stands, and the part of the script that holds all its scopes."""

    places: list[int]
    reach: range

    def meets(self, other: Local) -> bool:
        """Say whether the two must differ: either stands where the other may be the one that is meant."""
        return any(at in other.reach for at in self.places) and any(at in self.reach for at in other.places)


def _rename(tokens: list[Token]) -> list[Token]:
    code = " ".join(token.text for token in tokens if token.kind in {"name", "mark"})
    declared = {
        name for groups in _DECLARED.findall(code) for name in re.findall(r"[A-Za-z_$][\w$]*", " ".join(groups))
    }
    places: dict[str, list[int]] = {}
    for index, token in enumerate(tokens):
        for name in _names_in(token):
            places.setdefault(name, []).append(index)
    pairs = _pairs(tokens)
    own = {name: Local(where, _reach(tokens, pairs, where)) for name, where in places.items() if name in declared}
    short = [*islice(_short_names(_NOT_SHORT | (set(places) - declared)), len(own))]
    new: dict[str, str] = {}
    for name, here in sorted(own.items(), key=lambda item: (-len(item[1].places), item[0])):
        taken = {given for other, given in new.items() if here.meets(own[other])}
        new[name] = next(each for each in short if each not in taken)
    return [_renamed(token, new) for token in tokens]


def _names_in(token: Token) -> list[str]:
    """Give the names that a token holds which may be local; a template may hold several."""
    if token.kind == "template":
        return [name for part in _IN_TEMPLATE.findall(token.text) for each in _tokens(part) for name in _names_in(each)]
    return [token.text] if token.kind == "name" and not token.member else []


def _pairs(tokens: list[Token]) -> list[range]:
    """Give what each pair of brackets holds, brackets too, inner pairs first; the whole script comes last."""
    pairs: list[range] = []
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind == "mark" and token.text in _OPENING:
            opened.append(index)
        elif token.kind == "mark" and token.text in _CLOSING:
            pairs.append(range(opened.pop(), index + 1))
    return [*pairs, range(len(tokens))]


def _reach(tokens: list[Token], pairs: list[range], places: list[int]) -> range:
    """Give the innermost brackets around all places, which hold the scope of every declaration among them.

    What is declared in round or square brackets (a parameter, a loop's variable) has its scope beside them, so those
    are left first: what is declared so stands there first, too.
    """
    around = [pair for pair in pairs if places[0] in pair]
    for bracket in ("[", "("):
        if len(around) > 1 and tokens[around[0].start].text == bracket:
            around = around[1:]
    return next(pair for pair in around if places[-1] in pair)


def _renamed(token: Token, new: dict[str, str]) -> Token:
    if token.kind == "template":
        inner = _IN_TEMPLATE.sub(
            lambda match: "${" + _join([_renamed(each, new) for each in _tokens(match.group(1))]) + "}", token.text
        )
        return replace(token, text=inner)
    if token.kind == "name" and not token.member:
        return replace(token, text=new.get(token.text, token.text))
    return token


def _short_names(taken: set[str] | frozenset[str]) -> Iterator[str]:
    for length in (1, 2):
        for letters in product(_LETTERS, *[_LETTERS + digits] * (length - 1)):
            name = "".join(letters)
            if name not in taken:
                yield name


def _tighten(tokens: list[Token]) -> list[Token]:
    out: list[Token] = []
    tokens = [replace(each, text="let") if each.text == "const" and not each.member else each for each in tokens]
    statements = [""]  # the word that began the statement under way, for each open bracket
    ended = ""  # and of the one that a semicolon ended just now
    for index, token in enumerate(tokens):
        text, last = token.text, out[-1].text if out else ""
        following = [each.text for each in tokens[index + 1 : index + 3]]
        if token.kind == "mark":
            if (text in {",", ";"} and following[:1] == ["}"]) or (text == "," and following[:1] in ([")"], ["]"])):
                continue
            if text in _OPENING:
                statements.append("")
            elif text in _CLOSING:
                statements.pop()
            elif text == ";":
                ended, statements[-1] = statements[-1], ""
            if (text == "(" and _lone_parameter(tokens, index)) or (text == ")" and _lone_parameter(tokens, index - 2)):
                continue
        elif text == "let" and not token.member:
            if last == ";" and ended == text:
                out[-1], token = Token("mark", ","), Token("", "")
            statements[-1] = text
        elif text in {"true", "false"} and not token.member:
            token = Token("mark", "!0" if text == "true" else "!1")
        if token.kind != "mark" and not statements[-1]:
            statements[-1] = text
        if token.text:
            out.append(token)
    return out


def _lone_parameter(tokens: list[Token], index: int) -> bool:
    """Say whether `(name) =>` begins here, which needs no brackets."""
    four = tokens[max(index, 0) : index + 4]
    return [each.text for each in four[:1] + four[2:]] == ["(", ")", "=>"] and four[1].kind == "name"


def _join(tokens: list[Token]) -> str:
    out: list[str] = []
    for token in tokens:
        if out and re.match(r"[\w$]", out[-1][-1]) and re.match(r"[\w$]", token.text):
            out.append(" ")
        out.append(token.text)
    return "".join(out)
