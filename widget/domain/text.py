"""Make what a visitor typed fit for XML and harmless beside other text, changing as little as can be.

The rules, in this order:

1. Line ends: CR LF and CR become LF, so that one line end counts as one character.
2. Characters that XML 1.0 cannot hold (NUL and the other C0 controls but tab and LF, lone surrogates, U+FFFE, U+FFFF)
   become U+FFFD: the reader sees that something stood there.
3. Bidirectional embeddings, overrides and isolates (UAX #9) are balanced line by line: what is left open is closed at
   the end of its line, and a closing character that closes nothing is dropped. Right-to-left text keeps all that it
   needs, and no answer can turn round the words that stand after it in an agent's list.

Nothing else is touched: spaces, zero-width characters, combining marks and emoji arrive as they were typed.
"""

from __future__ import annotations

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_LINE_ENDS = re.compile(r"\r\n?")
_NOT_XML = re.compile("[^\\t\\n\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_PDF, _PDI = "\N{POP DIRECTIONAL FORMATTING}", "\N{POP DIRECTIONAL ISOLATE}"
_EMBEDDINGS = "\u202a\u202b\u202d\u202e"  # LRE RLE LRO RLO, closed by PDF
_ISOLATES = "\u2066\u2067\u2068"  # LRI RLI FSI, closed by PDI
_BIDI = re.compile(f"[{_EMBEDDINGS}{_ISOLATES}{_PDF}{_PDI}]")
_PARAGRAPH_ENDS = re.compile("([\\n\\x85\u2029])")  # UAX #9: no embedding reaches past one


def normal_line_ends(text: str) -> str:
    """Write every line end as LF."""
    return _LINE_ENDS.sub("\n", text)


def clean(text: str) -> str:
    """Return the text as it is stored, shown again and sent."""
    text = _NOT_XML.sub(REPLACEMENT, normal_line_ends(text))
    if not _BIDI.search(text):
        return text
    return "".join(_balanced(part) for part in _PARAGRAPH_ENDS.split(text))


def without_closers(text: str) -> str:
    """Return the text as it is counted: what `clean` may add at the end of a line is no character of the visitor's."""
    return text.replace(_PDF, "").replace(_PDI, "")


def _balanced(line: str) -> str:
    """Close what is left open and drop what closes nothing; a PDI also ends what opened inside its isolate."""
    closers: list[str] = []
    kept: list[str] = []
    for character in line:
        if character in _EMBEDDINGS:
            closers.append(_PDF)
        elif character in _ISOLATES:
            closers.append(_PDI)
        elif character == _PDF:
            if not closers or closers[-1] != _PDF:
                continue
            closers.pop()
        elif character == _PDI:
            if _PDI not in closers:
                continue
            while closers.pop() != _PDI:
                pass
        kept.append(character)
    return "".join(kept) + "".join(reversed(closers))
