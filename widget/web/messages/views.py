"""What the templates of the message form and of its mails are given. The fields are a documented interface."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from widget.domain.message import CONSENT, LONGEST, CheckedMessage, MessageFault, MessageForm
from widget.web.surveys.views import Said

TRAP_FIELD = "website"  # as programs that fill every field like it
FORM_FIELD = "form"  # the signed moment at which the form was made


class FieldView(NamedTuple):
    """One field. `name` is `name`, `email`, `phone` or `text`; `field_id` is what a fault links to."""

    name: str
    value: str
    required: bool
    limit: int
    fault: MessageFault | None
    field_id: str


class MessageFormContext(NamedTuple):
    """`message/form.html`: the form that leaves a message."""

    entry_point: Annotated[str, "the entry point's name in the settings"]
    fields: Annotated[tuple[FieldView, ...], "the fields, each with `name`, `value`, `required`, `limit` and `fault`"]
    consent: Annotated[Said | None, "the sentence to agree to, with `text` and `lang`; none where none is asked"]
    consent_link: Annotated[str, "where it is explained; may be empty"]
    consent_given: Annotated[bool, "whether it is ticked"]
    consent_fault: Annotated[bool, "whether it has to be ticked still"]
    faults: Annotated[tuple[MessageFault, ...], "faults of the whole form, each with a `code`"]
    storage_down: Annotated[bool, "the message could not be stored just now; nothing was lost"]
    too_many: Annotated[bool, "a message came from this network within the last minute; nothing was lost"]
    first_fault: Annotated[str, "the id of the first faulty field; empty when there is none"]


class MessageThanksContext(NamedTuple):
    """`message/thanks.html`."""

    entry_point: Annotated[str, "the entry point's name in the settings"]


class MailItem(NamedTuple):
    """One thing that was written: the words before it, and the text with its line ends."""

    label: str
    text: str


class MailContext(NamedTuple):
    """`message/mail.html` and `message/mail_text.html`: a mail about a message or an alert."""

    kind: Annotated[str, "`message` or `alert`"]
    entry_point: Annotated[str, "the entry point's name in the settings"]
    survey: Annotated[str, "the survey's name in the settings; empty for a message"]
    name: Annotated[str, "the visitor's name; may be empty"]
    email: Annotated[str, "the visitor's address; empty for an alert"]
    answered: Annotated[
        bool, "an answer to this mail goes to that address; false where its letters are not for every server"
    ]
    items: Annotated[tuple[MailItem, ...], "all that was written, each with `label` and `text`"]
    subject: Annotated[str, "the first line of `message/mail_text.html`; empty in that template itself"]


def form_context(
    form: MessageForm,
    entry_point: str,
    checked: CheckedMessage,
    *,
    language: str,
    wanted: str,
    storage_down: bool,
    too_many: bool,
) -> MessageFormContext:
    """Return the form filled with what was typed; `wanted` is the language asked for, `language` that of the page."""
    by_field = {fault.field: fault for fault in reversed(checked.faults) if fault.field}
    fields = tuple(
        FieldView(
            name=name,
            value=checked.values.get(name, ""),
            required=name in form.required,
            limit=LONGEST[name],
            fault=by_field.get(name),
            field_id=f"m-{name}",
        )
        for name in form.fields
    )
    consent_fault = CONSENT in by_field
    first = next((view.field_id for view in fields if view.fault), "m-consent" if consent_fault else "")
    return MessageFormContext(
        entry_point=entry_point,
        fields=fields,
        consent=_consent(form, language=language, wanted=wanted),
        consent_link=form.consent_link,
        consent_given=bool(checked.values.get(CONSENT)),
        consent_fault=consent_fault,
        faults=tuple(fault for fault in checked.faults if not fault.field),
        storage_down=storage_down,
        too_many=too_many,
        first_fault=first,
    )


def _consent(form: MessageForm, *, language: str, wanted: str) -> Said | None:
    if form.consent is None:
        return None
    lang, text = form.consent.pick(wanted or language, language)
    return Said(text, "" if lang.lower() == language.lower() else lang)
