"""What is wrong with the storage, the shared server, the mail server and webhooks, in words, and what to change."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from widget.doctor.report import Finding, Service, Severity
from widget.domain.errors import DeliveryError

if TYPE_CHECKING:
    from widget.store.trial import StorageTrial


def storage_service(trial: StorageTrial, destinations: Collection[str]) -> Service:
    """Return which schema the storage has, what this user may do there, and what is wrong.

    `destinations` are those that the settings have.
    """
    if trial.wrong:
        state = f"{trial.server}, which cannot be used"
    else:
        rights = "rights are missing" if trial.missing_rights else "every right that is needed"
        state = f"{trial.server}; {_schema(trial)}; {rights}"
    return Service("storage", state, tuple(_storage_findings(trial, destinations)), trial.schema, trial.newest)


def shared_service(cause: str | None) -> Service:
    """Return what is wrong with the shared server; `cause` follows its name in a sentence, None when all is well."""
    if cause is None:
        return Service("shared", "scripts run, and the keys ece-widget:* may be read and written")
    finding = Finding(
        Severity.WRONG,
        f"the shared server {cause}",
        "Mend `url` in [shared], or what it names. Until then each process asks ECE and counts for itself.",
    )
    return Service("shared", "cannot be used", (finding,))


def smtp_service(*, encrypted: bool, refused: Sequence[str]) -> Service:
    """Return that a mail would be taken, and what is wrong all the same; `refused` are recipients that are."""
    how = "with TLS" if encrypted else "without TLS"
    return Service("smtp", f"it greets us and would take mails, {how}", tuple(_mail_findings(encrypted, refused)))


def _mail_findings(encrypted: bool, refused: Sequence[str]) -> Iterator[Finding]:
    if refused:
        yield Finding(
            Severity.WRONG,
            f"the mail server refuses {', '.join(refused)} of `to`; the others get the mails",
            "Take out of `to` in [smtp] what nobody reads, or have the server take mail for it.",
        )
    if not encrypted:
        yield Finding(Severity.NOTE, "mails go there unencrypted", "Write smtps:// as `url`, or offer STARTTLS there.")


def smtp_failure(failure: DeliveryError) -> Service:
    """Return at which step a mail would fail: connection, greeting (EHLO), TLS, login, sender, recipient."""
    if not failure.serves_nobody:
        note = Finding(
            Severity.NOTE, f"it asks to come back ({failure.status}), as greylisting does; mails are sent again"
        )
        return Service("smtp", "it greets us and would take mails later", (note,))
    what = f"the mail server cannot be used, at the step {failure.step}: {_named(failure)}"
    change = _MAIL_REMEDIES.get(failure.step, "Mend `url` in [smtp], or what it names.")
    return Service("smtp", "cannot be used", (Finding(Severity.WRONG, what, f"{change} Until then mails wait."),))


_MAIL_REMEDIES = {
    "connection": "Look at host and port of `url` in [smtp], at the name service, and at firewalls between.",
    "greeting": "The mail server has to let this machine in; its log says why it does not.",
    "tls": "Have a certificate for the host of `url` in [smtp], or name its authority in `ca_file`.",
    "login": "Mend user and password of `url` in [smtp]; a / ? # @ or % in them is written as %2F %3F %23 %40 %25.",
    "sender": "Write an address as `from` in [smtp] that this server, and this login, may send for.",
    "recipient": "Write addresses as `to` in [smtp] that this server takes mail for; for others it may want a login.",
}


def webhook_service(name: str, outcome: DeliveryError | int) -> Service:
    """Return what is wrong with the receiver of a webhook; any answer to HEAD will do, as it may take POST alone."""
    section = f"webhooks.{name}"
    if isinstance(outcome, int):
        moved = Finding(
            Severity.WRONG,
            f"the receiver sends to another address ({outcome}), which is not followed",
            f"Write that address as `url` in [{section}].",
        )
        return Service(section, f"it answers (HEAD: {outcome})", (moved,) if 300 <= outcome < 400 else ())
    finding = Finding(
        Severity.WRONG,
        f"the receiver cannot be reached: {_named(outcome)}",
        f"Mend `url` in [{section}], or what it names; your own authority goes into `ca_file`. Until then rows wait.",
    )
    return Service(section, "cannot be reached", (finding,))


def _named(failure: DeliveryError) -> str:
    return failure.detail + (f" ({failure.status})" if failure.status is not None else "")


def _schema(trial: StorageTrial) -> str:
    if trial.schema is None:
        return f"no tables yet, the first start makes those of schema {trial.newest}"
    if trial.schema < trial.newest:
        return f"schema {trial.schema}, which the next start brings to {trial.newest}"
    if trial.schema > trial.newest:
        return f"schema {trial.schema} of a later release, which is used as it is"
    return f"schema {trial.schema}"


def _storage_findings(trial: StorageTrial, destinations: Collection[str]) -> Iterator[Finding]:
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
    for name, number in trial.counts.undeliverable(destinations).items() if trial.counts else ():
        yield Finding(
            Severity.WRONG,
            f"{number} {'row waits' if number == 1 else 'rows wait'} for {name}, which is not in the settings",
            f"Write [{name}] again, and they are sent; or purge them, as the console and `surveys list` name them.",
        )
    if trial.caution is not None:
        yield Finding(Severity.NOTE, trial.caution.rstrip("."))
