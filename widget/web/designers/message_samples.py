"""The message form in every state, for the preview and for the trial of a theme."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from widget.domain.message import CONSENT, CheckedMessage, MessageFault, MessageFaultCode, MessageForm
from widget.domain.outbox import Answer, OutboxMessage, RowKind
from widget.domain.survey import Translations
from widget.settings import MessagesSettings
from widget.web.designers.preview import DrawSurvey
from widget.web.messages.routes import FORM, THANKS, with_token
from widget.web.messages.views import MessageThanksContext, form_context
from widget.web.pages.pages import Pages
from widget.web.pages.theme_sheets import Scheme

_TYPED = {"name": "Ada Lovelace", "email": "ada", "phone": "", "text": "Hello\nworld"}
_WRONG = (
    MessageFault(MessageFaultCode.NOT_AN_ADDRESS, "email"),
    MessageFault(MessageFaultCode.REQUIRED, "text"),
    MessageFault(MessageFaultCode.REQUIRED, CONSENT),
)
_SAMPLE = OutboxMessage(
    key="0" * 64,
    sid="",
    entry_point="",
    survey="",
    answers=(
        Answer("name", "Name", "Ada"),
        Answer("email", "E-mail", "ada@example.com"),
        Answer("text", "Message", "?"),
    ),
    kind=RowKind.MESSAGE,
)


def message_pages(pages: Pages) -> list[tuple[str, DrawSurvey]]:
    """Return what `Preview` takes as further pages; without `[messages]` the form is the default one."""
    found: list[tuple[str, DrawSurvey]] = [
        (f"message: {state}", partial(_draw, pages, state))
        for state in ("form", "with faults", "storage down", "one a minute")
    ]
    return [*found, ("message: thanks", partial(_thanks, pages))]


def sample_mails(pages: Pages) -> Iterator[OutboxMessage]:
    """Yield a message and an alert, from which a theme's mails are made in a trial."""
    entry_point = next(iter(pages.settings.entry_points))
    yield replace(_SAMPLE, entry_point=entry_point)
    yield replace(_SAMPLE, entry_point=entry_point, survey="trial", kind=RowKind.ALERT)


def every_fault(pages: Pages, *, theme: str) -> Iterator[str]:
    """Yield the form with each fault at each field, and with a sentence to agree to."""
    form = replace(
        _form(pages), consent=Translations({"en": "I agree", "de": "Ja"}), consent_link="https://www.example.com/"
    )
    for code in MessageFaultCode:
        faults = [MessageFault(code, name, 8, 9) for name in (*form.fields, CONSENT)]
        yield _page(pages, form, [*faults, MessageFault(code)], theme=theme)


def _form(pages: Pages) -> MessageForm:
    return (pages.settings.messages or MessagesSettings()).form()


def _draw(pages: Pages, state: str, *, theme: str, language: str, scheme: Scheme) -> str:
    faults = [each for each in _WRONG if state == "with faults"]
    return _page(pages, _form(pages), faults, theme=theme, language=language, scheme=scheme, state=state)


def _page(
    pages: Pages,
    form: MessageForm,
    faults: list[MessageFault],
    *,
    theme: str,
    language: str = "en",
    scheme: Scheme = "auto",
    state: str = "",
) -> str:
    if form.consent is None:
        faults = [each for each in faults if each.field != CONSENT]
    checked = CheckedMessage({} if state == "form" else _TYPED, tuple(faults))
    context = form_context(
        form,
        next(iter(pages.settings.entry_points)),
        checked,
        language=language,
        wanted=language,
        storage_down=state == "storage down",
        too_many=state == "one a minute",
    )
    return with_token(pages.render(FORM, context, theme=theme, language=language, scheme=scheme), "")


def _thanks(pages: Pages, *, theme: str, language: str, scheme: Scheme) -> str:
    context = MessageThanksContext(next(iter(pages.settings.entry_points)))
    return pages.render(THANKS, context, theme=theme, language=language, scheme=scheme)
