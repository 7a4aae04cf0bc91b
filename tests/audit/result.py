"""What a judge says of one page, address or set of files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Excuse(NamedTuple):
    """A finding that is no fault of the product: text that stands in it, and why it is none."""

    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table. `findings` count against the product, `excused` do not and are shown with their reason."""

    judge: str
    subject: str
    said: str
    findings: tuple[str, ...] = ()
    excused: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.findings


def judged(
    judge: str, subject: str, findings: Iterable[str], *, excuses: Iterable[Excuse] = (), said: str = ""
) -> Result:
    """Sort the findings into those that count and those that are excused."""
    left: list[str] = []
    excused: dict[str, None] = {}
    for finding in findings:
        excuse = next((each for each in excuses if each.text in finding), None)
        if excuse is None:
            left.append(finding)
        else:
            excused[f"{excuse.text}: {excuse.why}"] = None
    return Result(judge, subject, said or f"{len(left)} findings", tuple(left), tuple(excused))


Judge = Callable[[], Iterator[Result]]
