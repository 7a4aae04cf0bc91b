"""How the query of a public address may be spelled, and which spelling a shared cache may keep.

A cache in front of us reads a query in its own way: it takes the last of two fields where we take the first, folds
`LOCALE` into `locale`, decodes names, drops or sorts what it does not know. Two requests that it takes for one could
then get one answer, in somebody else's language. So one spelling alone is cacheable, that of widget.js, in which there
is nothing to read in two ways. Every other spelling is understood and answered too, but never kept.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

LONGEST_QUERY = 2048
MOST_FIELDS = 16

# As URLSearchParams writes a language tag and a theme's name, in the order of the script. A theme's name has no capital
# letters, so that a cache that folds them folds only language tags, whose case means nothing (RFC 5646, section 2.1.1).
_CANONICAL = re.compile(rb"locale=[A-Za-z0-9_-]{0,35}&theme=[a-z0-9_-]{0,64}")


def is_canonical(raw_path: bytes, query: bytes, *, takes_fields: bool) -> bool:
    """Return whether this is the spelling of the script; `raw_path` is the path as it was sent, still encoded.

    An address that takes no fields has none in its canonical spelling.
    """
    if b"%" in raw_path:  # what is encoded is nothing that a configured name has
        return False
    return _CANONICAL.fullmatch(query) is not None if takes_fields else not query


def query_fields(query: bytes) -> dict[str, str]:
    """Return the fields of a query, the first of each name; none where it is too long or has too many fields."""
    if not query or len(query) > LONGEST_QUERY:
        return {}
    try:
        pairs = parse_qsl(query.decode("latin-1"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
    return dict(reversed(pairs))
