"""What is wrong with the storage and the shared server, in words, and what to change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from widget.doctor.report import Finding, Service, Severity


class StorageTrial(Protocol):
    """What opening the storage gave; `missing_rights` and `wrong` are empty when all is well."""

    @property
    def server(self) -> str: ...
    @property
    def schema(self) -> str | None: ...
    @property
    def newest(self) -> str: ...
    @property
    def missing_rights(self) -> Sequence[str]: ...
    @property
    def caution(self) -> str | None: ...
    @property
    def wrong(self) -> str: ...


def storage_service(trial: StorageTrial) -> Service:
    """Say which schema the storage has, what this user may do there, and what is wrong."""
    if trial.wrong:
        state = f"{trial.server}, which cannot be used"
    else:
        state = f"{trial.server}; {_schema(trial)}; {_rights(trial)}"
    return Service("storage", state, tuple(_storage_findings(trial)), trial.schema, trial.newest)


def shared_service(cause: str | None) -> Service:
    """Say whether the shared server can be used; `cause` follows its name in a sentence, None when all is well."""
    if cause is None:
        return Service("shared", "scripts run, and the keys ece-widget:* may be read and written")
    finding = Finding(
        Severity.WRONG,
        f"the shared server {cause}",
        "Mend `url` in [shared], or what it names. Until then each process asks ECE and counts for itself.",
    )
    return Service("shared", "cannot be used", (finding,))


def _schema(trial: StorageTrial) -> str:
    if trial.schema is None:
        return f"no tables yet, the first start makes those of schema {trial.newest}"
    if trial.schema < trial.newest:
        return f"schema {trial.schema}, which the next start brings to {trial.newest}"
    if trial.schema > trial.newest:
        return f"schema {trial.schema} of a later release, which is used as it is"
    return f"schema {trial.schema}"


def _rights(trial: StorageTrial) -> str:
    return "rights are missing" if trial.missing_rights else "every right that is needed"


def _storage_findings(trial: StorageTrial) -> Iterator[Finding]:
    if trial.wrong:
        yield Finding(
            Severity.WRONG,
            trial.wrong,
            "Mend `url` in [storage], or what it names. Until then no survey is taken and none delivered.",
        )
    if trial.missing_rights:
        yield Finding(
            Severity.WRONG,
            f"its user lacks {', '.join(trial.missing_rights)}",
            "Let the user of `url` in [storage] own the tables, which every start may add to.",
        )
    if trial.caution is not None:
        yield Finding(Severity.NOTE, trial.caution.rstrip("."))
