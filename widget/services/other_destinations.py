"""Where rows go beside ECE: a mail server and webhooks. Imported only where the settings name one."""

from __future__ import annotations

from functools import partial

from widget.application.clock import Clock
from widget.application.delivery import Destination
from widget.domain.outbox import SMTP, WEBHOOKS
from widget.mail import MAIL_LIMIT, MailSink
from widget.services.pages import load_pages
from widget.settings import Settings
from widget.web.messages.mails import render_mail
from widget.web.pages.pages import Pages
from widget.webhooks import WEBHOOK_LIMIT, WebhookSink

SENDERS = 2  # to a mail server or a webhook at the same time; few like more from one client


def other_destinations(settings: Settings, pages: Pages | None, clock: Clock) -> list[Destination]:
    """Return the mail server and the webhooks; neither keeps a connection between two rows.

    Each has a pace and slots of its own, so that none holds up surveys. Mails are made of templates: of `pages`, or of
    those loaded here.
    """
    destinations: list[Destination] = []
    if settings.smtp is not None:
        mail = MailSink(settings.smtp, partial(render_mail, pages or load_pages(settings, clock)))
        destinations.append(Destination(SMTP, mail, concurrency=SENDERS, send_limit=MAIL_LIMIT))
    for name, each in settings.webhooks.items():
        webhook, destination = WebhookSink(each), f"{WEBHOOKS}{name}"
        destinations.append(Destination(destination, webhook, concurrency=SENDERS, send_limit=WEBHOOK_LIMIT))
    return destinations
