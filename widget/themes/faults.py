"""What can be wrong with an operator's themes: faults are things not used, warnings things used but worth a look."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ThemeFault:
    """Something in the themes directory that is not used as written; what stands in for it is ours."""

    file: str
    problem: str
    allowed: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}{'; ' + self.allowed if self.allowed else ''}"


@dataclass(frozen=True, slots=True)
class ThemeWarning:
    """Something that is used, and that whoever looks after the theme should see."""

    file: str
    problem: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.problem.rstrip('.')}{'; ' + self.advice if self.advice else ''}"
