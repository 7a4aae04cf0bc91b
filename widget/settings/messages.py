"""`[messages]`, `[smtp]`, `[webhooks.NAME]` and a survey's `alert_if`: what is told to people, and on which way.

A destination is written as the outbox has it: `smtp`, or `webhooks.NAME`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from widget.domain.contact import is_email
from widget.domain.message import ALWAYS_ASKED, FIELDS, MessageForm
from widget.domain.outbox import SMTP, WEBHOOKS
from widget.settings.addresses import DestinationName, is_destination, is_origin
from widget.settings.faults import Fault, shown
from widget.settings.raw import table_at, words
from widget.settings.surveys import Text
from widget.settings.values import Section, StrippedSecret, Words, where

_SHORTEST_KEY, _LONGEST_KEY = 24, 64  # bytes, as Standard Webhooks wants a secret
SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with


def _is_link(value: str) -> bool:
    parts = urlsplit(value)
    return is_origin(f"{parts.scheme}://{parts.netloc}".lower()) and value.isprintable() and " " not in value


def _is_mail_server(value: SecretStr) -> bool:
    text = value.get_secret_value()
    parts = urlsplit(text)
    fits = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    rest = parts.path.strip("/") or parts.query or parts.fragment or (parts.password and not parts.username)
    return fits and not rest and text.isprintable() and " " not in text


def _is_webhook_secret(value: SecretStr) -> bool:
    key = base64.b64decode(value.get_secret_value().removeprefix(SECRET_PREFIX), validate=True)
    return _SHORTEST_KEY <= len(key) <= _LONGEST_KEY


def _with_prefix(value: SecretStr) -> SecretStr:
    return SecretStr(SECRET_PREFIX + value.get_secret_value().removeprefix(SECRET_PREFIX))


EmailAddress = Annotated[
    str,
    where(
        lambda value: value.isascii() and is_email(value),
        'one e-mail address without a name, as "chat@example.com"',
    ),
]
Link = Annotated[str, where(_is_link, 'an http or https address, as "https://www.example.com/privacy"')]
SmtpUrl = Annotated[
    StrippedSecret,
    where(
        _is_mail_server,
        'a mail server as "smtp://user:password@mail.example.com:587", or smtps:// where TLS comes first;'
        " a / ? # @ or % in the password is written as %2F %3F %23 %40 %25",
    ),
]
WebhookUrl = Annotated[
    StrippedSecret,
    where(
        lambda value: _is_link(value.get_secret_value()),
        'an http or https address, as "https://crm.example.com/hook"',
    ),
]
WebhookSecret = Annotated[
    StrippedSecret,
    where(
        _is_webhook_secret,
        f"{SECRET_PREFIX} and then {_SHORTEST_KEY} to {_LONGEST_KEY} random bytes in base64, as Standard Webhooks"
        " has it; `openssl rand -base64 32` makes them",
    ),
    AfterValidator(_with_prefix),
]
FormField = Literal["name", "email", "phone", "text"]


class MessagesSettings(Section):
    fields: Annotated[tuple[FormField, ...], Words] = ("name", "email", "phone", "text")
    required: Annotated[tuple[FormField, ...], Words] = ("name",)
    consent: Text | None = None
    consent_link: Link | None = None
    to: DestinationName = SMTP

    def form(self) -> MessageForm:
        """Return the form as the domain has it: address and text are always asked, and always required."""
        asked = (*self.fields, *ALWAYS_ASKED)
        return MessageForm(
            fields=tuple(dict.fromkeys(asked)),
            required=frozenset({*self.required, *ALWAYS_ASKED}),
            consent=self.consent,
            consent_link=self.consent_link or "",
            destination=self.to,
        )


class SmtpSettings(Section):
    url: SmtpUrl
    sender: EmailAddress = Field(alias="from")
    to: Annotated[tuple[EmailAddress, ...], Words] = Field(min_length=1, max_length=100)
    ca_file: Path | None = None


class WebhookSettings(Section):
    url: WebhookUrl
    secret: WebhookSecret
    ca_file: Path | None = None


def destination_faults(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a fault for each broken rule between these sections."""
    there = [SMTP] if isinstance(raw.get("smtp"), dict) else []
    there += [f"{WEBHOOKS}{name}" for name in table_at(raw, "webhooks")]
    for key, to in _named(raw):
        if is_destination(to) and to not in there:
            section = "[smtp]" if to == SMTP else f"[{to}]"
            others = f"; there are {', '.join(there)}" if there else ""
            yield Fault(key, shown(to), f"names a destination that is not set up; write a section {section}{others}")
    yield from _message_faults(table_at(raw, "messages"))


def _named(raw: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    sections = {"messages": raw.get("messages")}
    surveys = table_at(raw, "surveys")
    sections |= {f"surveys.{name}.alert_if": table_at(surveys, name).get("alert_if") for name in surveys}
    for place, section in sections.items():
        if isinstance(section, dict):
            yield f"{place}.to", section.get("to", SMTP)


def _message_faults(messages: Mapping[str, Any]) -> Iterator[Fault]:
    asked = [*words(messages["fields"]), *ALWAYS_ASKED] if "fields" in messages else list(FIELDS)
    for name in words(messages.get("required")):
        if name in FIELDS and name not in asked:
            yield Fault("messages.required", shown(name), f'is not asked; add "{name}" to messages.fields')
    if "consent_link" in messages and "consent" not in messages:
        allowed = "goes with messages.consent, the sentence it explains"
        yield Fault("messages.consent_link", shown(messages["consent_link"]), allowed)
