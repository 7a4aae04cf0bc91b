"""What was asked and found, as values: probes of ECE, findings in words, a diagnosis for each entry point."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from widget.domain.decision import Decision

if TYPE_CHECKING:
    from widget.ece.progress import Probe


class Severity(StrEnum):
    WRONG = "wrong"  # the button cannot work as written
    NOTE = "note"  # worth knowing; nothing has to change


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about what is the case, and one about what to change ("" when nothing).

    `address` is one to open in a browser; findings that say the same of several addresses are one.
    """

    severity: Severity
    what: str
    change: str = ""
    address: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class CheckedCall:
    """One call as the table shows it. `used`: whether this entry point's settings need it."""

    probe: Probe
    used: bool
    address: str

    @property
    def understood(self) -> str:
        """What the call gave: ECE's own names and values, or the error."""
        if self.probe.reading is None:
            return self.probe.error.detail if self.probe.error is not None else "nothing"
        values = asdict(self.probe.reading).items()
        return ", ".join(
            f"{name.replace('_', ' ')} {'none' if value is None else str(value).lower()}" for name, value in values
        )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything about one entry point."""

    entry_point: str
    id: int
    calls: tuple[CheckedCall, ...]
    decision: Decision
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """What stands behind `[storage]` or `[shared]`: in a few words what is the case, and what is wrong with it.

    `schema` is the revision of the tables that are there, `newest` the one of this release; None where there is none.
    """

    section: str
    state: str
    findings: tuple[Finding, ...] = ()
    schema: str | None = None
    newest: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found; `warnings` are the settings' and the themes' own."""

    diagnoses: tuple[Diagnosis, ...]
    warnings: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()

    @property
    def all_well(self) -> bool:
        about: tuple[Diagnosis | Service, ...] = (*self.diagnoses, *self.services)
        return not any(finding.severity is Severity.WRONG for each in about for finding in each.findings)

    def grouped(self) -> dict[Finding, list[str]]:
        """Return the findings, each once, with the entry points they hold for: one dead host is one sentence."""
        groups: dict[Finding, list[str]] = {}
        for diagnosis in self.diagnoses:
            for finding in diagnosis.findings:
                groups.setdefault(finding, []).append(diagnosis.entry_point)
        return groups
