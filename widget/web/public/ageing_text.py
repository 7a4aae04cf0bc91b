"""The text of one public answer: rendered when its entry point's decision says something else, cut where its age is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from widget.domain.decision import Decision
from widget.web.public.caching import digest
from widget.web.public.current_decision import Standing

Render = Callable[[Decision], bytes]

# One object for all answers that share these bytes. The style sheet makes most of a launcher and is the same for every
# entry point and language; thousands of copies in turn would have each answer wait for memory.
_shared = lru_cache(maxsize=2048)(bytes)
_shared_all = lru_cache(maxsize=1024)(tuple[bytes, ...])


class Marks(NamedTuple):
    """Where things stand in the texts of one kind: right behind `as_of` and `next_check`, in this order, the age.

    `joints` are where a text is cut, in this order, into pieces that other texts are likely to share.
    """

    as_of: bytes
    next_check: bytes
    joints: Sequence[bytes] = ()


class Parts(NamedTuple):
    """A text without its age; all of it `own` if it has none.

    In this order: `own`, `shared`, `asOf`, the first of `after`, `nextCheck`, and the rest of `after`. No other text
    needs to have `own`; what follows, others have too.
    """

    own: bytes
    shared: bytes = b""
    after: tuple[bytes, ...] = ()


class AgeingText:
    """One text. `render` gives the whole of it; with `ages`, it is not rendered again for a decision that only aged."""

    __slots__ = ("_aged", "_ages", "_marks", "_render", "_said", "digest")

    def __init__(self, render: Render, marks: Marks, *, ages: bool) -> None:
        self._render = render
        self._marks = marks
        self._ages = ages
        self._aged = False  # the age was found where it should be
        self._said = -1
        self.digest = b""  # of what is said, whenever ECE said it

    def follow(self, standing: Standing) -> Parts | None:
        """Render what the decision says; None when the parts given last are still right, but for the age."""
        if self._aged and self._said == standing.said:
            return None
        assert standing.decision is not None
        whole = self._render(standing.decision)
        parts = self._cut(whole, standing) if self._ages and standing.as_of else Parts(whole)
        self._said = standing.said
        self._aged = bool(parts.after)
        ageless = parts if self._aged or not standing.as_of else Parts(whole.replace(standing.as_of, b""))
        self.digest = digest(ageless.own + ageless.shared, *ageless.after)
        return parts

    def _cut(self, whole: bytes, standing: Standing) -> Parts:
        """Take the age out, unless a template of somebody's writes it in another way or nothing stands behind it."""
        marks = self._marks
        first, second = marks.as_of + standing.as_of, marks.next_check + standing.next_check
        if whole.count(first) != 1 or whole.count(second) != 1:
            return Parts(whole)
        before, _, rest = whole.partition(first)
        between, _, after = rest.partition(second)
        if not after:
            return Parts(whole)
        own, *shared = _pieces(before, marks.joints)
        following = [between + marks.next_check, *_pieces(after, marks.joints)]
        return Parts(own, _shared(b"".join(shared) + marks.as_of), _shared_all(tuple(map(_shared, following))))


def _pieces(text: bytes, joints: Sequence[bytes]) -> list[bytes]:
    pieces = [text]
    for joint in joints:
        before, found, after = pieces[-1].partition(joint)
        if found:
            pieces[-1:] = [before, found + after]
    return pieces
