"""A message that a visitor leaves: which fields are asked, what is wrong with what was typed, and what is kept.

The same rules hold for every destination. What passes has one line where a field has one line, so that no header of a
mail can be made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from widget.domain.contact import has_link, is_email, is_one_line, is_phone
from widget.domain.outbox import Answer
from widget.domain.survey import Translations
from widget.domain.text import clean, without_closers

NAME, EMAIL, PHONE, TEXT, CONSENT, LANGUAGE = "name", "email", "phone", "text", "consent", "language"
FIELDS = (NAME, EMAIL, PHONE, TEXT)
ALWAYS_ASKED = (EMAIL, TEXT)
LONGEST = {NAME: 100, EMAIL: 254, PHONE: 40, TEXT: 5000}  # characters
# The fields in the words of whoever receives the message or exports the outbox.
WORDS = {NAME: "Name", EMAIL: "E-mail", PHONE: "Phone", TEXT: "Message", LANGUAGE: "Language of the page"}


class MessageFaultCode(StrEnum):
    """What is wrong with a posted form; the last three speak of the form and of no field."""

    REQUIRED = "required"
    TOO_LONG = "too_long"
    NOT_ONE_LINE = "not_one_line"
    NOT_AN_ADDRESS = "not_an_address"
    NOT_A_NUMBER = "not_a_number"
    LINK = "link"
    TOO_SOON = "too_soon"  # sooner than a person types
    STALE = "stale"  # the form is a day old, or none of ours
    TRAP = "trap"  # a field was filled that nobody sees


class MessageFault(NamedTuple):
    """One fault; `field` is empty where it is the form's."""

    code: MessageFaultCode
    field: str = ""
    length: int = 0
    limit: int = 0


@dataclass(frozen=True, slots=True)
class MessageForm:
    """What is asked, in this order. `consent` is a sentence that has to be agreed to, None where none is asked."""

    fields: tuple[str, ...]
    required: frozenset[str]
    consent: Translations | None
    consent_link: str
    destination: str


@dataclass(frozen=True, slots=True)
class CheckedMessage:
    """What was typed, cleaned, by field, and all that is wrong with it."""

    values: Mapping[str, str]
    faults: tuple[MessageFault, ...]


class MailContent(NamedTuple):
    """What a mail says. `reply_to` is name and address of the person it is from, None where there is none."""

    subject: str
    text: str
    html: str
    reply_to: tuple[str, str] | None = None


def check_message(form: MessageForm, posted: Mapping[str, Sequence[str]]) -> CheckedMessage:
    """Check a posted form. A field that is not asked is left out; of one that comes twice the first counts."""
    values = {name: _cleaned(name, next(iter(posted.get(name, ())), "")) for name in form.fields}
    faults = [fault for name, value in values.items() for fault in _faults(form, name, value)]
    if form.consent is not None:
        values[CONSENT] = "yes" if any(posted.get(CONSENT, ())) else ""
        if not values[CONSENT]:
            faults.append(MessageFault(MessageFaultCode.REQUIRED, CONSENT))
    return CheckedMessage(values, tuple(faults))


def _cleaned(name: str, typed: str) -> str:
    return clean(typed) if name == TEXT else clean(typed).strip()


def _faults(form: MessageForm, name: str, value: str) -> Iterator[MessageFault]:
    """Yield the one fault of a field that says most."""
    if not value.strip():
        if name in form.required:
            yield MessageFault(MessageFaultCode.REQUIRED, name)
        return
    length = len(without_closers(value))
    if length > LONGEST[name]:
        yield MessageFault(MessageFaultCode.TOO_LONG, name, length, LONGEST[name])
    elif name != TEXT and not is_one_line(value):
        yield MessageFault(MessageFaultCode.NOT_ONE_LINE, name)
    elif name == EMAIL and not is_email(value):
        yield MessageFault(MessageFaultCode.NOT_AN_ADDRESS, name)
    elif name == PHONE and not is_phone(value):
        yield MessageFault(MessageFaultCode.NOT_A_NUMBER, name)
    elif name == NAME and has_link(value):
        yield MessageFault(MessageFaultCode.LINK, name)


def message_answers(values: Mapping[str, str], *, consent: str, language: str) -> tuple[Answer, ...]:
    """Return what is kept of a checked form, as answers: what was typed, the sentence agreed to, the language."""
    kept = [Answer(name, WORDS[name], values[name]) for name in FIELDS if values.get(name)]
    if consent:
        kept.append(Answer(CONSENT, consent, "yes"))
    return (*kept, Answer(LANGUAGE, WORDS[LANGUAGE], language))


def person(email: str) -> str:
    """Return the address as the outbox keeps it beside a message, by which all that a person wrote is found again."""
    return email.strip().casefold()
