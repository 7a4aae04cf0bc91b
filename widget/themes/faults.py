"""What can be said of a file in an operator's themes."""

from __future__ import annotations

from typing import NamedTuple


class ThemeRemark(NamedTuple):
    """A fault, of a file that is not used as written and that ours stands in for, or a warning, of one that is used."""

    file: str
    problem: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.problem.rstrip('.')}{'; ' + self.advice if self.advice else ''}"
