"""Make the mail of a row: plain text and HTML from the templates of the entry point's theme, in English.

Whoever wants other words or another language replaces `message/mail.html` and `message/mail_text.html`.
"""

from __future__ import annotations

import html

from widget.domain.contact import in_ascii
from widget.domain.message import EMAIL, NAME, MailContent
from widget.domain.outbox import OutboxMessage
from widget.texts import SOURCE
from widget.themes.markup import MAIL
from widget.web.messages.views import MailContext, MailItem
from widget.web.pages.pages import Pages

MAIL_TEXT = "message/mail_text.html"


def render_mail(pages: Pages, row: OutboxMessage, *, theme: str | None = None) -> MailContent:
    """Return the mail of a message or an alert, by the entry point's theme unless another is named.

    Called in a thread, as rendering takes milliseconds.
    """
    theme = pages.theme(theme, entry_point=row.entry_point)
    given = {each.question_id: each.answer for each in row.answers} if not row.survey else {}
    name, email = given.get(NAME, ""), given.get(EMAIL, "")
    context = MailContext(
        kind=row.kind.value,
        entry_point=row.entry_point,
        survey=row.survey,
        name=name,
        email=email,
        answered=bool(in_ascii(email)),
        items=tuple(MailItem(each.question, each.answer) for each in row.answers),
        subject="",
    )
    # every template is escaped, so that none can forget it; a plain text is escaped for nobody
    text = html.unescape(pages.render(MAIL_TEXT, context, theme=theme, language=SOURCE)).lstrip("\n")
    subject, _, rest = text.partition("\n")
    page = pages.render(MAIL, context._replace(subject=subject), theme=theme, language=SOURCE)
    return MailContent(subject.strip(), rest.strip("\n") + "\n", page, (name, email) if email else None)
